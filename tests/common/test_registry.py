"""The registry that scenarios, units and algorithms share."""

from __future__ import annotations

import pytest

from common.registry import Registry, UnknownIdError, did_you_mean, load, near_matches


@pytest.fixture
def animals() -> Registry[int]:
    registry: Registry[int] = Registry("animal", hint="zoo.register(...)")
    registry.register("zebra", 1)
    registry.register("ant", 2)
    return registry


def test_ids_keep_the_order_of_registration(animals: Registry[int]) -> None:
    assert animals.ids() == list(animals) == ["zebra", "ant"]
    assert (animals.get("ant"), len(animals), "zebra" in animals, "cow" in animals) == (2, 2, True, False)


def test_an_alias_is_found_and_not_listed(animals: Registry[int]) -> None:
    animals.alias("stripes", "zebra")
    animals.alias("more stripes", "stripes")
    assert (animals.get("more stripes"), animals.resolve("stripes"), animals.ids()) == (1, "zebra", ["zebra", "ant"])


@pytest.mark.parametrize("id", ["ant", "stripes"])
def test_a_taken_id_is_refused(animals: Registry[int], id: str) -> None:
    animals.alias("stripes", "zebra")
    with pytest.raises(ValueError, match=f"animal '{id}' is already registered.*choose another id"):
        animals.register(id, 3)
    with pytest.raises(ValueError, match="already registered"):
        animals.alias(id, "ant")


@pytest.mark.parametrize("id", ["", None, 3])
def test_an_id_that_is_no_name_is_refused(animals: Registry[int], id: str) -> None:
    with pytest.raises(ValueError, match="an id must be a non-empty string"):
        animals.register(id, 3)
    with pytest.raises(UnknownIdError, match="registered: zebra, ant"):
        animals.get(id)


def test_an_unknown_id_lists_near_matches_and_says_how_to_add_one(animals: Registry[int]) -> None:
    text = r"unknown animal 'Zebre': did you mean zebra\? registered: zebra, ant; add your own with zoo.register"
    with pytest.raises(UnknownIdError, match=text):
        animals.get("Zebre")


def test_an_error_class_of_ones_own() -> None:
    class UnknownToyError(UnknownIdError):
        pass

    with pytest.raises(UnknownToyError):
        Registry[int]("toy", error=UnknownToyError).get("ball")


def test_near_matches_ignore_capitals() -> None:
    assert near_matches("QMIXX", ["k24", "qmix"]) == ["qmix"]
    assert did_you_mean("entirely else", ["k24"]) == ""


def test_load() -> None:
    assert load("common.registry:Registry") is Registry
    for location in ("common.registry", ":Registry", "common.registry:"):
        with pytest.raises(ValueError, match="must be 'module:name'"):
            load(location)


def test_what_is_registered_for_a_while(animals: Registry[int]) -> None:
    with animals.preserved():
        animals.register("cow", 3)
        animals.alias("moo", "cow")
        assert (animals.ids(), animals.get("moo")) == (["zebra", "ant", "cow"], 3)
    assert (animals.ids(), "moo" in animals) == (["zebra", "ant"], False)
    with pytest.raises(UnknownIdError, match="unknown animal 'cow'"):
        animals.get("cow")
