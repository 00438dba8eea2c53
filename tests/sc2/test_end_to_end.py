"""The whole road: our door, smacv2 and pysc2 unmodified, the stand-in for the game. Skipped where one is missing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test

pytest.importorskip("websockets", reason="the websocket library (package websockets) is not installed")
pytest.importorskip("pysc2.run_configs", reason="pysc2 or what it needs is not installed; see README")
pytest.importorskip("smacv2", reason="smacv2's own code is not here: install it or name a checkout, SMACV2_SOURCE")

import envs
from tests.conformance import test_envs
from tests.sc2.fake_game import wait_for_end

pytestmark = pytest.mark.usefixtures("stand_in")
SCENARIOS: dict[str, dict[str, bool]] = {
    "terran_5_vs_5": dict(stochastic_attack=True, stochastic_health=True, mask_enemies=True),
    "zerg_5_vs_5-epo": {},
    "2s3z": {},
    "8m": dict(use_unit_ranges=True),
}
"""One of each kind that smacv2 alone does not play right: capabilities (numpy 2 refuses how it keeps them), a cone with
sightings, types that it mistakes, marines for which it knows no range."""


@pytest.fixture
def make() -> Iterator[Any]:
    made: list[Any] = []

    def build(id: str, num_envs: int, **options: Any) -> Any:
        made.append(envs.make(id, num_envs, backend="sc2", **{"seed": 21, **options}))
        return made[-1]

    yield build
    for env in made:
        env.close()


def random_steps(env: Any, steps: int) -> Iterator[None]:
    """Play random legal actions; yields after each step."""
    dice = np.random.default_rng(1)
    for _ in range(steps):
        env.step(np.where(env.action_mask, dice.random(env.action_mask.shape), -1.0).argmax(2))
        yield


def test_the_contract(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Teams and places are drawn from seed, slot and battle; so the same battles begin in a batch and alone."""
    monkeypatch.setattr(test_envs, "E", 2)  # each battle here is a game, played twice
    test_envs.check_contract(lambda num_envs, **options: make("terran_5_vs_5", num_envs, **options), ends=2)


@pytest.mark.parametrize("id", SCENARIOS)
def test_it_begins_as_the_built_in_engine_would_show_it(id: str, make: Any) -> None:
    """Same sizes, types and scales; where all is drawn by others only what does not depend on the draw."""
    env, ours = make(id, 1, **SCENARIOS[id]), envs.make(id, 1, seed=21, **SCENARIOS[id])
    env.reset()
    ours.reset()
    assert env.spec == ours.spec
    scenario = envs.registry.entry(id).scenario
    assert scenario is not None
    if scenario.n_type_bits:
        assert np.array_equal(env.obs[0, :, -scenario.n_type_bits :].argmax(1), env.unit_type[0]), "own type features"
    if scenario.ally_team:
        assert np.array_equal(env.unit_type, ours.unit_type)
        assert env.max_reward[0] == pytest.approx(ours.battles["max_reward"][0])
    assert (env.obs[0, :, :4] == 1).mean() >= 0.5, "most agents can move anywhere"
    assert not env.action_mask[..., 0].any()
    total = 0.0
    for _ in random_steps(env, 40):
        total += float(env.reward[0])
        assert not env.aborted.any()
        assert np.isfinite(env.obs).all()
        if env.terminated[0] or env.truncated[0]:
            break
    assert 0 <= total <= 20.5


def test_killed_and_hung_games_are_aborted_battles(make: Any) -> None:
    env = make("3m", 1, backoff=0.01)
    env.reset()
    for battle, blow in enumerate((signal.SIGKILL, signal.SIGSTOP)):
        next(random_steps(env, 1))
        assert not env.aborted[0]
        game = env.game()["pid"]
        os.kill(game, blow)
        env.options = replace(env.options, step_timeout=1.0)  # for this step alone: a busy machine is slow at others
        next(random_steps(env, 1))
        env.options = replace(env.options, step_timeout=60.0)
        assert env.aborted[0]
        assert not (env.terminated | env.truncated | env.battle_lost)[0]
        assert env.battle_id[0] == battle + 1
        assert wait_for_end(game)


def test_no_game_is_left_behind(make: Any) -> None:
    env = make("3m", 1)
    env.reset()
    game, worker = env.game()["pid"], env._workers[0].pid
    os.kill(worker, signal.SIGKILL)
    assert wait_for_end(game)
    assert wait_for_end(worker)


def test_pettingzoo_parallel_api(capsys: pytest.CaptureFixture[str]) -> None:
    world = envs.parallel_env("3m", backend="sc2")
    parallel_api_test(world, num_cycles=70)
    assert "Passed Parallel API test" in capsys.readouterr().out
    assert Path(world.batch._folder).exists()  # type: ignore[attr-defined]
    world.close()
    assert not Path(world.batch._folder).exists()  # type: ignore[attr-defined]
