"""``--set`` is read by the field's type, and a mistake hears what would have worked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest

from harness.cli.errors import UsageError
from harness.cli.overrides import Setting, parse_setting, parse_value, resolve_config


@dataclass(frozen=True, kw_only=True)
class Config:
    div_coef: float = 0.1
    batch_size: int = 128
    clip: float | None = 10.0


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
    assert (read, type(read)) == (value, type(value))


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
    given = map(parse_setting, ["k24.div_coef=0.2", "qmix.div_coef=0.9", "k24.clip=none"])
    budget = {"by the budget": {"batch_size": 8, "div_coef": 0.3, "not_a_field": 1}}
    config, notes = resolve_config("k24", Config, given, budget)
    assert config == Config(div_coef=0.2, batch_size=8, clip=None)
    by_user = ["k24.div_coef = 0.2 (by --set)", "k24.clip = None (by --set)"]
    assert notes == ["k24.batch_size = 8 (by the budget)", *by_user]
