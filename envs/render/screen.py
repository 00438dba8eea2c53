"""Show a running battle, for an environment that has a render mode."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.battle.engine import BattleEnv
from envs.battle.snapshots.recording import TickRecorder
from envs.battle.state import TICKS_PER_SECOND
from envs.render.picture import Renderer


class Screen:
    """Shows battle 0 of a batch: every tick as it happens in a window, or the latest one when asked.

    Args:
        env: the batch; step it through the screen.
        human: whether to open a window.
        fields_of_view: agents whose field of view is shown.
        size: width of the picture in pixels.

    Raises:
        ValueError: a window is asked for where none can be opened.
    """

    def __init__(self, env: BattleEnv, *, human: bool, fields_of_view: Collection[int] = (), size: int = 640) -> None:
        self._env, self._camera = env, TickRecorder(env)
        self._renderer = Renderer(env, size=size, fields_of_view=fields_of_view)
        self._frame: NDArray[np.void] | None = None
        self._outcome = ""
        self._window = None
        if human:
            from envs.render.window import Window  # pyplot chooses its toolkit once and for all when it is imported

            picture = self._renderer
            self._window = Window(env.spec.id, picture.width, picture.height, rate=TICKS_PER_SECOND)

    def reset(self) -> None:
        """A battle has started."""
        self._frame, self._outcome = self._camera.now(), ""
        self._project(self._frame)

    def step(self, actions: NDArray[np.integer[Any]]) -> None:
        """``env.step``, watched."""
        frames = self._camera.step(actions)
        self._frame = frames[-1:]
        self._project(frames[:-1])
        self._outcome = outcome(self._env, 0)
        self._project(self._frame)

    def picture(self) -> NDArray[np.uint8] | None:
        """(height, width, 3) uint8 of the battle as it is, its end included; None in a window, which shows it already.

        Raises:
            ValueError: no battle has started.
        """
        if self._frame is None:
            raise ValueError("render: no battle has started; call reset() first")
        return self._renderer.draw(self._frame, outcome=self._outcome) if self._window is None else None

    def _project(self, frames: NDArray[np.void]) -> None:
        if self._window is not None:
            for t in range(len(frames)):
                self._window.show(self._renderer.draw(frames[t : t + 1], outcome=self._outcome))

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            self._window.close()


def outcome(env: BattleEnv, e: int) -> str:
    """How battle e ended in the last step: ``won``, ``lost``, ``draw``, ``time limit``; empty while it goes on."""
    views = env.views
    if views.terminated[e]:
        return "won" if views.battle_won[e] else "lost" if views.battle_lost[e] else "draw"
    return "time limit" if views.truncated[e] else ""
