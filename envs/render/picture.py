"""Draw a battle: ground and legend once, units on top of them for each picture."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from numpy.typing import NDArray

from envs.battle.unit_types import kind_of
from envs.render import style
from envs.render.layers import Headline, Layers
from envs.render.scene import RenderSource, Scene, ground

DPI = 100
LEAST_SIZE = 240
MARGIN, HEADER, FOOTER, LETTERS = 0.0125, 0.09, 0.05, 0.026
"""Round the map, above it, below it, height of letters: shares of the picture's width."""
GRID = 4
"""Cells between two lines."""


class Renderer:
    """Draws records of one stage's battles; the same record gives the same picture.

    Args:
        env: where the records are from.
        size: width of the picture in pixels; it is a little higher than wide.
        fields_of_view: numbers of the agents whose field of view is shown.
        area: corners (x0, y0, x1, y1) of the part of the map that is shown, a square in cells;
            ``None``: all of it.

    Raises:
        ValueError: a size too small to show anything, or an agent that does not exist.
    """

    def __init__(
        self,
        env: RenderSource,
        *,
        size: int = 640,
        fields_of_view: Collection[int] = (),
        area: tuple[float, float, float, float] | None = None,
    ) -> None:
        if size < LEAST_SIZE:
            raise ValueError(f"size is {size} pixels, it must be at least {LEAST_SIZE}")
        n = int(env.setup["n_agents"][0])
        for i in fields_of_view:
            if not 0 <= i < n:
                raise ValueError(f"fields_of_view names agent {i}; {env.title} has agents 0 to {n - 1}")
        self._env, self._watched = env, tuple(fields_of_view)
        self.width, self.height = even(size), even(size * (1 + HEADER + FOOTER))
        self._figure = Figure(figsize=(self.width / DPI, self.height / DPI), dpi=DPI, facecolor="white")
        self._canvas = FigureCanvasAgg(self._figure)
        letters = LETTERS * size * 72 / DPI
        self._map = self._axes(FOOTER, 1 - 2 * MARGIN)
        self._draw_ground(area)
        self._draw_legend(self._axes(0.0, FOOTER), letters)
        self._layers = Layers(self._map, pixel=max(size / 640, 0.5) * 72 / DPI)
        self._headline = Headline(self._axes(1 - 2 * MARGIN + FOOTER, HEADER), letters)
        self._canvas.draw()
        self._ground = self._background = self._canvas.copy_from_bbox(self._figure.bbox)
        self._words: list[str] = []

    def draw(self, frame: NDArray[np.void], *, caption: str = "", outcome: str = "") -> NDArray[np.uint8]:
        """A picture of a battle.

        Args:
            frame: (1,) record, from ``TickRecorder`` or cut out of ``env.battles``.
            caption: above the map, in the middle.
            outcome: how the battle ended, if it did.

        Returns:
            (height, width, 3) uint8; both lengths are even, as video wants them.
        """
        self._show(frame, caption, outcome)
        if self._words != self._headline.words:  # letters take as long as all units together
            self._words = self._headline.words
            self._draw_over(self._ground, self._headline.titles)
            self._background = self._canvas.copy_from_bbox(self._figure.bbox)
        self._draw_over(self._background, [*self._layers.all, self._headline.clock])
        return np.asarray(self._canvas.buffer_rgba())[..., :3].copy()

    def save(self, path: Path, frame: NDArray[np.void], *, caption: str = "", outcome: str = "") -> None:
        """Write a still in the format of the path's ending; ``.pdf`` and ``.svg`` stay sharp at any size."""
        self._show(frame, caption, outcome)
        self._figure.savefig(path, dpi=2 * DPI)

    def _draw_over(self, background: Any, artists: Iterable[Artist]) -> None:
        """Draw on a copy of what was drawn before."""
        self._canvas.restore_region(background)
        for artist in artists:
            assert isinstance(artist.axes, Axes)
            artist.axes.draw_artist(artist)

    def _show(self, frame: NDArray[np.void], caption: str, outcome: str) -> None:
        scene = Scene(self._env, frame)
        self._layers.show(scene, self._watched)
        self._headline.show(scene, caption, outcome)

    def _axes(self, bottom: float, height: float) -> Axes:
        """An empty strip of the picture without frame and ticks, in shares of its width from below."""
        scale = self.width / self.height
        axes = self._figure.add_axes((MARGIN, bottom * scale, 1 - 2 * MARGIN, height * scale))
        axes.set_axis_off()
        return axes

    def _draw_ground(self, area: tuple[float, float, float, float] | None) -> None:
        terrain = self._env.setup[0]
        colours = ground(terrain["pathable"].astype(bool), terrain["height"], terrain["level"])
        rows, columns, _ = colours.shape
        self._map.imshow(colours, origin="lower", extent=(0, columns, 0, rows), interpolation="nearest")
        x0, y0, x1, y1 = area or (0, 0, columns, rows)
        self._map.set(xlim=(x0, x1), ylim=(y0, y1), aspect="equal")
        for line in range(GRID, max(rows, columns), GRID):
            self._map.axhline(line, color="black", alpha=0.06, linewidth=0.6)
            self._map.axvline(line, color="black", alpha=0.06, linewidth=0.6)
        frame = Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=style.FAINT, clip_on=False)
        self._map.add_patch(frame)

    def _draw_legend(self, axes: Axes, letters: float) -> None:
        """Each type's shape and name, then the bars'; spread evenly, in units of the strip's height."""
        names = self._env.shown_types
        bars = [("health", style.HEALTH)]
        bars += [("shields", style.SHIELD)] * bool(self._env.units[0]["shield"][[kind_of(n) for n in names]].any())
        bars += [("energy", style.ENERGY)] * bool(self._env.units[0]["energy_max"][[kind_of(n) for n in names]].any())
        length = (1 - 2 * MARGIN) / FOOTER
        axes.set(xlim=(0, length), ylim=(0, 1))
        shapes = [(name, style.shape_of(name) * 0.26, style.FAINT) for name in names]
        shapes += [(name, BAR_SIGN, colour) for name, colour in bars]
        for place, (name, shape, colour) in enumerate(shapes):
            x = 0.35 + place * length / len(shapes)
            axes.add_patch(Polygon(shape + np.array([x, 0.4]), facecolor=colour, linewidth=0, clip_on=False))
            look: dict[str, Any] = dict(ha="left", va="center", fontsize=0.85 * letters, color=style.INK)
            axes.text(x + 0.45, 0.4, name.replace("_", " "), parse_math=False, **look)


BAR_SIGN = np.array([(-0.3, -0.09), (0.3, -0.09), (0.3, 0.09), (-0.3, 0.09)])


def even(length: float) -> int:
    """The nearest even number of pixels."""
    return 2 * round(length / 2)
