"""smacv2 itself on the stand-in game equals the engine; and what it said on an earlier day still holds."""

from __future__ import annotations

import importlib.util
import os
from functools import cache

import numpy as np
import pytest

from envs.battle.engine import BattleEnv
from tests.golden.trace import FOLDER, Trace
from tests.oracle.replay import compare
from tests.programs import output_of
from tests.sc2.differential import FLOAT32, KEPT, MISTYPED, REWARD, SEED, family_of, playable

SOURCE = os.environ.get("SMACV2_SOURCE", "")
"""Root of a checkout of oxwhirl/smacv2, where the package is not installed."""
MISSING = [name for name in ("pysc2", "s2clientprotocol", "websockets") if importlib.util.find_spec(name) is None]
if not SOURCE and importlib.util.find_spec("smacv2") is None:
    MISSING.append("smacv2 (SMACV2_SOURCE may name a checkout)")


needs_smacv2 = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


def play_beside_smacv2(ids: list[str], steps: int) -> None:
    """Play each for so many env_steps, in a process that plays nothing else."""
    source = [SOURCE] if SOURCE else []
    words = ["-m", "tests.sc2.differential", *source, "--steps", str(steps), "--only", *ids]
    for line, id in zip(output_of(*words, timeout=3600).splitlines(), ids, strict=True):
        assert line.startswith(f"{id}: ")
        assert int(line.split()[1]) > steps


@needs_smacv2
@pytest.mark.parametrize("ids", [["terran_5_vs_5", "MMM2"], ["zerg_5_vs_5-epo", "bane_vs_bane"]], ids=" ".join)
def test_smacv2_on_the_stand_in_equals_the_engine(ids: list[str]) -> None:
    play_beside_smacv2(ids, 80)


@pytest.mark.long
@needs_smacv2
def test_smacv2_on_the_stand_in_equals_the_engine_on_every_scenario() -> None:
    play_beside_smacv2(playable(), 300)


def test_every_scenario_that_smacv2_has_is_played() -> None:
    assert len(playable()) == 15 + 15 + 23
    assert set(MISTYPED) < set(playable())


@cache
def load(id: str) -> Trace:
    return Trace.load(FOLDER / f"live_{id}.npz")


@pytest.mark.parametrize("id", KEPT)
def test_views_equal_those_that_smacv2_had_on_the_stand_in(id: str) -> None:
    trace, family = load(id), family_of(id)
    assert trace.build()[0] == family.scenario
    assert trace.options == family.options
    assert compare(trace) == len(trace.step) > 0


@pytest.mark.parametrize("id", KEPT)
def test_the_engine_plays_the_fights_that_smacv2_saw(id: str) -> None:
    """The same seed and actions lead to the same units and answers.

    A change of the rules of combat asks for ``python -m tests.sc2.differential CHECKOUT --write``.
    """
    trace, (scenario, options) = load(id), load(id).build()
    env = BattleEnv(id=id, scenario=scenario, num_envs=1, seed=SEED, first_slot=0, options=options)
    env.reset()
    for row, step in enumerate(trace.step):
        ended = False
        if step > 0:
            env.step(trace.actions[row][None].astype(np.int64))
            ended = bool(env.terminated[0] or env.truncated[0])
            for name in ("terminated", "truncated", "battle_won"):
                assert getattr(env, name)[0] == getattr(trace, name)[row]
            np.testing.assert_allclose(env.reward[0], trace.reward[row], rtol=FLOAT32, atol=REWARD)
        if not ended:
            assert env.battles[0]["key"] == trace.key[trace.battle[row]]
            count = len(trace.owner)
            for name in ("x", "y", "hp", "shield", "energy"):
                now = env.battles[0][name][:count] * env.battles[0]["alive"][:count]
                np.testing.assert_array_equal(np.float32(now), np.float32(getattr(trace, name)[row]))
        shown = (env.final_obs, env.final_state) if ended else (env.obs, env.state)
        for name, own in zip(("obs", "state"), shown, strict=True):
            np.testing.assert_allclose(own[0], getattr(trace, name)[row], rtol=FLOAT32, atol=FLOAT32)
        np.testing.assert_array_equal((env.final_action_mask if ended else env.action_mask)[0], trace.mask[row])
