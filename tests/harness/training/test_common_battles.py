"""The final evaluation: every algorithm meets the same battles, each of them from the same first state."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import algorithms.registry
from algorithms.protocol import Algorithm
from harness.runs.budget import BUDGETS
from harness.runs.plan import RunPlan
from harness.training.final_evaluation import play_final_battles
from studies.rows import EpisodeOutcome
from tests.harness.fake_request import plans_for

SLOTS, EPISODES = 4, 12

Starts = dict[tuple[int, int], bytes]
"""(slot, battle) -> unit types, observations, state and masks with which the battle began."""


class Watched:
    """A batch of battles that keeps how each of them began."""

    def __init__(self, env: Any, starts: Starts) -> None:
        self._env, self._starts = env, starts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._env, name)

    def reset(self, seed: int | None = None) -> None:
        self._env.reset(seed)
        self._keep()

    def step(self, actions: Any) -> None:
        self._env.step(actions)
        self._keep()

    def _keep(self) -> None:
        env = self._env
        for slot in range(env.num_envs):
            key = (slot, int(env.battle_id[slot]))
            if key not in self._starts:
                shown = (env.unit_type, env.obs, env.state, env.action_mask)
                self._starts[key] = b"".join(array[slot].tobytes() for array in shown)


def ways(battles: tuple[EpisodeOutcome, ...]) -> list[tuple[float, int]]:
    """How battles went: return and length."""
    return [(battle.episode_return, battle.length) for battle in battles]


def evaluated(
    monkeypatch: pytest.MonkeyPatch, name: str, seed: int, scenario: str = "terran_5_vs_5"
) -> tuple[Starts, tuple[EpisodeOutcome, ...]]:
    """First states and outcomes of the final evaluation of an algorithm that has learned nothing."""
    budget = dataclasses.replace(BUDGETS["smoke"], final_slots=SLOTS, final_episodes=EPISODES)
    (plan,) = plans_for(algorithms=(name,), scenarios=(scenario,), seeds=(seed,), budget=budget)
    starts: Starts = {}
    make = RunPlan.make_env
    with monkeypatch.context() as patched:
        patched.setattr(RunPlan, "make_env", lambda self, *args: Watched(make(self, *args), starts))
        found = play_final_battles(plan, _fresh(plan))
    counted = {(outcome.slot, outcome.battle_id) for outcome in found.outcomes}
    return {key: start for key, start in starts.items() if key in counted}, found.outcomes


def _fresh(plan: RunPlan) -> Algorithm:
    spec = plan.make_env(1, 0).spec
    return algorithms.registry.make(plan.algorithm, spec, plan.config, total_env_steps=100, seed=plan.seed)


def test_two_algorithms_meet_identical_first_states(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, our_battles = evaluated(monkeypatch, "k24", 0)
    theirs, their_battles = evaluated(monkeypatch, "vdn", 0)
    assert set(ours) == {(slot, battle) for slot in range(SLOTS) for battle in range(EPISODES // SLOTS)}
    assert ours == theirs
    assert len(set(ours.values())) == EPISODES, "and no two battles begin alike"
    assert ways(our_battles) != ways(their_battles), "they play otherwise"


def test_another_seed_has_battles_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    first, other = (evaluated(monkeypatch, "qmix", seed)[0] for seed in (0, 1))
    assert not set(first.values()) & set(other.values())


def test_all_policies_meet_the_same_battles_however_long_they_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same battles are counted for a policy that wins early and for one that does not."""
    found = [evaluated(monkeypatch, name, 3, "fake") for name in ("rule", "vdn")]
    assert found[0][0] == found[1][0]
    rates = [np.mean([battle.won for battle in battles]) for _, battles in found]
    assert rates[0] > rates[1]
