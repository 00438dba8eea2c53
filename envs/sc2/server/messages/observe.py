"""Observations of player 1's client: the game's messages, filled from the engine's record.

There is no fog on these maps, so every living unit is reported. Of enemies the game leaves out orders and cooldowns.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from s2clientprotocol import common_pb2, raw_pb2, sc2api_pb2

from envs.battle import terrain
from envs.battle.snapshots.game_state import AGENTS
from envs.battle.state import ACQUIRED, ATTACK, HEAL, MAP_CELLS, MARCH, MOVE, NONE
from envs.battle.units import IN_THE_AIR
from envs.sc2.server.messages import orders
from envs.sc2.server.messages.info import bits, octets
from envs.sc2.server.messages.orders import Commander, Task
from envs.sc2.server.simulation.field import Field, Member

FULL_TURN = 2.0 * math.pi
HOVER = 3.75  # cells above the ground
HEIGHT_SCALE, HEIGHT_BASE = 32.0 / 255.0, -16.0  # a byte of the height grid in cells
VISIBLE = 2  # of a cell: not hidden, and not seen before only
FOOD_CAP = 200
CARGO = {"medivac": 8}
SENT = ("x", "y", "hp", "shield", "energy", "facing_x", "facing_y", "cooldown", "order", "target", "dest_x", "dest_y")
SHOWN_AS = {
    MOVE: orders.MOVE, ATTACK: orders.ATTACK, ACQUIRED: orders.ATTACK, HEAL: orders.HEAL, MARCH: orders.ATTACK,
}  # fmt: skip


class Observer:
    """Writes observations of one game.

    Args:
        field: the units.
        commander: their tasks.
    """

    def __init__(self, field: Field, commander: Commander) -> None:
        self.field, self.commander = field, commander
        self.ground = [
            [byte * HEIGHT_SCALE + HEIGHT_BASE for byte in row]
            for row in terrain.heights(field.catalogue.battlefield.terrain).tolist()
        ]
        self._units: dict[tuple[int, int], raw_pb2.Unit] = {}
        self._frame = _frame()

    def observation(self, loop: int, dead: list[int]) -> sc2api_pb2.Observation:
        """The game at this loop; ``dead`` are the tags of who died since the last one."""
        message = sc2api_pb2.Observation()
        message.CopyFrom(self._frame)
        message.game_loop = loop
        living = self.field.living(AGENTS)
        message.player_common.army_count = message.player_common.food_army = message.player_common.food_used = living
        if dead:
            message.raw_data.event.dead_units.extend(dead)
        self._write_units(message.raw_data.units)
        return message

    def _write_units(self, units: Any) -> None:
        members = self.field.members
        columns = {name: self.field.columns[name][: len(members)].tolist() for name in SENT}
        x, y, hp, shield, energy = (columns[name] for name in SENT[:5])
        facing_x, facing_y = columns["facing_x"], columns["facing_y"]
        for i, alive in enumerate(self.field.alive.tolist()):
            if not alive:
                continue
            member = members[i]
            unit = units.add()
            unit.CopyFrom(self._likeness(member))
            unit.tag = member.tag
            unit.pos.x, unit.pos.y = x[i], y[i]
            unit.pos.z += self.ground_at(x[i], y[i])
            unit.facing = math.atan2(facing_y[i], facing_x[i]) % FULL_TURN
            unit.health = hp[i]
            if shield[i]:
                unit.shield = shield[i]
            if energy[i]:
                unit.energy = energy[i]
            if member.owner == AGENTS:
                unit.weapon_cooldown = columns["cooldown"][i]
                if columns["order"][i] != NONE or member.tag in self.commander.queues:
                    self._write_orders(unit, i, columns)

    def ground_at(self, x: float, y: float) -> float:
        """Height of the ground in cells."""
        return self.ground[min(int(y), MAP_CELLS - 1)][min(int(x), MAP_CELLS - 1)]

    def _write_orders(self, unit: raw_pb2.Unit, i: int, columns: dict[str, list[float]]) -> None:
        order, commander = int(columns["order"][i]), self.commander
        unit.is_active = True
        if order != NONE:
            written = unit.orders.add(ability_id=SHOWN_AS[order])
            if order in (ATTACK, ACQUIRED, HEAL):
                written.target_unit_tag = self.field.members[int(columns["target"][i])].tag
                unit.engaged_target_tag = written.target_unit_tag
            else:
                task = commander.current.get(unit.tag)
                written.ability_id = task.ability if task else SHOWN_AS[order]
                written.target_world_space_pos.x = columns["dest_x"][i]
                written.target_world_space_pos.y = columns["dest_y"][i]
        for task in commander.queues.get(unit.tag, []):
            _write_task(unit.orders.add(), task)

    def _likeness(self, member: Member) -> raw_pb2.Unit:
        """Return the part that all units of a type and an owner have in common."""
        key = (member.unit_type, member.owner)
        if key not in self._units:
            self._units[key] = self._draw_likeness(member)
        return self._units[key]

    def _draw_likeness(self, member: Member) -> raw_pb2.Unit:
        table, kind, own = self.field.units[0], member.kind, member.owner == AGENTS
        flying = bool(table["floor"][kind] == IN_THE_AIR)
        unit = raw_pb2.Unit(
            display_type=raw_pb2.Visible,
            alliance=raw_pb2.Self if own else raw_pb2.Enemy,
            unit_type=member.unit_type,
            owner=member.owner,
            radius=table["radius"][kind],
            build_progress=1.0,
            cloak=raw_pb2.NotCloaked,
            detect_range=0.0,
            is_on_screen=True,
            is_flying=flying,
            health_max=table["hp"][kind],
            shield_max=table["shield"][kind],
            energy_max=table["energy_max"][kind],
        )
        unit.pos.z = HOVER if flying else 0.0
        if own:
            unit.assigned_harvesters = unit.ideal_harvesters = unit.cargo_space_taken = 0
            unit.cargo_space_max = CARGO.get(self.field.catalogue.kind_of(member.unit_type)[0], 0)
        return unit


def _write_task(written: raw_pb2.UnitOrder, task: Task) -> None:
    written.ability_id = task.ability
    if task.target:
        written.target_unit_tag = task.target
    elif task.order != NONE:
        written.target_world_space_pos.x, written.target_world_space_pos.y = task.point


def _frame() -> sc2api_pb2.Observation:
    """Return the part that stays the same in all observations."""
    message = sc2api_pb2.Observation()
    common = message.player_common
    common.player_id, common.food_cap = AGENTS, FOOD_CAP
    for name in ("minerals", "vespene", "food_workers", "idle_worker_count", "warp_gate_count", "larva_count"):
        setattr(common, name, 0)
    middle = MAP_CELLS / 2
    message.raw_data.player.camera.CopyFrom(common_pb2.Point(x=middle, y=middle, z=0.0))
    state, cells = message.raw_data.map_state, (MAP_CELLS, MAP_CELLS)
    state.visibility.CopyFrom(octets(np.full(cells, VISIBLE)))
    state.creep.CopyFrom(bits(np.zeros(cells, bool)))
    return message
