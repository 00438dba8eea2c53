"""The protocol's state machine: a request's bytes in, a response's bytes out.

Every message is answered: malformed or out-of-order requests get ``Response.error``, requests that cannot be carried
out the error of their own response. Which request is possible when is the table ``POSSIBLE``.

Source: docs/protocol.md of Blizzard's s2client-proto; where it is silent, what ``pysc2``'s client expects.
"""

from __future__ import annotations

from typing import Any, NoReturn

from google.protobuf.message import DecodeError
from s2clientprotocol import debug_pb2, sc2api_pb2

from envs.battle.snapshots.game_state import AGENTS
from envs.sc2.server.folder import VERSION_FIELDS, GameFolder
from envs.sc2.server.game import Game, Playback, WorldMaker, replay_info
from envs.sc2.server.lobby import Denied, Refused, check_join, checked_create, checked_replay, find_replay, seeded
from envs.sc2.server.simulation.maps import read_map
from envs.sc2.server.simulation.replay import read_request
from envs.sc2.server.simulation.world import World

LAUNCHED, INIT_GAME, IN_GAME, IN_REPLAY, ENDED = (
    sc2api_pb2.launched,
    sc2api_pb2.init_game,
    sc2api_pb2.in_game,
    sc2api_pb2.in_replay,
    sc2api_pb2.ended,
)
ALWAYS = (LAUNCHED, INIT_GAME, IN_GAME, IN_REPLAY, ENDED)
AT_PLAY = (IN_GAME, IN_REPLAY)
POSSIBLE: dict[str, tuple[sc2api_pb2.Status.ValueType, ...]] = {
    "ping": ALWAYS,
    "available_maps": ALWAYS,
    "replay_info": ALWAYS,
    "quit": ALWAYS,
    "create_game": ALWAYS,
    "save_map": (LAUNCHED, INIT_GAME),
    "join_game": (INIT_GAME,),
    "restart_game": (IN_GAME, ENDED),
    "start_replay": (LAUNCHED, IN_GAME, IN_REPLAY, ENDED),
    "leave_game": (*AT_PLAY, ENDED),
    "game_info": (*AT_PLAY, ENDED),
    "data": (*AT_PLAY, ENDED),
    "observation": (*AT_PLAY, ENDED),
    "save_replay": (IN_GAME, ENDED),
    "query": AT_PLAY,
    "step": AT_PLAY,
    "action": (IN_GAME,),
    "debug": (IN_GAME,),
    "map_command": (IN_GAME,),
    "obs_action": (IN_REPLAY,),
    "quick_save": (IN_GAME,),
    "quick_load": (IN_GAME,),
}
"""Statuses in which a request is answered."""
HAS_ENDED = "Game has already ended"
"""Text that clients look for in the error after an end."""
MOST_LOOPS = 1 << 16
"""Game loops of one step, over an hour of the game: a client that asks for more has miscounted."""
MOST_SAVED_MAPS = 64


