"""The camera: ticks between env_steps, and a battle that does not notice that it is filmed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from envs.battle.smacv2.orders import in_cone
from envs.battle.snapshots.recording import TickRecorder, cone
from envs.battle.state import BATTLE
from tests.envs.play import Player, begun, bits

AFTER_THE_TICKS = {
    *("step", "sighted", "tag", "distance2", "in_angle", "targets", "in_reach", "sees_enemies", "sees_allies"),
    *("result", "reward", "dead_allies", "dead_enemies"),
}
"""What a step writes when its ticks are over: its count, what observations remember and scribble, how it ended."""


@pytest.mark.parametrize(
    ("id", "options"),
    [
        ("terran_5_vs_5", {}),
        ("protoss_5_vs_5", {"conic_fov": True}),
        ("zerg_10_vs_11", {"unit_order": "random"}),
        ("terran_10_vs_10", {"step_mul": 3, "rules": "2023"}),
        ("terran_5_vs_5", {"heuristic_ai": True}),
        ("protoss_5_vs_5", {"stochastic_attack": True, "stochastic_health": True}),
        ("3s5z", {}),
    ],
)
def test_the_last_tick_is_the_step(id: str, options: dict[str, object]) -> None:
    """Field by field; the dead apart, whom the engine puts back to where their last step began."""
    env = begun(id, 2, seed=4, **options)
    camera, player, compared = TickRecorder(env, e=1), Player(1, 2), 0
    while env.battle_id[1] < 2:
        frames = camera.step(player(env.action_mask))
        assert len(frames) == env.options.step_mul
        assert (np.diff(frames["tick"]) == 1).all()
        if env.terminated[1] or env.truncated[1]:
            continue
        record, last = env.battles[1], frames[-1]
        living = record["alive"].astype(bool)
        assert BATTLE.names is not None
        for name in set(BATTLE.names) - AFTER_THE_TICKS:
            at = living if name in ("x", "y") else ...
            assert np.array_equal(record[name][at], last[name][at]), name
        compared += 1
    assert compared > 10


def test_a_filmed_battle_is_the_battle() -> None:
    filmed, plain = (begun("zerg_5_vs_5", 3, seed=2) for _ in range(2))
    camera, players = TickRecorder(filmed, e=2), [Player(5, 3) for _ in range(2)]
    for _ in range(60):
        camera.step(players[0](filmed.action_mask))
        plain.step(players[1](plain.action_mask))
        for e in range(3):
            assert bits(filmed, e) == bits(plain, e)
    assert filmed.battle_id[2] > 0


def test_the_end_and_the_next_beginning() -> None:
    """The last tick shows the battle that ended, ``now`` the one that has begun."""
    env = begun("zerg_5_vs_5", seed=1)
    camera, player = TickRecorder(env), Player(2)
    while not env.terminated[0]:
        frames = camera.step(player(env.action_mask))
    assert (frames["battle"] == 0).all()
    count = env.spec.n_agents + env.spec.n_enemies
    assert (
        not frames["alive"][-1, : env.spec.n_agents].any() or not frames["alive"][-1, env.spec.n_agents : count].any()
    )
    assert camera.now()["battle"][0] == 1
    assert camera.now()["alive"][0, :count].all()


def test_the_fallen_lie_where_they_fell() -> None:
    env = begun("terran_10_vs_10", seed=3)
    camera, player = TickRecorder(env), Player(2)
    fell: dict[int, tuple[float, float]] = {}
    moved = 0
    while not env.terminated[0]:
        before = camera.now()
        frames = camera.step(player(env.action_mask))
        for t, frame in enumerate(frames):
            for i in np.flatnonzero(frame["alive"][:20] == 0):
                place = float(frame["x"][i]), float(frame["y"][i])
                fell.setdefault(int(i), place)
                assert fell[int(i)] == place
            assert t or before["tick"][0] + 1 == frame["tick"]
        if env.battle_id[0] == 0:
            record = env.battles[0]
            moved += sum((record["x"][i], record["y"][i]) != place for i, place in fell.items())
            assert all((camera.now()["x"][0, i], camera.now()["y"][0, i]) == place for i, place in fell.items())
    assert len(fell) > 5
    assert moved > 0, "the engine itself puts some of them elsewhere"


def test_another_battle_forgets_the_fallen() -> None:
    """Also where the new battle has the old one's seed and number."""
    env = begun("zerg_5_vs_5", seed=1)
    first = env.battles.copy()
    camera, player = TickRecorder(env), Player(2)
    while env.battles["alive"][0, :10].all():
        camera.step(player(env.action_mask))
    env.reset(seed=1)
    now = camera.now()
    for name in ("x", "y", "alive", "hp"):
        assert np.array_equal(now[name], first[name])


def asked_one_by_one(frame: NDArray[np.void], setup: NDArray[np.void], i: int, count: int) -> list[bool]:
    """``cone`` in other words: a unit is carried round agent i at a distance of 3."""
    frame, seen = frame.copy(), []
    j = frame["kind"].shape[1] - 1
    for d in range(count):
        angle = 2 * np.pi * (d + 0.5) / count
        frame["x"][0, j] = frame["x"][0, i] + 3 * np.cos(angle)
        frame["y"][0, j] = frame["y"][0, i] + 3 * np.sin(angle)
        seen.append(bool(in_cone(frame[0], setup[0], i, j)))
    return seen


@pytest.mark.parametrize("look", range(12))
def test_cone(look: int) -> None:
    """Thirty degrees ahead are seen, whatever else smacv2's test lets pass."""
    env = begun("terran_5_vs_5", conic_fov=True, seed=0)
    env.step(np.full((1, 5), 6 + look))
    frame = env.battles[:1].copy()
    frame["x"][0, 0] = frame["y"][0, 0] = 16.0
    seen = np.zeros(72, np.bool_)
    cone(frame.copy(), env.setup, 0, seen)
    assert seen.tolist() == asked_one_by_one(frame, env.setup, 0, 72)
    ahead = np.abs((np.arange(72) + 0.5 - 6 * look + 36) % 72 - 36) < 3
    assert ahead.sum() == 6
    assert seen[ahead].all()
