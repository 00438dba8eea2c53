"""A window that shows pictures as they come, in whatever toolkit matplotlib finds."""

from __future__ import annotations

import time

import numpy as np
from matplotlib import pyplot
from numpy.typing import NDArray

DPI = 100


class Window:
    """Opens at once; when the user closes it, further pictures go nowhere.

    Args:
        title: of the window.
        width, height: of the pictures, in pixels.
        rate: pictures a second at most.

    Raises:
        ValueError: no display, or no toolkit that could open a window on it.
    """

    def __init__(self, title: str, width: int, height: int, *, rate: float) -> None:
        self._title = title
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
        if not pyplot.fignum_exists(self._title):
            return
        self._image.set_data(picture)
        self._figure.canvas.draw_idle()
        self._figure.canvas.start_event_loop(max(self._next - time.monotonic(), 0.001))
        self._next = max(self._next, time.monotonic()) + self._pause

    def close(self) -> None:
        """Close the window; calling it twice is allowed."""
        pyplot.close(self._figure)