class Session:
    """State of one process of the game.

    Args:
        folder: maps and replays that clients may name.
        make_world: builds the world of a battlefield and a seed.
    """

    def __init__(self, folder: GameFolder, make_world: WorldMaker = World) -> None:
        self.status: sc2api_pb2.Status.ValueType = LAUNCHED
        self.process_test: debug_pb2.DebugTestProcess | None = None
        """The process test (hang, crash, exit) that a client asked for; the server carries it out."""
        self._folder, self._make_world = folder, make_world
        self._saved_maps: dict[str, bytes] = {}
        self._created = sc2api_pb2.RequestCreateGame()
        self._game: Game | None = None

    def answer(self, message: bytes) -> bytes:
        """The response to a request, both as they go over the wire; never raises."""
        response = sc2api_pb2.Response()
        try:
            request = read_request(message)
        except DecodeError:
            response.error.append(f"these {len(message)} bytes are no Request of the SC2 API")
        else:
            if request.HasField("id"):
                response.id = request.id
            self._handle(request, response)
        response.status = self.status
        return response.SerializeToString()

    def _handle(self, request: sc2api_pb2.Request, response: sc2api_pb2.Response) -> None:
        kind = str(request.WhichOneof("request"))
        try:
            self._check_order(kind)
            answer = getattr(self, f"_{kind}")(getattr(request, kind))
        except Refused as refusal:
            response.error.append(str(refusal))
        except Denied as denial:
            reply = getattr(response, kind)
            reply.error = denial.error
            if hasattr(reply, "error_details"):
                reply.error_details = denial.details
        else:
            reply = getattr(response, kind)
            reply.SetInParent()
            if answer is not None:
                reply.MergeFrom(answer)

    def _check_order(self, kind: str) -> None:
        if kind not in POSSIBLE:
            raise Refused(f"the request asks for nothing; possible: {', '.join(POSSIBLE)}")
        possible = POSSIBLE[kind]
        if self.status in possible:
            return
        if self.status == ENDED and IN_GAME in possible:
            raise Refused(HAS_ENDED)
        now, then = sc2api_pb2.Status.Name(self.status), ", ".join(map(sc2api_pb2.Status.Name, possible))
        raise Refused(f"{kind} is not possible while the status is {now}; it is in {then}")

    @property
    def _running(self) -> Game:
        assert self._game is not None, "the table of statuses lets no request for a game pass without one"
        return self._game

    # Always

    def _ping(self, request: sc2api_pb2.RequestPing) -> sc2api_pb2.ResponsePing:
        return sc2api_pb2.ResponsePing(**VERSION_FIELDS)

    def _available_maps(self, request: sc2api_pb2.RequestAvailableMaps) -> sc2api_pb2.ResponseAvailableMaps:
        return sc2api_pb2.ResponseAvailableMaps(local_map_paths=self._folder.maps())

    def _replay_info(self, request: sc2api_pb2.RequestReplayInfo) -> sc2api_pb2.ResponseReplayInfo:
        return replay_info(find_replay(request, self._folder, sc2api_pb2.ResponseReplayInfo))

    def _quit(self, request: sc2api_pb2.RequestQuit) -> None:
        self.status = sc2api_pb2.quit

    # Into a game and out of it

    def _save_map(self, request: sc2api_pb2.RequestSaveMap) -> None:
        full = len(self._saved_maps) >= MOST_SAVED_MAPS and request.map_path not in self._saved_maps
        if full or not request.map_path:
            raise Denied(sc2api_pb2.ResponseSaveMap.InvalidMapData, "")
        try:
            read_map(request.map_data)
        except ValueError:
            raise Denied(sc2api_pb2.ResponseSaveMap.InvalidMapData, "") from None
        self._saved_maps[request.map_path] = request.map_data

    def _create_game(self, request: sc2api_pb2.RequestCreateGame) -> None:
        self._created = checked_create(request, self._folder, self._saved_maps)
        self._game = None
        self.status = INIT_GAME

    def _join_game(self, request: sc2api_pb2.RequestJoinGame) -> sc2api_pb2.ResponseJoinGame:
        check_join(request)
        self._begin(request)
        return sc2api_pb2.ResponseJoinGame(player_id=AGENTS)

    def _restart_game(self, request: sc2api_pb2.RequestRestartGame) -> None:
        if isinstance(self._game, Playback):
            raise Denied(sc2api_pb2.ResponseRestartGame.LaunchError, "a replay is no game; start it again")
        self._begin(self._running.join)

    def _begin(self, join: sc2api_pb2.RequestJoinGame) -> None:
        self._game = Game(seeded(self._created), join, self._make_world)
        self.status = IN_GAME

    def _start_replay(self, request: sc2api_pb2.RequestStartReplay) -> None:
        replay = checked_replay(request, self._folder)
        self._game = Playback(replay, request.options, self._make_world)
        self.status = ENDED if self._game.over else IN_REPLAY

    def _leave_game(self, request: sc2api_pb2.RequestLeaveGame) -> None:
        self._game = None
        self.status = LAUNCHED

    # In a game

    def _game_info(self, request: sc2api_pb2.RequestGameInfo) -> sc2api_pb2.ResponseGameInfo:
        return self._running.info()

    def _data(self, request: sc2api_pb2.RequestData) -> sc2api_pb2.ResponseData:
        return self._running.data(request)

    def _observation(self, request: sc2api_pb2.RequestObservation) -> sc2api_pb2.ResponseObservation:
        return self._running.observe()

    def _query(self, request: Any) -> Any:
        return self._running.world.query(request)

    def _step(self, request: sc2api_pb2.RequestStep) -> sc2api_pb2.ResponseStep:
        count = request.count if request.HasField("count") else 1
        if count > MOST_LOOPS:
            raise Refused(f"step: count is {count}, at most {MOST_LOOPS} game loops can be played by one request")
        answer = self._running.step(count)
        if self._running.over:
            self.status = ENDED
        return answer

    def _action(self, request: sc2api_pb2.RequestAction) -> sc2api_pb2.ResponseAction:
        return self._running.act(request)

    def _obs_action(self, request: sc2api_pb2.RequestObserverAction) -> None:
        """Cameras move, and nobody draws what they see."""

    def _debug(self, request: sc2api_pb2.RequestDebug) -> None:
        for command in request.debug:
            if command.HasField("test_process"):
                self.process_test = command.test_process
        refusals = self._running.debug(request.debug)
        if self._running.over:
            self.status = ENDED
        if refusals:
            raise Refused("debug: " + "; ".join(refusals))

    def _map_command(self, request: sc2api_pb2.RequestMapCommand) -> NoReturn:
        raise Denied(
            sc2api_pb2.ResponseMapCommand.NoTriggerError, f"the maps here have no trigger {request.trigger_cmd!r}"
        )

    def _save_replay(self, request: sc2api_pb2.RequestSaveReplay) -> sc2api_pb2.ResponseSaveReplay:
        if isinstance(self._game, Playback):
            raise Refused("save_replay: a replay is playing, not a game; its file is there already")
        return sc2api_pb2.ResponseSaveReplay(data=self._running.save())

    def _quick_save(self, request: sc2api_pb2.RequestQuickSave) -> NoReturn:
        raise Refused("quick_save is not supported; save_replay keeps a game")

    def _quick_load(self, request: sc2api_pb2.RequestQuickLoad) -> NoReturn:
        raise Refused("quick_load is not supported; start_replay plays a game again")
