"""The units on the field, and the engine's record that plays them.

One slot of the engine, its axes as long as they always are; how many units of each side there are changes with every
battle, and within one when a client creates more. Numbers of units are the engine's: agents first, then enemies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.battle.basics.command import give_order, go_to, stop
from envs.battle.jit import kernel
from envs.battle.options import BattleOptions
from envs.battle.rules.tick import tick
from envs.battle.scenarios import Scenario
from envs.battle.setup import make_setup, slowest
from envs.battle.snapshots.game_state import AGENTS, ENEMIES
from envs.battle.spawn import draw_places, draw_teams, init_units, next_battle, put, put_all, reset_unit
from envs.battle.state import ACQUIRED, ATTACK, BATTLE, HEAL, MARCH, MAX_SIDE, MAX_UNITS, MOVE, NOBODY, NONE, allocate
from envs.battle.unit_types import kind_of
from envs.battle.units import unit_table
from envs.sc2.server.simulation.catalogue import Catalogue

FIRST_TAG, TAG_STEP = 2**32 + 1, 2**18  # the game's tags are a place in its list and a count of reuses
PER_UNIT = [name for name in BATTLE.names or () if BATTLE[name].shape[:1] == (MAX_UNITS,)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One unit, alive or dead."""

    tag: int
    """Never given to another unit of the game."""
    unit_type: int
    """Its number in the catalogue."""
    kind: int
    """The engine's."""
    owner: int
    """1 for the agents' player, 2 for the enemies'."""


@kernel
def play_tick(battles, units, setup):
    tick(battles[0], units[0], setup[0])


@kernel
def obey(battles, i, order, target, x, y):
    """Give unit i an order of the game's interface, as the engine's own actions do."""
    b = battles[0]
    if order in (MOVE, MARCH):
        go_to(b, i, order, x, y)
    elif order == NONE:
        stop(b, i)
    else:
        b.marches[i] = False
        give_order(b, i, order, target)


