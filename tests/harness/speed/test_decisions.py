"""Decisions per second are counted, not guessed."""

from __future__ import annotations

import pytest

from algorithms.protocol import Decision, Observation, PolicyState
from harness.speed.decisions import decisions_per_second
from tests.harness.fake_algorithm import rule
from tests.harness.fake_env import N_AGENTS
from tests.harness.speed.stand_in import Clock


def test_one_decision_for_every_agent_of_every_battle(monkeypatch: pytest.MonkeyPatch) -> None:
    algorithm, clock, shapes = rule(), Clock(monkeypatch), set()
    act = algorithm.act

    def slow(observation: Observation, state: PolicyState, *, explore: bool) -> Decision:
        shapes.add((tuple(observation.obs.shape), explore))
        clock.pass_by(0.01)
        return act(observation, state, explore=explore)

    monkeypatch.setattr(algorithm, "act", slow)
    assert decisions_per_second(algorithm, seed=0, battles=64) == pytest.approx(64 * N_AGENTS / 0.01)
    assert shapes == {((64, N_AGENTS, algorithm.spec.obs_size), False)}
