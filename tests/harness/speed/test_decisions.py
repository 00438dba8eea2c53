"""Decisions per second are counted, not guessed."""

from __future__ import annotations

import time

import pytest

from algorithms.protocol import Decision, Observation, PolicyState
from harness.speed.decisions import measure_throughput
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
    found = measure_throughput(algorithm, seed=0, battles=64, repeats=3)
    assert shapes == {((64, N_AGENTS, algorithm.spec.obs_size), False)}
    assert found.decisions_per_second == pytest.approx(64 * N_AGENTS / found.seconds)
    assert 0.01 <= found.seconds < 0.1
    assert (found.battles, found.dtype, found.device) == (64, "float32", "cpu")
    assert "thread" in found.device_name
