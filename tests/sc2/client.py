"""Requests in short, and a client that talks to a session without a wire."""

from __future__ import annotations

from typing import Any

from s2clientprotocol import common_pb2, debug_pb2, raw_pb2, sc2api_pb2

from envs.sc2.server.session import Session
from envs.sc2.server.simulation.maps import map_file

RAW = sc2api_pb2.InterfaceOptions(raw=True)
CAMERA = sc2api_pb2.SpatialCameraSetup()
STANDARD = sc2api_pb2.InterfaceOptions(raw=True, score=True)


def create(map_name: str = "MMM", **fields: Any) -> sc2api_pb2.RequestCreateGame:
    """One player against the map's script."""
    settings: dict[str, Any] = {
        "local_map": sc2api_pb2.LocalMap(map_path=f"SMAC_Maps/{map_name}.SC2Map", map_data=map_file(map_name)),
        "player_setup": [
            sc2api_pb2.PlayerSetup(type=sc2api_pb2.Participant),
            sc2api_pb2.PlayerSetup(type=sc2api_pb2.Computer, race=common_pb2.Zerg, difficulty=sc2api_pb2.VeryHard),
        ],
        "random_seed": 7,
    }
    return sc2api_pb2.RequestCreateGame(**settings | fields)


def join(**fields: Any) -> sc2api_pb2.RequestJoinGame:
    """A terran who asks for raw data."""
    return sc2api_pb2.RequestJoinGame(**{"race": common_pb2.Terran, "options": RAW} | fields)


def spawn(
    unit_type: int = 48, owner: int = 1, x: float = 8.0, y: float = 16.0, quantity: int = 1
) -> debug_pb2.DebugCommand:
    """A debug command that makes units, a marine unless another number is given."""
    made = debug_pb2.DebugCreateUnit(unit_type=unit_type, owner=owner, pos=common_pb2.Point2D(x=x, y=y))
    made.quantity = quantity
    return debug_pb2.DebugCommand(create_unit=made)


def order(tags: list[int], ability: int = 16, **target: Any) -> sc2api_pb2.Action:
    """A raw command."""
    command = raw_pb2.ActionRawUnitCommand(ability_id=ability, unit_tags=tags, **target)
    return sc2api_pb2.Action(action_raw=raw_pb2.ActionRaw(unit_command=command))


class Client:
    """Asks a session; the last response's frame is kept."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.response = sc2api_pb2.Response()
        self._count = 0

    def ask(self, **request: Any) -> Any:
        """The answer to one request, which must be no general error."""
        answer = getattr(self.send(**request), next(iter(request)))
        assert not list(self.response.error)
        return answer

    def refused(self, **request: Any) -> str:
        """The only general error with which one request is answered."""
        (error,) = self.send(**request).error
        assert self.response.WhichOneof("response") is None
        return error

    def send(self, **request: Any) -> sc2api_pb2.Response:
        """The whole response."""
        self._count += 1
        message = sc2api_pb2.Request(id=self._count, **request).SerializeToString()
        self.response = sc2api_pb2.Response.FromString(self.session.answer(message))
        assert self.response.id == self._count
        assert self.response.HasField("status")
        return self.response

    def observe(self) -> sc2api_pb2.ResponseObservation:
        return self.ask(observation=sc2api_pb2.RequestObservation())

    def debug(self, *commands: debug_pb2.DebugCommand) -> None:
        self.ask(debug=sc2api_pb2.RequestDebug(debug=commands))

    def play(self, map_name: str = "MMM", **fields: Any) -> None:
        """Into a game."""
        assert not self.ask(create_game=create(map_name, **fields)).HasField("error")
        assert self.ask(join_game=join()).player_id == 1
        assert self.response.status == sc2api_pb2.in_game
