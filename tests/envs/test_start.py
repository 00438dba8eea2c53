"""Starts of battles, drawn without playing."""

from __future__ import annotations

import numpy as np
import pytest

from envs.battle.snapshots.drawn_start import drawn_start
from envs.battle.unit_types import facts
from tests.envs.play import begun, make


@pytest.mark.parametrize("id", ["zerg_10_vs_11", "MMM2", "1o_2r_vs_4r"])
def test_the_teams_are_those_that_then_appear(id: str) -> None:
    env, names = make(id, num_envs=3, seed=7), list(facts())
    for number in range(3):
        env.reset()
        for slot in range(3):
            start = drawn_start(env, number, slot=slot)
            kinds = [names[kind] for kind in env.battles[slot]["kind"]]
            n, both = env.spec.n_agents, env.spec.n_agents + env.spec.n_enemies
            assert sorted(start.ally_team) == sorted(kinds[:n])
            assert list(start.enemy_team) == kinds[n:both]
            place = np.stack([env.battles[slot]["x"][n:both], env.battles[slot]["y"][n:both]], axis=1)
            assert np.median(np.abs(place - start.enemy_places)) < 3.5  # nearby, where the wished-for one was taken


def test_places_lie_on_the_games_grid() -> None:
    start = drawn_start(make("terran_5_vs_5", seed=1), 4)
    for places in (start.ally_places, start.enemy_places):
        assert places.shape == (5, 2)
        np.testing.assert_array_equal(np.float32(places), places)
        np.testing.assert_array_equal(np.round(places * 4096), places * 4096)


def test_looking_ahead_changes_nothing() -> None:
    env = begun("protoss_5_vs_5", seed=2)
    before = env.battles.tobytes()
    drawn_start(env, 9)
    assert env.battles.tobytes() == before


def test_there_is_no_battle_before_the_first() -> None:
    with pytest.raises(ValueError, match="battle -1 of slot 0, both must be at least 0"):
        drawn_start(make("protoss_5_vs_5", seed=2), -1)
