"""Follow recorded game states with the engine and hold its answers against smacv2's.

Nothing of a fight is played: each moment's units are given to the engine as the recording has them. What the engine
adds is all that smacv2 computes beside the game: who sighted whom, look directions, last actions, which commands are
sent, reward, end, observations, state and masks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.battle.engine import BattleEnv
from envs.battle.state import ATTACK, HEAL, MOVE, NONE
from envs.battle.step import command as begin_step
from tests.golden.trace import Trace

NO_COMMAND, STOP_COMMAND, MOVE_COMMAND, ATTACK_COMMAND, HEAL_COMMAND = 0, 1, 2, 3, 4
ANSWERS = ("obs", "state", "mask", "reward", "terminated", "truncated", "battle_won")


def show_ground(env: BattleEnv, pathable: NDArray[Any], height: NDArray[Any]) -> None:
    """The observables of an environment read these grids instead of its map's."""
    env.setup[0]["pathable"][:], env.setup[0]["height"][:] = pathable, height


def check_order(env: BattleEnv, before: np.void, after: np.void, i: int, command: int, target: int) -> None:
    """Agent i's order is the one that smacv2's command gives it; none, or one that the game refuses, changes nothing.

    Scripted agents send commands for the dead as well, which have no effect.

    Raises:
        AssertionError: it is another.
    """
    units, kind = env.units[0], before["kind"]
    expected = int(before["order"][i]), int(before["target"][i])
    command = command if before["alive"][i] else NO_COMMAND
    if command == STOP_COMMAND:
        expected = NONE, int(after["target"][i])
    elif command == MOVE_COMMAND:
        expected = MOVE, -1
    elif command == ATTACK_COMMAND and units["can_attack"][kind[i], kind[target]]:
        expected = ATTACK, target
    elif command == HEAL_COMMAND:
        hurt = before["hp"][target] < units["hp"][kind[target]]
        expected = (HEAL, target) if hurt and units["is_biological"][kind[target]] else expected
    order = int(after["order"][i]), int(after["target"][i])
    assert order == expected, (
        f"order of agent {i} is {order}, smacv2's command {command} at {target} makes it {expected}"
    )


class Replay:
    """A battle that follows a trace."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        scenario, options = trace.build()
        self.env = BattleEnv(id="replay", scenario=scenario, num_envs=1, seed=0, first_slot=0, options=options)
        show_ground(self.env, trace.pathable, trace.height)
        self.max_reward: float | None = None

    def show(self, row: int) -> None:
        """Bring the battle to this moment: a first one is loaded, the others follow from the one before."""
        trace, env = self.trace, self.env
        if trace.step[row] == 0:
            env.load_game_state(trace.units(row), trace.memory(row, self.max_reward))
            # As in smacv2 the first battle sets the scale of rewards, here worked out by the engine.
            self.max_reward = float(env.battles[0]["max_reward"])
            return
        if trace.taken is not None:
            where = f"actions taken in battle {trace.battle[row]}, step {trace.step[row]}"
            np.testing.assert_array_equal(self.taken(row), trace.taken[row], err_msg=where)
        before = env.battles[0].copy()
        env.follow_game(trace.units(row), trace.actions[row])
        for i in np.flatnonzero(trace.alive[row][: env.spec.n_agents]):
            check_order(env, before, env.battles[0], i, trace.command[row, i], trace.command_target[row, i])

    def taken(self, row: int) -> NDArray[np.int64]:
        """(N,): what the engine's scripted agents are about to do in place of the recorded actions."""
        env, actions = self.env, self.trace.actions[row].astype(np.int64)
        begin_step(env.battles[0].copy(), env.units[0], env.setup[0], actions, env.action_mask[0])
        return actions

    def answers(self) -> dict[str, Any]:
        """What the engine makes of the moment."""
        env: Any = self.env
        return {name: getattr(env, "action_mask" if name == "mask" else name)[0] for name in ANSWERS}


def compare(trace: Trace, replay: Replay | None = None) -> int:
    """Hold the engine's answers against smacv2's; gives the number of moments compared.

    One unit in the last place of a float32 is allowed: sine and arc tangent are rounded differently on some machines.

    Raises:
        AssertionError: an answer differs.
    """
    replay = replay or Replay(trace)
    for row, step in enumerate(trace.step):
        where = f"in battle {trace.battle[row]}, step {step}"
        replay.show(row)
        assert replay.env.battles[0]["max_reward"] == trace.max_reward[trace.battle[row]], f"max_reward {where}"
        for name, own in replay.answers().items():
            expected = getattr(trace, name)[row]
            np.testing.assert_allclose(own, expected, rtol=2.0**-23, atol=1e-7, err_msg=f"{name} {where}")
    return len(trace.step)
