"""Show a running battle, for an environment that has a render mode: the latest picture, or a window with every one."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.battle.engine import BattleEnv
from envs.battle.snapshots.recording import TickRecorder
from envs.battle.state import TICKS_PER_SECOND
from envs.render.picture import DPI, Renderer


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
        picture = self._renderer
        self._window = Window(env.spec.id, picture.width, picture.height, rate=TICKS_PER_SECOND) if human else None

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


class Window:
    """A window, in whatever toolkit matplotlib finds; when the user closes it, further pictures go nowhere.

    Args:
        title: of the window.
        width, height: of the pictures, in pixels.
        rate: pictures a second at most.

    Raises:
        ValueError: no display, or no toolkit that could open a window on it.
    """

    def __init__(self, title: str, width: int, height: int, *, rate: float) -> None:
        from matplotlib import pyplot  # it chooses its toolkit once and for all when it is imported

        self._title, self._pyplot = title, pyplot
        with pyplot.rc_context({"toolbar": "None"}):
            self._figure = pyplot.figure(num=title, figsize=(width / DPI, height / DPI), dpi=DPI, clear=True)
        if self._figure.canvas.required_interactive_framework is None:
            self.close()
            raise ValueError(
                f'render_mode="human" needs a window, and matplotlib can open none here (its backend is '
                f"{pyplot.get_backend()}). On a machine with a display install a toolkit: pip install PyQt6. "
                'Without one use render_mode="rgb_array", or python -m harness.watch, which writes a video'
            )
        axes = self._figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        self._image = axes.imshow(np.full((height, width, 3), 255, np.uint8), aspect="auto")
        self._pause, self._next = 1 / rate, time.monotonic()
        pyplot.show(block=False)

    def show(self, picture: NDArray[np.uint8]) -> None:
        """Replace the picture, no sooner than the rate allows."""
        if not self._pyplot.fignum_exists(self._title):
            return
        self._image.set_data(picture)
        self._figure.canvas.draw_idle()
        self._figure.canvas.start_event_loop(max(self._next - time.monotonic(), 0.001))
        self._next = max(self._next, time.monotonic()) + self._pause

    def close(self) -> None:
        """Close the window; calling it twice is allowed."""
        self._pyplot.close(self._figure)


def outcome(env: BattleEnv, e: int) -> str:
    """How battle e ended in the last step: ``won``, ``lost``, ``draw``, ``time limit``; empty while it goes on."""
    views = env.views
    if views.terminated[e]:
        return "won" if views.battle_won[e] else "lost" if views.battle_lost[e] else "draw"
    return "time limit" if views.truncated[e] else ""
