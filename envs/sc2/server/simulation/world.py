"""The game itself: loops, orders, debug commands, observations; the built-in engine plays it tick by tick.

Battles are numbered: each time an empty field fills, the engine lays the units out as it would for the same teams and
wished-for places, and names their draws by ``rng.battle_key(seed, 0, number)``. So a game equals, to the bit, what
``BattleEnv(seed=seed, num_envs=1)`` plays, given the same teams, places and orders.

A map whose script makes its own units has made them a tick before loop 0, and again ``RESPAWN`` loops after
the last unit died. A client that kills everybody and looks finds an empty field; a step of SMAC's eight loops, or of
sixteen, in which both sides die ends with an empty field.
"""

from __future__ import annotations

from collections.abc import Iterable

from s2clientprotocol.common_pb2 import Point2D
from s2clientprotocol.debug_pb2 import DebugCommand, DebugCreateUnit, DebugKillUnit
from s2clientprotocol.error_pb2 import ActionResult
from s2clientprotocol.query_pb2 import RequestQuery, ResponseQuery
from s2clientprotocol.raw_pb2 import ActionRaw, ActionRawUnitCommand
from s2clientprotocol.sc2api_pb2 import Observation

from envs.battle import jit
from envs.battle.rules.damage import resolve_deaths
from envs.battle.snapshots.game_state import AGENTS
from envs.sc2.server.messages import orders, query
from envs.sc2.server.messages.debug import Plans
from envs.sc2.server.messages.observe import Observer
from envs.sc2.server.messages.orders import Commander
from envs.sc2.server.simulation.catalogue import STOCK_IDS, Catalogue
from envs.sc2.server.simulation.field import Field, play_tick
from envs.sc2.server.simulation.maps import Battlefield, map_file, read_map

RESPAWN = 16  # loops, a game second


class World:
    """One game, seen and commanded by player 1; deterministic.

    Args:
        battlefield: the map.
        seed: 0..2**64-1.
    """

    def __init__(self, battlefield: Battlefield, seed: int) -> None:
        self.battlefield, self.seed = battlefield, seed
        self.catalogue = Catalogue(battlefield)
        self.field = Field(self.catalogue, seed)
        self.loop = 0
        """Loops since the start."""
        self._commander = Commander(self.field)
        self._plans = Plans(self.field)
        self._observer = Observer(self.field, self._commander)
        self._alive = b""
        self._dead: list[int] = []
        self._shown: tuple[int, list[int]] = (-1, [])
        self._empty_since = 0
        if battlefield.opening:
            self.field.lay_out_opening()
            self._commander.recount()
            self._play()

    def step(self, loops: int) -> None:
        """Let the game go on."""
        for _ in range(loops):
            self.loop += 1
            if self._plans:
                self._carry_out_plans()
            elif self.battlefield.opening and self._is_empty and self.loop - self._empty_since > RESPAWN:
                self.field.lay_out_opening()
                self._commander.recount()
            self._play()

    def act(self, action: ActionRaw) -> int:
        """Carry out an action; ``ActionResult.Success``, or why the game refuses."""
        if action.HasField("unit_command"):
            return self._commander.command(action.unit_command)
        return ActionResult.Success if action.HasField("camera_move") else ActionResult.NotSupported

    def debug(self, commands: Iterable[DebugCommand]) -> list[str]:
        """Note debug commands for the next loop; one line for each that is refused."""
        return [refusal for command in commands if (refusal := self._plans.take(command))]

    def observation(self) -> Observation:
        """Return what player 1 sees now; deaths are reported by the first observation after them."""
        if self._shown[0] != self.loop:
            self._shown = (self.loop, self._dead)
            self._dead = []
        return self._observer.observation(*self._shown)

    def query(self, request: RequestQuery) -> ResponseQuery:
        """Answers about ways, abilities and places."""
        return query.answer(self.field, self._commander.numbers, request)

    @property
    def _is_empty(self) -> bool:
        return 1 not in self._alive

    def _carry_out_plans(self) -> None:
        """Kill and change units, then let the new ones in: beside the living, or as the next battle."""
        field, plans = self.field, self._plans
        plans.apply_changes(self._commander.numbers)
        resolve_deaths(*field.records)
        self._note_deaths()
        if plans.newcomers:
            (field.place_units if self._is_empty else field.extend)(plans.newcomers, plans.places)
            self._commander.recount()
            self._alive = field.alive.tobytes()
        plans.clear()

    def _play(self) -> None:
        """One tick of the engine, if anybody lives."""
        field = self.field
        self._alive = field.alive.tobytes()
        if not self._is_empty:
            play_tick(field.battles, field.units, field.setup)
            self._note_deaths()
            if self._commander.queues:
                self._commander.go_on()

    def _note_deaths(self) -> None:
        before, self._alive = self._alive, self.field.alive.tobytes()
        if before != self._alive:
            pairs = zip(self.field.members, before, self._alive, strict=True)
            self._dead = self._dead + [member.tag for member, was, now in pairs if was and not now]
            self._commander.recount()
            if self._is_empty:
                self._empty_since = self.loop


def warm_up() -> None:
    """Attack, kill and create for a moment, so that the engine is compiled by the first client's game."""
    jit.announce_compiling()
    world = World(read_map(map_file("MMM")), 0)
    seen = world.observation().raw_data.units
    own, foes = ([unit.tag for unit in seen if (unit.owner == AGENTS) is agents] for agents in (True, False))
    attack = ActionRawUnitCommand(ability_id=orders.ATTACK, unit_tags=own, target_unit_tag=foes[0])
    world.act(ActionRaw(unit_command=attack))
    newcomer = DebugCreateUnit(unit_type=STOCK_IDS["marine"], owner=AGENTS, pos=Point2D(x=16, y=16), quantity=1)
    world.debug([DebugCommand(kill_unit=DebugKillUnit(tag=foes[:1])), DebugCommand(create_unit=newcomer)])
    world.step(1)
