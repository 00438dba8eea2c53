"""Orders of the game's interface: which abilities there are, what each asks of its target, what the game refuses.

An order that may be given becomes a ``Task``, which the engine carries out as it does the orders of its own actions.
Deviations: units never fire at their own side; a unit as the target of a move means the place where it stands now.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from s2clientprotocol.error_pb2 import ActionResult
from s2clientprotocol.raw_pb2 import ActionRawUnitCommand

from envs.battle import state
from envs.battle.snapshots.game_state import AGENTS
from envs.battle.units import IN_THE_AIR
from envs.sc2.server.simulation.field import Field, obey

# Blizzard's stableid.json: each ability and the general one that clients may name in its place.
STOP, MOVE, ATTACK, SCAN_MOVE, PATROL, HOLD, HEAL, SMART = 4, 16, 23, 19, 17, 18, 386, 1
GENERAL = {3665: STOP, 3794: MOVE, 3674: ATTACK, 3795: PATROL, 3793: HOLD, 2048: ATTACK}
QUEUE_LIMIT = 32
NO_UNIT = 0  # no tag is 0

Code = int
Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One order that a unit can carry out."""

    ability: int
    """The ability that the client sees the unit use."""
    order: int
    """The engine's."""
    target: int = NO_UNIT
    """Tag of the unit that it is about."""
    point: Point = (0.0, 0.0)
    """Destination of a move or an attack-move."""
    returns: bool = False
    """A leg of a patrol: at its end the unit goes back to where it came from, and so on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The target of a command: a unit, a place, or nothing."""

    unit: int = -1
    """Number on the field."""
    point: Point | None = None


def read_target(field: Field, numbers: dict[int, int], command: ActionRawUnitCommand) -> Target | Code:
    """The target of a command, or why it cannot be one."""
    given = command.WhichOneof("target")
    if given == "target_unit_tag":
        number = numbers.get(command.target_unit_tag)
        if number is None:
            return ActionResult.CantTargetThatUnit
        return Target(unit=number)
    if given == "target_world_space_pos":
        x, y = command.target_world_space_pos.x, command.target_world_space_pos.y
        if not (math.isfinite(x) and math.isfinite(y)):
            return ActionResult.MustTargetVisibleLocation
        return Target(point=(x, y))
    return Target()


def decide(field: Field, i: int, ability_id: int, target: Target) -> Task | Code:
    """Return the task that a command gives unit i, or the game's code for why it is refused."""
    ability = GENERAL.get(ability_id, ability_id)
    if ability == SMART:
        ability = _smart(field, i, target)
    if ability in (STOP, HOLD):
        return Task(ability=ability, order=state.NONE)
    if ability in (MOVE, PATROL, SCAN_MOVE):
        return _go(field, i, ability, target)
    if ability == ATTACK:
        return _attack(field, i, target)
    if ability == HEAL:
        return _heal(field, i, target)
    return ActionResult.NotSupported


def _smart(field: Field, i: int, target: Target) -> int:
    """Resolve a right click: attack enemies, heal the hurt, go anywhere else."""
    if target.unit < 0:
        return MOVE
    if field.members[target.unit].owner != field.members[i].owner:
        return ATTACK if isinstance(_attack(field, i, target), Task) else MOVE
    return HEAL if isinstance(_heal(field, i, target), Task) else MOVE


def _go(field: Field, i: int, ability: int, target: Target) -> Task | Code:
    if field.units["speed"][0][field.members[i].kind] == 0:
        return ActionResult.UnitCantMove
    point = _place(field, target)
    if point is None:
        return ActionResult.MustTargetVisibleLocation
    order = state.MOVE if ability == MOVE else state.MARCH
    return Task(ability=ability, order=order, point=point, returns=ability == PATROL)


def _place(field: Field, target: Target) -> Point | None:
    if target.unit < 0:
        return target.point
    return float(field.columns["x"][target.unit]), float(field.columns["y"][target.unit])


