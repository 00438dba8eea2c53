"""Appearance: a shape and a letter for each unit type, colours that the colour-blind can distinguish.

Source of the colours: Okabe and Ito, Color Universal Design (2008).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from numpy.typing import NDArray

ALLY, ENEMY = "#0072B2", "#D55E00"
HEALTH, SHIELD, ENERGY, EMPTY = "#009E73", "#56B4E9", "#CC79A7", "#3A3A3A"
LANCE = "#E69F00"
INK, FAINT = "#222222", "#77736A"
SEEN = 0.08
"""Strength of a field of view."""
HIGH, LOW, CLIFF, VOID = (0.97, 0.96, 0.93), (0.87, 0.84, 0.78), (0.78, 0.73, 0.64), (0.70, 0.68, 0.65)
"""Ground from its highest to its lowest cell, walls and slopes that nobody on foot can be on, and what lies outside."""


def palette() -> NDArray[np.uint8]:
    """(C, 3) at most 256 colours that any picture can be drawn in: each ink in eight strengths on each ground."""
    inks = np.array([to_rgb(ink) for ink in (ALLY, ENEMY, HEALTH, SHIELD, ENERGY, LANCE, EMPTY, INK, FAINT)])
    papers = np.array([(1.0, 1.0, 1.0), HIGH, VOID])
    strokes = blend(inks, papers, np.linspace(0.125, 1.0, 8))
    slope = np.linspace(HIGH, LOW, 12)
    seen = blend(inks[:1], np.array([*slope, CLIFF, VOID]), np.array([SEEN]))
    return np.unique(np.round(255 * np.concatenate([papers, slope, [CLIFF], seen, strokes])).astype(np.uint8), axis=0)


def blend(inks: NDArray[Any], papers: NDArray[Any], strengths: NDArray[Any]) -> NDArray[Any]:
    """(n, 3) every ink in every strength on every paper."""
    shares = strengths[:, None, None, None]
    return (shares * inks[:, None] + (1 - shares) * papers).reshape(-1, 3)


def regular(corners: int, turn: float = 0.0) -> NDArray[np.float64]:
    """(corners, 2) of a regular polygon in the unit circle; the first corner points north, turned by ``turn`` rad."""
    angles = np.pi / 2 + turn + 2 * np.pi * np.arange(corners) / corners
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def star(points: int, inner: float) -> NDArray[np.float64]:
    """(2 points, 2) of a star whose notches lie at ``inner``."""
    return regular(2 * points) * np.where(np.arange(2 * points) % 2, inner, 1.0)[:, None]


def cross(arm: float) -> NDArray[np.float64]:
    """(12, 2) of an upright cross with arms of half-width ``arm``."""
    quarter = np.array([(arm, 1.0), (arm, arm), (1.0, arm), (1.0, -arm), (arm, -arm), (arm, -1.0)])
    return np.concatenate([quarter, -quarter])


DISC = regular(96)
SQUARE = regular(4, np.pi / 4) * 1.15
SHAPES: dict[str, tuple[NDArray[np.float64], str]] = {
    "marine": (DISC, "M"),
    "marauder": (SQUARE, "R"),
    "medivac": (cross(0.42), "V"),
    "stalker": (regular(5) * 1.1, "S"),
    "zealot": (regular(4) * 1.2, "Z"),
    "colossus": (regular(8, np.pi / 8), "C"),
    "zergling": (regular(3) * 1.25, "L"),
    "hydralisk": (regular(6), "H"),
    "baneling": (star(9, 0.78) * 1.1, "B"),
    "reaper": (regular(3, np.pi) * 1.25, "P"),
    "roach": (regular(6, np.pi / 6), "K"),
    "spine_crawler": (star(12, 0.8), "T"),
    "overlord": (star(5, 0.8), "O"),
}
OTHER = regular(7)
"""The shape of types that have none of their own; their letter is the first of their name."""


def shape_of(name: str) -> NDArray[np.float64]:
    """(P, 2) corners of a unit type's body, its radius 1."""
    return SHAPES[name][0] if name in SHAPES else OTHER


@cache
def letter_of(name: str) -> Path:
    """The type's letter as outlines: centred, capital height 1."""
    first = next((sign for sign in name if sign.isalnum()), "?")
    letter = SHAPES[name][1] if name in SHAPES else first.upper()
    path = TextPath((0, 0), letter, size=1, prop=FontProperties(family="DejaVu Sans", weight="bold"))
    box = path.get_extents()
    vertices = (path.vertices - [(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2]) / box.height
    return Path(vertices, path.codes)
