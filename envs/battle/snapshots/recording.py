"""Record a battle tick by tick, where an env_step shows its end only.

``TickRecorder.step`` steps the env, then replays the step's orders and ticks on a copy of the record from before. The
env itself is not changed by recording.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.battle.engine import BattleEnv
from envs.battle.jit import kernel
from envs.battle.smacv2.orders import in_cone
from envs.battle.smacv2.reward import remember
from envs.battle.state import BATTLE
from envs.battle.step import give_orders, play


@kernel
def record_ticks(frames, units, setup, mask, actions):
    """All frames (T,) hold the battle before the step; frame t becomes the battle after t + 1 ticks of it.

    This is the beginning of ``step.step_battle``; a test holds the two together. Actions are (T, N), since scripted
    agents write theirs into them.
    """
    u, c = units[0], setup[0]
    for t in range(len(frames)):
        b = frames[t]
        remember(b, c)
        give_orders(b, u, c, mask, actions[t])
        play(b, u, c, t + 1)


@kernel
def cone(frames, setup, i, seen):
    """Which of len(seen) evenly spaced directions, from east, agent i looks into; another unit is moved to ask."""
    b, c = frames[0], setup[0]
    probe = 1 if i == 0 else 0
    for d in range(len(seen)):
        angle = 2.0 * np.pi * (d + 0.5) / len(seen)
        b.x[probe] = b.x[i] + np.cos(angle)
        b.y[probe] = b.y[i] + np.sin(angle)
        seen[d] = in_cone(b, c, i, probe)


class TickRecorder:
    """Watches one battle of a batch.

    Args:
        env: the batch; step it through the camera.
        e: number of the battle.
    """

    def __init__(self, env: BattleEnv, e: int = 0) -> None:
        self.env, self.e = env, e
        self._last = np.zeros(1, BATTLE)

    def now(self) -> NDArray[np.void]:
        """(1,) copy of the battle's record as it stands; after an end, of the next battle."""
        frame: NDArray[np.void] = self.env.battles[self.e : self.e + 1].copy()
        self._leave_the_fallen(frame, at=frame)
        return frame

    def step(self, actions: NDArray[np.integer[Any]]) -> NDArray[np.void]:
        """``env.step``, watched.

        Args:
            actions: (E, N) integers, for the whole batch.

        Returns:
            (T,) the record of battle e after each of the step's T ticks; the last one is how the step ended, also
            where the env shows the next battle already.

        Raises:
            ValueError: what ``env.step`` raises.
        """
        env, e = self.env, self.e
        ticks = env.options.step_mul
        before, mask = env.battles[e : e + 1].copy(), env.views.action_mask[e].copy()
        given = np.repeat(np.asarray(actions[e : e + 1], dtype=np.int64), ticks, axis=0)
        env.step(actions)
        frames = np.repeat(before, ticks)
        record_ticks(frames, env.units, env.setup, mask, given)
        self._leave_the_fallen(frames, at=before)
        self._last = frames[-1:].copy()
        return frames

    def _leave_the_fallen(self, frames: NDArray[np.void], at: NDArray[np.void]) -> None:
        """The engine puts the dead back to where their last step began (smacv2 sees them there); a picture does not."""
        last = self._last
        if all(last[name] == at[name] for name in ("key", "battle", "tick")):
            gone = last["alive"][0] == 0
            for name in ("x", "y"):
                frames[name][:, gone] = last[name][0, gone]