def _attack(field: Field, i: int, target: Target) -> Task | Code:
    """An attack on a unit, or an attack-move, on which a medivac heals."""
    units, kind = field.units[0], field.members[i].kind
    armed = units["weapons"][kind] > 0
    if target.point is not None and (armed or units["heals"][kind]):
        return _go(field, i, ATTACK if armed else SCAN_MOVE, target)
    if not armed:
        return ActionResult.NotSupported
    if target.unit < 0:
        return ActionResult.MustTargetUnit
    foe = field.members[target.unit]
    if foe.owner == field.members[i].owner:
        return ActionResult.CantTargetYourOwnUnits
    if not units["can_attack"][kind, foe.kind]:
        flies = units["floor"][foe.kind] == IN_THE_AIR
        return ActionResult.CantTargetAirUnits if flies else ActionResult.CantTargetGroundUnits
    return Task(ability=ATTACK, order=state.ATTACK, target=foe.tag)


def _heal(field: Field, i: int, target: Target) -> Task | Code:
    units, own = field.units[0], field.members[i]
    if not units["heals"][own.kind]:
        return ActionResult.NotSupported
    if target.unit < 0:
        return ActionResult.RequiresHealTarget
    patient = field.members[target.unit]
    if patient.owner != own.owner:
        return ActionResult.MustTargetFriendlyUnits
    if target.unit == i:
        return ActionResult.CantTargetCaster
    if not units["is_biological"][patient.kind]:
        return ActionResult.MustTargetBiologicalUnits
    if field.columns["hp"][target.unit] >= units["hp"][patient.kind]:
        return ActionResult.TooMuchLife
    return Task(ability=HEAL, order=state.HEAL, target=patient.tag)


class Commander:
    """Gives units their tasks, one after the other where a client queues them.

    Args:
        field: the units.
    """

    def __init__(self, field: Field) -> None:
        self.field = field
        self.numbers: dict[int, int] = {}
        self.queues: dict[int, list[Task]] = {}
        self.current: dict[int, Task] = {}

    def recount(self) -> None:
        """Note the numbers of the living, after somebody appeared or died."""
        alive = self.field.alive.tolist()
        self.numbers = {member.tag: i for i, member in enumerate(self.field.members) if alive[i]}
        self.queues = {tag: tasks for tag, tasks in self.queues.items() if tag in self.numbers}
        self.current = {tag: task for tag, task in self.current.items() if tag in self.numbers}

    def command(self, command: ActionRawUnitCommand) -> Code:
        """Carry out one raw command; the code is that of the first unit that obeys, else of the first refusal."""
        target = read_target(self.field, self.numbers, command)
        codes = [self._command_one(tag, command, target) for tag in command.unit_tags] or [ActionResult.Error]
        return ActionResult.Success if ActionResult.Success in codes else codes[0]

    def _command_one(self, tag: int, command: ActionRawUnitCommand, target: Target | Code) -> Code:
        i = self.numbers.get(tag)
        if i is None:
            return ActionResult.Error
        if self.field.members[i].owner != AGENTS:
            return ActionResult.YouCantControlThatUnit
        if not isinstance(target, Target):
            return target
        task = decide(self.field, i, command.ability_id, target)
        if not isinstance(task, Task):
            return task
        waiting = self.queues.get(tag, [])
        if command.queue_command and (waiting or self.field.columns["order"][i] != state.NONE):
            if len(waiting) >= QUEUE_LIMIT:
                return ActionResult.OrderQueueIsFull
            self.queues[tag] = [*waiting, task]
            return ActionResult.Success
        self.queues.pop(tag, None)
        self._start(i, task)
        return ActionResult.Success

    def _start(self, i: int, task: Task) -> None:
        member, columns = self.field.members[i], self.field.columns
        if task.returns:
            here = (float(columns["x"][i]), float(columns["y"][i]))
            self.queues[member.tag] = [*self.queues.get(member.tag, []), replace(task, point=here)]
        self.current[member.tag] = task
        obey(self.field.battles, i, task.order, self.numbers.get(task.target, state.NOBODY), *task.point)

    def go_on(self) -> None:
        """After a tick: who is done with a task takes the next; a task about somebody who has died is dropped."""
        for tag in list(self.queues):
            i = self.numbers[tag]
            while tag in self.queues and self.field.columns["order"][i] == state.NONE:
                task, *rest = self.queues.pop(tag)
                if rest:
                    self.queues[tag] = rest
                if task.target == NO_UNIT or task.target in self.numbers:
                    self._start(i, task)
