"""An algorithm has one look in every figure, and no two names of a figure share theirs."""

from __future__ import annotations

from algorithms import registry
from harness.plots.style import MAIN, SERIES, looks


def test_an_algorithm_looks_the_same_whatever_is_beside_it() -> None:
    alone = {name: looks([name])[name] for name in ("qmix", "kalei", "k24")}
    assert len({look.colour for look in alone.values()}) == 3
    for names in (["k24", "qmix", "kalei"], ["kalei", "k24", "vdn"], ["k24, rules 2024", "qmix, rules 2023"]):
        drawn = {name.split(",")[0]: look for name, look in looks(names).items()}
        assert {name: look for name, look in drawn.items() if name in alone} == {
            name: alone[name] for name in drawn if name in alone
        }


def test_variants_and_many_algorithms_look_distinct() -> None:
    variants = looks(["k24@b9ff92", "k24@45bea5", "qmix"])
    assert len({look.colour for look in variants.values()}) == 3
    many = registry.ids()[: len(SERIES)]
    assert len({look.colour for look in looks(many).values()}) == len(SERIES)
    assert set(looks([*registry.ids(), "an unknown one"]).values()) == set(SERIES)
    assert looks(["k24-static", "vdn"])["vdn"].colour not in {look.colour for look in SERIES[:MAIN]}
