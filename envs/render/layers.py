"""The changing parts of a picture: one matplotlib collection a layer, made once and refilled for each picture."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.path import Path
from matplotlib.text import Text
from numpy.typing import NDArray

from envs.battle.state import TICKS_PER_SECOND
from envs.battle.unit_types import facts
from envs.render import style
from envs.render.scene import Flags, Scene

SIDES = np.array([to_rgba(style.ENEMY), to_rgba(style.ALLY)])

LETTER, CROSS = 0.95, 0.28  # height of a letter in radii; half-width of the mark where somebody fell, in cells


def sides(ally: Flags, alpha: float = 1.0) -> NDArray[np.float64]:
    """(n, 4) colours of the side of each."""
    colours = SIDES[ally.astype(int)]
    colours[:, 3] = alpha
    return colours


class Layers:
    """Everything on the map above the ground, lowest layer first.

    Args:
        axes: of the map, in cells.
        pixel: size of a pixel in points, the unit of line widths.
    """

    def __init__(self, axes: Axes, pixel: float) -> None:
        self._views = PolyCollection(
            [], facecolors=to_rgba(style.ALLY, style.SEEN), edgecolors=to_rgba(style.ALLY, 0.45)
        )
        self._blasts = PolyCollection([], linewidths=0)
        self._fallen = LineCollection([], linewidths=1.6 * pixel, capstyle="round")
        self._aims = PolyCollection([], linewidths=0)
        self._lances = LineCollection([], linewidths=2.4 * pixel, colors=to_rgba(style.LANCE, 0.9))
        self._walkers = PolyCollection([], edgecolors="white", linewidths=1.0 * pixel)
        self._flyers = PolyCollection([], edgecolors=style.INK, linewidths=1.0 * pixel)
        self._letters = PathCollection([], facecolors="white", linewidths=0)
        self._missiles = PolyCollection([], edgecolors=style.INK, linewidths=0.8 * pixel)
        self._empty = PolyCollection([], facecolors=style.EMPTY, edgecolors=style.EMPTY, linewidths=1.0 * pixel)
        colours = (style.HEALTH, style.SHIELD, style.ENERGY)
        self._bars = [PolyCollection([], facecolors=colour, linewidths=0) for colour in colours]
        self._views.set_linewidth(1.0 * pixel)
        self.all: list[Artist] = [
            *(self._views, self._blasts, self._fallen, self._aims, self._walkers, self._flyers),
            *(self._letters, self._lances, self._missiles, self._empty, *self._bars),
        ]
        for order, artist in enumerate(self.all):
            artist.set_animated(True)  # left out of the background; saved files keep it
            artist.set_zorder(10 + order)
            axes.add_artist(artist)

    def show(self, scene: Scene, watched: Collection[int]) -> None:
        """Fill the layers.

        Args:
            scene: what to show.
            watched: agents whose field of view is shown.
        """
        fill(self._views, [area for i in watched for area in scene.field_of_view(i)])
        corners, ally = scene.blasts()
        fill(self._blasts, corners, sides(ally, 0.35))
        self._show_fallen(scene)
        corners, ally, heals = scene.aims()
        fill(self._aims, corners, np.where(heals[:, None], to_rgba(style.HEALTH, 0.75), sides(ally, 0.55)))
        self._lances.set_segments(list(scene.lances()))
        self._show_bodies(scene)
        corners, ally = scene.missiles()
        fill(self._missiles, corners, sides(ally))
        bars = scene.bars()
        fill(self._empty, np.concatenate([full for full, _ in bars]))
        for layer, (_, filled) in zip(self._bars, bars, strict=True):
            fill(layer, filled)

    def _show_fallen(self, scene: Scene) -> None:
        places = scene.place[~scene.alive][:, None]
        falling, rising = (CROSS * np.array([(-1.0, -sign), (1.0, sign)]) for sign in (-1.0, 1.0))
        self._fallen.set_segments([*(places + falling), *(places + rising)])
        self._fallen.set_color(list(np.tile(sides(scene.ally[~scene.alive], 0.45), (2, 1))))

    def _show_bodies(self, scene: Scene) -> None:
        """Walkers below flyers, large bodies below small ones; a letter on each."""
        names = list(facts())
        letters = []
        for layer, flies in ((self._walkers, False), (self._flyers, True)):
            shown = np.flatnonzero(scene.alive & (scene.flies == flies))
            shown = shown[np.argsort(-scene.radius[shown], kind="stable")]
            bodies = []
            for i in shown:
                name, place, radius = names[scene.kind[i]], scene.place[i], scene.radius[i]
                bodies.append(place + radius * style.shape_of(name))
                letter = style.letter_of(name)
                letters.append(Path(place + LETTER * radius * np.asarray(letter.vertices), letter.codes))
            fill(layer, bodies, sides(scene.ally[shown]))
        self._letters.set_paths(letters)


def fill(layer: PolyCollection, corners: Any, colours: Any = None) -> None:
    """Replace a layer's polygons, (n, P, 2) or a list of (P, 2), and their (n, 4) colours."""
    layer.set_verts(corners)
    if colours is not None:
        layer.set_facecolor(colours)


class Headline:
    """The two lines above the map.

    Args:
        axes: an empty strip, 0..1 in both directions.
        size: of the letters, in points.
    """

    def __init__(self, axes: Axes, size: float) -> None:

        def text(x: float, y: float, colour: str = style.INK, weight: str = "bold") -> Text:
            align = {0.0: "left", 0.5: "center", 1.0: "right"}[x]
            look: dict[str, Any] = dict(ha=align, va="center", fontsize=size, color=colour, fontweight=weight)
            return axes.text(x, y, "", animated=True, parse_math=False, **look)

        self._id, self._allies = text(0.0, 0.74), text(0.0, 0.26, style.ALLY)
        self._caption, self._outcome = text(0.5, 0.74, weight="normal"), text(0.5, 0.26)
        self.clock, self._enemies = text(1.0, 0.74, weight="normal"), text(1.0, 0.26, style.ENEMY)
        self.titles = [self._id, self._caption, self._allies, self._outcome, self._enemies]
        """All but the clock: those that seldom change."""

    def show(self, scene: Scene, caption: str, outcome: str) -> None:
        """Fill in names, time, the living of both sides."""
        step, tick = int(scene.frame["step"][0]), int(scene.frame["tick"][0])
        self._id.set_text(scene.env.title)
        self._caption.set_text(caption)
        self.clock.set_text(f"step {step}   {tick / TICKS_PER_SECOND:.1f} s")
        for text, name, side in ((self._allies, "allies", scene.ally), (self._enemies, "enemies", ~scene.ally)):
            text.set_text(f"{name} {np.count_nonzero(scene.alive & side)} of {np.count_nonzero(side)}")
        self._outcome.set_text(outcome)

    @property
    def words(self) -> list[str]:
        """What the titles say now."""
        return [title.get_text() for title in self.titles]
