"""From a battle's record to the shapes that show it, lengths in cells; knows no drawing library."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from envs.battle.rules.effects import LANCE_HALF_WIDTH, LANCE_SAMPLES, LANCE_SPACING, LANCE_STEP
from envs.battle.snapshots.recording import cone
from envs.battle.state import ACQUIRED, ATTACK, HEAL, MAX_UNITS
from envs.battle.units import IN_THE_AIR
from envs.render.style import CLIFF, DISC, HIGH, LOW, VOID

Points = NDArray[np.float64]
Flags = NDArray[np.bool_]

JUST_FIRED = 2.0  # ticks of a cooldown during which an attack is shown as landing
MISSILE_RADIUS = 0.16
LANE = 0.1  # lines run this far to the right of the direct one, so that two who attack each other show both
WIDE, NARROW = 0.14, 0.06  # half-widths of a line at the attacker: landing, and only aimed
BAR, BAR_GAP = 0.16, 0.1  # height of a bar; distance of the lowest one from the body
CONE_DIRECTIONS = 360
CLIFF_HEIGHT = 16  # bytes of height from one cliff level to the next, two cells; less than that is hardly shaded


Bars = tuple[Points, Points]
"""(n, 4, 2) corners of one bar for each of several units: the whole bar, and the part that is left."""


class RenderSource(Protocol):
    """What a picture needs to know about its battle beside the record; ``BattleEnv`` is one, a replay another."""

    units: NDArray[np.void]
    """(1,) table of unit types."""
    setup: NDArray[np.void]
    """(1,) counts, ground, script and what agents can see."""

    @property
    def title(self) -> str:
        """Name of the scenario or map."""

    @property
    def shown_types(self) -> tuple[str, ...]:
        """Unit types that can appear, each once."""


class Scene:
    """One battle at one moment, read from a copy of its record.

    Args:
        env: where the record is from, for its tables and counts.
        frame: (1,) record.
    """

    def __init__(self, env: RenderSource, frame: NDArray[np.void]) -> None:
        self.env, self.frame = env, frame
        self.n = int(env.setup["n_agents"][0])
        count = self.n + int(env.setup["n_enemies"][0])
        self.units = env.units[0]
        self.b = {name: frame[name][0, :count] for name in per_unit(frame.dtype)}
        self.kind = self.b["kind"]
        self.alive: Flags = self.b["alive"].astype(bool)
        self.ally: Flags = np.arange(count) < self.n
        self.place: Points = np.stack([self.b["x"], self.b["y"]], axis=1)
        self.radius: Points = self.units["radius"][self.kind]
        self.flies: Flags = self.units["floor"][self.kind] == IN_THE_AIR

    def aims(self) -> tuple[Points, Flags, Flags]:
        """Lines to targets as darts, broad at who acts: (n, 3, 2) corners, by whom an ally, whether it heals."""
        b, target = self.b, self.b["target"]
        heals = b["order"] == HEAL
        acts = self.alive & (target >= 0) & (heals | (b["order"] == ATTACK) | (b["order"] == ACQUIRED))
        who = np.flatnonzero(acts)
        who = who[self.alive[target[who]]]
        whom = target[who]
        gap = self.place[whom] - self.place[who]
        length = np.maximum(np.linalg.norm(gap, axis=1, keepdims=True), 1e-9)
        along = gap / length
        right = np.stack([along[:, 1], -along[:, 0]], axis=1)
        start = self.place[who] + along * np.minimum(self.radius[who, None], length / 2) + right * LANE
        end = self.place[whom] - along * np.minimum(self.radius[whom, None], length / 2) + right * LANE
        width = np.where(self._lands()[who], WIDE, NARROW)[:, None]
        return np.stack([start - right * width, start + right * width, end], axis=1), self.ally[who], heals[who]

    def _lands(self) -> Flags:
        """Units that are attacking or healing, or have just done so."""
        b = self.b
        period = self.units["period"][self.kind, b["weapon"]]
        fired = (period > 0) & (b["cooldown"] > period - JUST_FIRED)
        return fired | (b["swing"] > 0) | (b["burst"] > 0) | (b["channel"] != 0)

    def lances(self) -> Points:
        """(n, 2, 2) from each colossus that sweeps to where its two lances are now."""
        b, lines = self.b, []
        for i in np.flatnonzero((b["sweep"] >= 0) & (b["channel"] != 0) & self.alive):
            sample = min(int(b["sweep"][i] / LANCE_STEP), LANCE_SAMPLES - 1)
            offset = (LANCE_SPACING * sample - LANCE_HALF_WIDTH) * np.array([b["sweep_x"][i], b["sweep_y"][i]])
            centre = self.place[b["sweep_target"][i]]
            lines += [(self.place[i], centre + offset), (self.place[i], centre - offset)]
        return np.array(lines).reshape(-1, 2, 2)

    def missiles(self) -> tuple[Points, Flags]:
        """(n, P, 2) missiles in flight, and which are an ally's."""
        flying = self.b["missile"] >= 0
        places = np.stack([self.b["missile_x"], self.b["missile_y"]], axis=1)[flying]
        return places[:, None] + MISSILE_RADIUS * DISC, self.ally[flying]

    def blasts(self) -> tuple[Points, Flags]:
        """(n, P, 2) circles of the explosions of this env_step, and which are an ally's."""
        burst = (self.units["explodes"][self.kind] != 0) & (self.b["start_alive"] != 0) & ~self.alive
        reach = self.units["explosion_radius"][self.kind[burst]]
        return self.place[burst, None] + reach[:, None, None] * DISC, self.ally[burst]

    def bars(self) -> list[Bars]:
        """Health, shields and energy of the living who have them, one above the other."""
        level = np.zeros(len(self.kind))
        made = []
        for now, most in (("hp", "hp"), ("shield", "shield"), ("energy", "energy_max")):
            whole = self.units[most][self.kind]
            shown = self.alive & (whole > 0)
            share = np.clip(self.b[now][shown] / whole[shown], 0.0, 1.0)
            half = np.maximum(self.radius[shown], 0.4)
            left = self.place[shown] + np.stack([-half, self.radius[shown] + BAR_GAP + level[shown] * BAR], axis=1)
            made.append((rectangles(left, 2 * half), rectangles(left, 2 * half * share)))
            level[shown] += 1
        return made

    def field_of_view(self, i: int) -> list[Points]:
        """Return the field of view of agent i: polygons (P, 2), none if it is dead.

        With the conic field of view every direction is put to the engine's own test, which is smacv2's: it compares
        arc tangents, so beside the cone ahead there are the slices behind that pass it as well.
        """
        if not self.alive[i]:
            return []
        sight = float(self.env.setup[0]["sight_range"][self.kind[i]])
        if not self.env.setup[0]["conic_fov"]:
            return [self.place[i] + sight * DISC]
        seen = np.zeros(CONE_DIRECTIONS, np.bool_)
        cone(self.frame.copy(), self.env.setup, i, seen)
        return [self.place[i] + sight * sector for sector in sectors(seen)]


