"""Debug commands: which of them the stand-in carries out, and what it says of the others.

What they do shows at the next loop, as in the game; so a client that creates two teams with two requests and then
steps has one battle.
"""

from __future__ import annotations

import math
from typing import Any

from s2clientprotocol.debug_pb2 import DebugCommand, DebugCreateUnit, DebugSetUnitValue

from envs.battle.snapshots.game_state import AGENTS, ENEMIES
from envs.battle.state import MAP_CELLS, MAX_SIDE, MAX_UNITS
from envs.sc2.server.simulation.field import Field, Member

VALUES = {
    DebugSetUnitValue.Energy: ("energy", "energy_max"),
    DebugSetUnitValue.Life: ("hp", "hp"),
    DebugSetUnitValue.Shields: ("shield", "shield"),
}
KNOWN = ("create_unit", "kill_unit", "unit_value", "end_game", "test_process", "draw")
"""Debug commands that are carried out; the session sees to ``end_game`` and ``test_process``."""
Change = tuple[int, str, float]


class Plans:
    """Debug commands that the next loop will carry out, in the order in which they came.

    Args:
        field: the units.
    """

    def __init__(self, field: Field) -> None:
        self.field = field
        self.changes: list[Change] = []
        """(tag, column of the record, value); no life left is death."""
        self.newcomers: list[Member] = []
        self.places: dict[int, tuple[float, float]] = {}

    def __bool__(self) -> bool:
        return bool(self.changes or self.newcomers)

    def clear(self) -> None:
        self.changes, self.newcomers, self.places = [], [], {}

    def take(self, command: DebugCommand) -> str:
        """Note one command; empty, or why it is refused."""
        what = command.WhichOneof("command")
        if what == "create_unit":
            return self._create(command.create_unit)
        if what == "kill_unit":
            self.changes += [(tag, "hp", 0.0) for tag in command.kill_unit.tag]
            return ""
        if what == "unit_value":
            return self._set(command.unit_value)
        if what in ("draw", "end_game", "test_process"):
            return ""  # there is no screen to draw on, and the session sees to the others
        return f"the stand-in game does not know {what or 'an empty command'}; it knows {', '.join(KNOWN)}"

    def _create(self, command: DebugCreateUnit) -> str:
        x, y = command.pos.x, command.pos.y
        if command.owner not in (AGENTS, ENEMIES):
            return f"create_unit for player {command.owner}; there are players {AGENTS} and {ENEMIES}"
        if not (math.isfinite(x) and math.isfinite(y)):
            return f"create_unit at ({x}, {y}), which is no place"
        side = self.field.living(command.owner) + sum(new.owner == command.owner for new in self.newcomers)
        both = int(self.field.alive.sum()) + len(self.newcomers)
        if side + command.quantity > MAX_SIDE or both + command.quantity > MAX_UNITS:
            return (
                f"create_unit of {command.quantity} beside {side} units of player {command.owner}, {both} in "
                f"all; the stand-in game holds {MAX_SIDE} a side and {MAX_UNITS} in all"
            )
        place = (min(max(x, 0.0), float(MAP_CELLS)), min(max(y, 0.0), float(MAP_CELLS)))
        try:
            members = [self.field.member(command.unit_type, command.owner) for _ in range(command.quantity)]
        except ValueError as refusal:
            return str(refusal)
        self.newcomers += members
        self.places |= {member.tag: place for member in members}
        return ""

    def _set(self, command: DebugSetUnitValue) -> str:
        if command.unit_value not in VALUES or not math.isfinite(command.value):
            return f"unit_value {command.unit_value} to {command.value}: energy, life and shields can be set"
        self.changes.append((command.unit_tag, VALUES[command.unit_value][0], command.value))
        return ""

    def apply_changes(self, numbers: dict[int, int]) -> None:
        """Write the changes into the record; values beyond a unit's most or below nothing are cut."""
        table: Any = self.field.units[0]
        most = dict(VALUES.values())
        for tag, column, value in self.changes:
            if tag in numbers:
                i = numbers[tag]
                bound = table[most[column]][self.field.members[i].kind]
                self.field.columns[column][i] = min(max(value, 0.0), bound)
