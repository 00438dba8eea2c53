"""Budgets by name, and how their battles share slots."""

from __future__ import annotations

import dataclasses

import pytest

from harness.runs.budget import BUDGETS, Budget


def test_named_budgets() -> None:
    """Battles as published during training, and enough at the end for an interval of about ±3 points."""
    fields = ("name", "env_steps", "seeds", "test_episodes", "final_episodes", "is_smoke")
    assert [tuple(getattr(budget, field) for field in fields) for budget in BUDGETS.values()] == [
        ("smoke", 2_000, 1, 8, 16, True),
        ("quick", 120_000, 1, 32, 1_000, False),
        ("standard", 200_000, 3, 32, 1_000, False),
        ("long", 1_000_000, 3, 32, 1_000, False),
        ("paper", 10_050_000, 3, 32, 1_000, False),
    ]
    assert list(BUDGETS) == [budget.name for budget in BUDGETS.values()]


def test_games_that_are_dear_are_played_few_at_a_time() -> None:
    quick = BUDGETS["quick"]
    slots = [(few.test_slots, few.final_slots) for few in map(quick.with_slots, (1, 3, 8, 1000))]
    assert slots == [(1, 1), (2, 2), (8, 8), (32, 125)]
    assert dataclasses.replace(quick.with_slots(3), test_slots=32, final_slots=125) == quick


def test_shorter_run_is_still_evaluated_and_saved() -> None:
    short = BUDGETS["standard"].with_env_steps(500)
    assert (short.env_steps, short.test_interval, short.checkpoint_interval) == (500, 500, 500)
    longer = BUDGETS["standard"].with_env_steps(300_000)
    assert dataclasses.replace(longer, env_steps=200_000, name="standard") == BUDGETS["standard"]


@pytest.mark.parametrize("budget", BUDGETS.values(), ids=BUDGETS)
def test_slots_share_the_battles_evenly(budget: Budget) -> None:
    for most in (1, 7, 32, 1000):
        fitted = budget.with_slots(most)
        assert 1 <= fitted.test_slots <= most
        assert fitted.test_episodes % fitted.test_slots == fitted.final_episodes % fitted.final_slots == 0