def per_unit(record: np.dtype[Any]) -> list[str]:
    """The fields of a battle's record that have one value for each unit."""
    return [name for name in record.names or () if record[name].shape == (MAX_UNITS,)]


def rectangles(corner: Points, width: Points) -> Points:
    """(n, 4, 2) of bars by their lower left corners (n, 2) and widths (n,)."""
    right, up = np.zeros_like(corner), np.array([0.0, BAR])
    right[:, 0] = width
    return np.stack([corner, corner + right, corner + right + up, corner + up], axis=1)


def sectors(seen: Flags) -> list[Points]:
    """Slices of the unit disc, apex included, that cover the marked ones of evenly spaced directions from east."""
    if seen.all():
        return [DISC]
    first = int(np.argmin(seen))  # an unmarked direction: no slice runs over the seam
    turned = np.roll(seen, -first).astype(int)
    starts, ends = (np.flatnonzero(np.diff(turned) == edge) + 1 for edge in (1, -1))
    if turned[-1]:
        ends = np.append(ends, len(seen))
    slices = []
    for start, end in zip(starts, ends, strict=True):
        angles = 2 * np.pi * (first + np.linspace(start, end, end - start + 1)) / len(seen)
        rim = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        slices.append(np.concatenate([[(0.0, 0.0)], rim]))
    return slices


def ground(pathable: Flags, height: NDArray[np.int64], level: NDArray[np.int64]) -> Points:
    """(rows, columns, 3) colours of the cells; row 0 is the bottom of the map.

    Args:
        pathable: (rows, columns) where ground units can stand.
        height: (rows, columns) of the cells, in the game's bytes; the highest ground is lightest.
        level: (rows, columns) cliff level, 0 for the void.
    """
    below = height[pathable].max() - height
    share = np.clip(below / max(below[pathable].max(), CLIFF_HEIGHT), 0.0, 1.0)
    colours = np.array(HIGH) + share[..., None] * (np.array(LOW) - np.array(HIGH))
    colours[~pathable] = CLIFF
    colours[~pathable & (level == 0)] = VOID
    return colours