class Field:
    """The units of one game.

    Args:
        catalogue: the unit types of the map.
        seed: names every random draw, as in ``BattleEnv``.
    """

    def __init__(self, catalogue: Catalogue, seed: int) -> None:
        self.catalogue = catalogue
        self.opening = catalogue.battlefield.opening
        self.units = unit_table(catalogue.battlefield.catalog, BattleOptions())
        self.setup = make_setup(self.opening or _nobody(catalogue), BattleOptions(), seed, 0)
        self.battles = allocate(1)
        self.records = self.battles[0], self.units[0], self.setup[0]
        """Battle, unit types and setup, for compiled functions; what these write shows in the arrays."""
        self.columns = {name: self.battles[name][0] for name in BATTLE.names or ()}
        self.members: list[Member] = []
        self._created = 0
        self._count()

    def member(self, unit_type: int, owner: int) -> Member:
        """A new unit, not yet on the field.

        Raises:
            ValueError: the engine does not have this unit.
        """
        tag = FIRST_TAG + TAG_STEP * self._created
        kind = kind_of(self.catalogue.kind_of(unit_type)[0])
        self._created += 1
        return Member(tag=tag, unit_type=unit_type, kind=kind, owner=owner)

    @property
    def n_agents(self) -> int:
        return int(self.setup["n_agents"][0])

    @property
    def alive(self) -> NDArray[np.uint8]:
        """(U,) flags, one byte each."""
        return self.columns["alive"][: len(self.members)].astype(np.uint8)

    def living(self, owner: int) -> int:
        """Count the living units of a side."""
        n = self.n_agents
        return int((self.alive[:n] if owner == AGENTS else self.alive[n:]).sum())

    def lay_out_opening(self) -> None:
        """Begin the next battle with the units and places of the map's own script."""
        opening = self.opening
        assert opening is not None
        owners = [AGENTS] * opening.n_agents + [ENEMIES] * opening.n_enemies
        names = opening.ally_team + opening.enemy_team
        types = [self.catalogue.id_of(name, owner) for name, owner in zip(names, owners, strict=True)]
        self.members = [self.member(*pair) for pair in zip(types, owners, strict=True)]
        self._count()
        battle, _, setup = self.records
        next_battle(battle, setup, 0)
        draw_teams(battle, setup)
        draw_places(battle, setup)
        self._muster()

    def place_units(self, members: Iterable[Member], places: dict[int, tuple[float, float]]) -> None:
        """Begin the next battle with these units, at places by tag."""
        self.members = sorted(members, key=lambda member: member.owner)
        self._count()
        battle, _, setup = self.records
        next_battle(battle, setup, 0)
        self._write(self.members, places, 0)
        self._muster()

    def _muster(self) -> None:
        put_all(*self.records)
        n = self.n_agents
        x, y, kind = (self.columns[name][:n] for name in ("x", "y", "kind"))
        # The order in which the engine numbers agents; it moves kinds and places, so members must follow.
        self.members[:n] = [self.members[i] for i in np.lexsort((y, x, kind))]
        init_units(*self.records)

    def extend(self, members: Sequence[Member], places: dict[int, tuple[float, float]]) -> None:
        """More units while others live: the dead make room, the new ones follow their own side."""
        stay = self._staying(len(members))
        before, n_before = len(self.members), self.n_agents
        everybody = [self.members[i] for i in stay] + list(members)
        self._take_rows(stay)
        self._write(members, places, len(stay))
        for row in range(len(stay), len(everybody)):
            put(*self.records, row, 0)
        order = np.array(sorted(range(len(everybody)), key=lambda row: everybody[row].owner))
        self._take_rows(order)
        self.members = [everybody[row] for row in order]
        self._count()
        rows = {int(old): row for row, old in enumerate(order)}
        number = np.full(before + 1, NOBODY)  # the last entry answers for NOBODY itself
        number[stay] = [rows[place] for place in range(len(stay))]
        for place in range(len(stay), len(everybody)):
            reset_unit(self.battles[0], self.units[0], rows[place])
        self._renumber(number, n_before)

    def _staying(self, newcomers: int) -> NDArray[np.int64]:
        """Rows of the living and of those whose missile or lances are still on their way, if there is room."""
        columns, count = self.columns, len(self.members)
        busy = (columns["missile"][:count] >= 0) | (columns["sweep"][:count] >= 0)
        stay = np.flatnonzero((self.alive > 0) | busy)
        owners = np.array([self.members[i].owner for i in stay])
        crowded = len(stay) + newcomers > MAX_UNITS or max(np.bincount(owners, minlength=3)) + newcomers > MAX_SIDE
        return np.flatnonzero(self.alive) if crowded else stay

    def _take_rows(self, rows: NDArray[np.int64]) -> None:
        for name in PER_UNIT:
            self.columns[name][: len(rows)] = self.columns[name][rows]

    def _write(self, members: Sequence[Member], places: dict[int, tuple[float, float]], first: int) -> None:
        for row, member in enumerate(members, first):
            self.columns["kind"][row] = member.kind
            self.columns["x"][row], self.columns["y"][row] = places[member.tag]

    def _renumber(self, number: NDArray[np.int64], n_before: int) -> None:
        """Let units name each other by their new numbers; who named a dead one that has gone lets go."""
        columns, count = self.columns, len(self.members)
        for name in ("target", "missile", "sweep_target"):
            named = columns[name][:count]
            named[:] = number[np.where(named < len(number), named, NOBODY)]  # who is new names nobody yet
        about_somebody = np.isin(columns["order"][:count], (ATTACK, ACQUIRED, HEAL))
        for i in np.flatnonzero(about_somebody & (columns["target"][:count] == NOBODY)):
            give_order(self.battles[0], i, NONE, NOBODY)
        for i in np.flatnonzero(columns["sweep"][:count] >= 0):
            if columns["sweep_target"][i] == NOBODY:
                columns["channel"][i], columns["sweep_target"][i] = False, i
            foes = (n_before, self.n_agents) if i < self.n_agents else (0, 0)
            for marks in (columns["swept"][i], columns["sweep_due"][i]):
                for place, word in np.ndenumerate(marks):
                    marks[place] = _moved_bits(int(word), number, *foes)

    def _count(self) -> None:
        """Tell the setup how many there are, and what follows from who they are."""
        owners = [member.owner for member in self.members]
        kinds = [member.kind for member in self.members]
        enemies = kinds[owners.count(AGENTS) :]
        self.setup["n_agents"], self.setup["n_enemies"] = owners.count(AGENTS), len(enemies)
        self.setup["medivacs"] = any(self.units["heals"][0][kind] for kind in kinds)
        self.setup["march_speed"] = slowest(self.units, enemies)


def _nobody(catalogue: Catalogue) -> Scenario:
    """A scenario for the ground and the script of a map without units of its own; who fights is overwritten."""
    marine = ("marine",)
    battlefield = catalogue.battlefield
    return Scenario(
        race="terran", n_agents=1, n_enemies=1, unit_types=marine, ally_team=marine, enemy_team=marine,
        map=battlefield.terrain, script=battlefield.script,
    )  # fmt: skip


def _moved_bits(word: int, number: NDArray[np.int64], base: int, new_base: int) -> int:
    """A set of units of one side, as the engine's bits, after a renumbering."""
    moved = 0
    for bit in range(MAX_SIDE):
        if word >> bit & 1 and base + bit < len(number) and number[base + bit] != NOBODY:
            moved |= 1 << int(number[base + bit]) - new_base
    return moved - (1 << MAX_SIDE if moved >> MAX_SIDE - 1 else 0)
