"""Resets of unused weights: the published numbers per unit type, small and frequent ones per agent."""

from __future__ import annotations

import dataclasses

import pytest

from algorithms import registry
from harness.cli.overrides import Setting, resolve_config
from tests.algorithms.worlds import SINGLE_TYPE, SPEC, learner

RUN = 100_500  # a hundredth of the published run


@pytest.mark.parametrize(("id", "interval"), [("k24-with-resets", 5_000), ("kalei", 10_000)])
def test_per_type_the_interval_scales_with_the_run(id: str, interval: int) -> None:
    schedule = learner(id, SPEC, total_env_steps=RUN).schedule()
    assert (schedule["reset_interval"], schedule["reset_ratio"]) == (interval, 0.2)


@pytest.mark.parametrize("id", ["k24-with-resets", "kalei"])
@pytest.mark.parametrize("unit_types", [(), ("marine",)], ids=["no types", "one type"])
def test_per_agent_the_interval_holds_in_any_run(id: str, unit_types: tuple[str, ...]) -> None:
    spec = dataclasses.replace(SPEC, unit_types=unit_types)
    for total in (RUN, 10_050_000):
        schedule = learner(id, spec, total_env_steps=total).schedule()
        assert (schedule["reset_interval"], schedule["reset_ratio"]) == (10_000, 0.1)


@pytest.mark.parametrize("id", ["k24", "kalei"])
def test_given_numbers_win_and_scale(id: str) -> None:
    for spec in (SPEC, SINGLE_TYPE):
        made = learner(id, spec, total_env_steps=RUN, reset_interval=200_000, reset_ratio=0.3)
        schedule = made.schedule()
        assert (schedule["reset_interval"], schedule["reset_ratio"]) == (2_000, 0.3)


def test_restarts_come_when_the_schedule_says() -> None:
    made = learner("k24-with-resets", SINGLE_TYPE, total_env_steps=RUN)
    resets = [t for t in range(0, 50_000, 500) if made.advance(t)]
    assert resets == [10_000, 20_000, 30_000, 40_000]


@pytest.mark.parametrize(("text", "value"), [("5e5", 500_000), ("none", None)])
def test_the_command_line_reads_them(text: str, value: int | None) -> None:
    setting = Setting(target="k24", key="reset_interval", text=text)
    config, notes = resolve_config("k24", registry.config_class("k24"), [setting], {})
    assert config.reset_interval == value
    assert notes == [f"k24.reset_interval = {value} (by --set)"]
