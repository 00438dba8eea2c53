"""Decisions per second are counted, not guessed."""

from __future__ import annotations

import time

import pytest

from algorithms.protocol import Decision, Observation, PolicyState
from harness.speed.decisions import decisions_per_second
from tests.harness.fake_algorithm import RuleAlgorithm, RuleConfig
from tests.harness.fake_env import N_AGENTS, FakeEnv


def test_one_decision_for_every_agent_of_every_battle(monkeypatch: pytest.MonkeyPatch) -> None:
    algorithm = RuleAlgorithm("rule", FakeEnv(1, 0).spec, RuleConfig())
    shapes = set()
    act = algorithm.act

    def slow(observation: Observation, state: PolicyState, *, explore: bool) -> Decision:
        shapes.add((tuple(observation.obs.shape), explore))
        time.sleep(0.01)
        return act(observation, state, explore=explore)

    monkeypatch.setattr(algorithm, "act", slow)
    found = decisions_per_second(algorithm, seed=0, battles=64)
    assert shapes == {((64, N_AGENTS, algorithm.spec.obs_size), False)}
    assert 64 * N_AGENTS / 0.1 < found <= 64 * N_AGENTS / 0.01
