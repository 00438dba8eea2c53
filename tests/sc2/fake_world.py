"""A world of a few lines for tests of the protocol: units are numbers that count loops and remember their orders."""

from __future__ import annotations

from collections.abc import Iterable

from s2clientprotocol import common_pb2, debug_pb2, error_pb2, query_pb2, raw_pb2, sc2api_pb2

from envs.sc2.server.simulation.catalogue import Catalogue
from envs.sc2.server.simulation.maps import Battlefield
from envs.sc2.server.simulation.world import World


class FakeWorld(World):
    """What it shows depends on everything that a replay has to repeat: the seed, every call, and when it came."""

    def __init__(self, battlefield: Battlefield, seed: int) -> None:
        self.battlefield, self.seed, self.loop = battlefield, seed, 0
        self.catalogue = Catalogue(battlefield)
        self._units: dict[int, raw_pb2.Unit] = {}

    def step(self, loops: int) -> None:
        self.loop += loops
        for unit in self._units.values():
            unit.pos.x += loops / 8

    def act(self, action: raw_pb2.ActionRaw) -> int:
        known = [self._units[tag] for tag in action.unit_command.unit_tags if tag in self._units]
        for unit in known:
            unit.energy = unit.energy * 3 + action.unit_command.ability_id + self.loop
        return error_pb2.Success if known else error_pb2.Error

    def debug(self, commands: Iterable[debug_pb2.DebugCommand]) -> list[str]:
        refusals = []
        for command in commands:
            if command.HasField("kill_unit"):
                for tag in command.kill_unit.tag:
                    self._units.pop(tag, None)
            elif command.HasField("create_unit") and command.create_unit.unit_type == 0:
                refusals.append("there is no unit type 0")
            elif command.HasField("create_unit"):
                tag = self.seed * 1000 + len(self._units) + 1
                made = command.create_unit
                place = common_pb2.Point(x=made.pos.x, y=made.pos.y)
                self._units[tag] = raw_pb2.Unit(tag=tag, owner=made.owner, unit_type=made.unit_type, pos=place)
        return refusals

    def observation(self) -> sc2api_pb2.Observation:
        raw = raw_pb2.ObservationRaw(units=list(self._units.values()))
        return sc2api_pb2.Observation(game_loop=self.loop, raw_data=raw)

    def query(self, request: query_pb2.RequestQuery) -> query_pb2.ResponseQuery:
        none = query_pb2.ResponseQueryAvailableAbilities()
        return query_pb2.ResponseQuery(abilities=[none for _ in request.abilities])
