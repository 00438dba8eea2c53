"""The same battles for everybody, the same number in every slot, and each end counted as what it is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.policies.evaluate import Evaluation, evaluate_greedily
from tests.harness.fake_algorithm import rule
from tests.harness.fake_env import LIMIT, FakeEnv


def evaluation(*, right: bool = True, episodes: int = 24, seed: int = 5, abort_every: int = 0) -> Evaluation:
    env = FakeEnv(4, 0, abort_every=abort_every)
    return evaluate_greedily(rule(env, right=right), env, episodes=episodes, seed=seed)


def test_every_slot_plays_its_quota() -> None:
    outcomes = evaluation().outcomes
    assert [(outcome.slot, outcome.battle_id) for outcome in outcomes] == [(s, b) for s in range(4) for b in range(6)]


def test_right_play_wins_all_but_the_timeouts() -> None:
    found = evaluation(right=True)
    limits = sum(outcome.length == LIMIT for outcome in found.outcomes)
    assert limits > 0
    assert found.wins == 24 - limits
    assert found.win_rate.estimate == (24 - limits) / 24, "timeouts are finished, and no wins"
    assert all(outcome.truncated == (outcome.length == LIMIT) for outcome in found.outcomes)
    assert not any(outcome.truncated and (outcome.won or outcome.lost) for outcome in found.outcomes)


def test_returns_and_lengths_are_those_of_the_battle() -> None:
    for outcome in evaluation().outcomes:
        length = int(np.random.default_rng((5, outcome.slot, outcome.battle_id)).integers(3, LIMIT + 1))
        assert (outcome.length, outcome.episode_return) == (length, pytest.approx(length))


def test_wrong_play_loses() -> None:
    found = evaluation(right=False)
    assert (found.wins, found.win_rate.estimate, found.mean_return) == (0, 0.0, 0.0)
    assert sum(outcome.lost for outcome in found.outcomes) == sum(outcome.length < LIMIT for outcome in found.outcomes)


def test_all_policies_meet_the_same_battles() -> None:
    ours, theirs = evaluation(right=True), evaluation(right=False)
    assert [outcome.length for outcome in ours.outcomes] == [outcome.length for outcome in theirs.outcomes]
    assert evaluation(seed=6).outcomes != ours.outcomes


def test_the_world_is_left_where_it_was_started_from() -> None:
    env = FakeEnv(4, 0)
    first, again = (evaluate_greedily(rule(env), env, episodes=8, seed=1) for _ in range(2))
    assert first == again


def test_aborted_battles_are_reported_and_not_counted() -> None:
    found = evaluation(abort_every=4)
    assert (found.aborted, len(found.finished), found.win_rate.estimate) == (6, 18, found.wins / 18)
    assert not any(outcome.aborted and (outcome.won or outcome.truncated) for outcome in found.outcomes)


def test_nothing_finished_is_no_number() -> None:
    found = evaluation(abort_every=1)
    with pytest.raises(ValueError, match="0 finished episodes"):
        found.win_rate  # noqa: B018
    assert math.isnan(found.mean_return)


def test_memory_is_cleared_between_battles() -> None:
    env = FakeEnv(1, 0)
    algorithm = rule(env)
    lengths = [outcome.length for outcome in evaluate_greedily(algorithm, env, episodes=5, seed=1).outcomes]
    ages = [int(shown["hidden"][0, 0, 0]) for shown in algorithm.shown]
    assert ages == [age for length in lengths for age in range(length)]
    assert [bool((shown["last_action"] == -1).all()) for shown in algorithm.shown] == [age == 0 for age in ages]


def test_uneven_quota_is_refused() -> None:
    with pytest.raises(ValueError, match="10 evaluation episodes do not divide among 4 slots; use a multiple of 4"):
        evaluation(episodes=10)
