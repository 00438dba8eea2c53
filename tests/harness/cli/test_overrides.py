"""``--set`` is read by the field's type, and a mistake hears what would have worked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest

from harness.cli.errors import UsageError
from harness.cli.overrides import Setting, check_targets, parse_setting, parse_value, resolve_config


@dataclass(frozen=True, kw_only=True)
class Config:
    div_coef: float = 0.1
    batch_size: int = 128
    reset: bool = True
    per: Literal["type", "agent"] = "type"
    clip: float | None = 10.0
    layers: tuple[int, ...] = (64,)
    rules: str = "2024"

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"batch_size is {self.batch_size}, it must be at least 1")


def settings(*arguments: str) -> list[Setting]:
    return [parse_setting(argument) for argument in arguments]


def test_setting_is_taken_apart() -> None:
    assert parse_setting("k24.div_coef=0.2") == Setting(target="k24", key="div_coef", text="0.2")
    assert parse_setting("env.name=a=b").text == "a=b"


@pytest.mark.parametrize("argument", ["div_coef=0.2", "k24.div_coef", "k24.=3", ".key=3", ""])
def test_malformed_setting_shows_the_form(argument: str) -> None:
    with pytest.raises(UsageError, match=r"TARGET\.KEY=VALUE; for example: --set k24\.div_coef=0\.2"):
        parse_setting(argument)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("5e-4", float, 5e-4),
        ("3", float, 3.0),
        ("500_000", int, 500_000),
        ("5e5", int, 500_000),
        ("True", bool, True),
        ("off", bool, False),
        ("2023", str, "2023"),
        ("agent", Literal["type", "agent"], "agent"),
        ("none", float | None, None),
        ("2.5", float | None, 2.5),
        ("64,32", tuple[int, ...], (64, 32)),
        ("2", int | str, 2),
        ("two", int | str, "two"),
    ],
)
def test_value_by_type(text: str, kind: object, value: object) -> None:
    read = parse_value(text, kind, where="a.b")
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("much", float, r"a\.b is 'much', it must be a number, for example a\.b=0\.2"),
        ("nan", float, "it must be a finite number"),
        ("1.5", int, r"a\.b is '1\.5', it must be a whole number, for example a\.b=200"),
        ("inf", int, "must be a whole number"),
        ("maybe", bool, r"a\.b is 'maybe', it must be true or false, for example a\.b=true"),
        ("team", Literal["type", "agent"], r"a\.b is 'team', allowed: type, agent"),
        ("1,x", tuple[int, ...], "it must be a whole number"),
        ("{}", dict, "cannot be given on the command line"),
    ],
)
def test_wrong_value_names_type_and_example(text: str, kind: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_value(text, kind, where="a.b")


def test_resolve_applies_budget_then_user() -> None:
    given = settings("k24.div_coef=0.2", "qmix.div_coef=0.9", "k24.clip=none")
    config, notes = resolve_config("k24", Config, given, {"by the budget": {"batch_size": 8, "not_a_field": 1}})
    assert config == Config(div_coef=0.2, batch_size=8, clip=None)
    assert notes == [
        "k24.batch_size = 8 (by the budget)",
        "k24.div_coef = 0.2 (by --set)",
        "k24.clip = None (by --set)",
    ]


def test_user_wins_over_the_budget() -> None:
    config, notes = resolve_config("k24", Config, settings("k24.batch_size=16"), {"by the budget": {"batch_size": 8}})
    assert config.batch_size == 16
    assert notes == ["k24.batch_size = 16 (by --set)"]


def test_unknown_key_hears_the_near_one() -> None:
    with pytest.raises(UsageError, match=r"unknown setting of k24 'div_coeff'; did you mean div_coef\?"):
        resolve_config("k24", Config, settings("k24.div_coeff=0.2"), {})


def test_refusal_by_the_dataclass_keeps_its_words() -> None:
    with pytest.raises(UsageError, match="k24: batch_size is 0, it must be at least 1"):
        resolve_config("k24", Config, settings("k24.batch_size=0"), {})


def test_unknown_target() -> None:
    check_targets(settings("qmix.lr=1", "env.rules=2023"), ["qmix"], ["qmix", "k24"])
    with pytest.raises(UsageError, match=r"unknown target of --set 'qmixx'; did you mean qmix\?"):
        check_targets(settings("qmixx.lr=1"), ["qmix"], ["qmix", "k24"])


def test_target_that_does_not_take_part() -> None:
    with pytest.raises(UsageError, match="k24 is not part of this comparison; add it: --algos qmix,k24"):
        check_targets(settings("k24.div_coef=1"), ["qmix"], ["qmix", "k24"])
