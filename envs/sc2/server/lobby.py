"""Before a game: which games can be created, joined and replayed, and by which of its errors the protocol refuses."""

from __future__ import annotations

import secrets

from s2clientprotocol import sc2api_pb2

from envs.battle.snapshots.game_state import AGENTS
from envs.sc2.server.folder import GameFolder
from envs.sc2.server.simulation.maps import read_map
from envs.sc2.server.simulation.replay import Replay, read_replay

CREATE = sc2api_pb2.ResponseCreateGame
JOIN = sc2api_pb2.ResponseJoinGame
START = sc2api_pb2.ResponseStartReplay


class Denied(Exception):
    """A request is refused by an error of its own response.

    Args:
        error: a value of the response's ``Error``.
        details: what arrived, and what is possible.
    """

    def __init__(self, error: int, details: str) -> None:
        super().__init__(details)
        self.error, self.details = error, details


class Refused(Exception):
    """A request is refused for a reason that its response has no error for, in ``Response.error``."""


def checked_create(
    request: sc2api_pb2.RequestCreateGame, folder: GameFolder, saved_maps: dict[str, bytes]
) -> sc2api_pb2.RequestCreateGame:
    """The request with the map's data filled in.

    Raises:
        Denied: no such map, or players that it cannot be played with.
        Refused: a realtime game.
    """
    if request.realtime:
        raise Refused("create_game: realtime games are not possible here; step the game with RequestStep")
    filled = sc2api_pb2.RequestCreateGame()
    filled.CopyFrom(request)
    filled.local_map.map_data = _map_data(request, folder, saved_maps)
    try:
        read_map(filled.local_map.map_data)
    except ValueError as fault:
        raise Denied(CREATE.InvalidMapData, str(fault)) from None
    _check_players(request)
    return filled


def _map_data(request: sc2api_pb2.RequestCreateGame, folder: GameFolder, saved_maps: dict[str, bytes]) -> bytes:
    source = request.WhichOneof("Map")
    if source == "battlenet_map_name":
        raise Denied(CREATE.InvalidMapName, "there are no Battle.net maps here; give local_map")
    path = request.local_map.map_path
    if request.local_map.map_data:
        return request.local_map.map_data
    if not path:
        raise Denied(CREATE.MissingMap, "give local_map with a map_path or with map_data")
    if path in saved_maps:
        return saved_maps[path]
    try:
        return folder.read("Maps", path)
    except FileNotFoundError as fault:
        raise Denied(CREATE.InvalidMapPath, f"map_path {path!r}: {fault}") from None


def _check_players(request: sc2api_pb2.RequestCreateGame) -> None:
    types = [player.type for player in request.player_setup]
    if not types:
        raise Denied(CREATE.MissingPlayerSetup, "give player_setup: a participant and a computer")
    if types.count(sc2api_pb2.Participant) > 1:
        raise Denied(CREATE.MultiplayerUnsupported, "one participant can play, against the map's script")
    if types.count(sc2api_pb2.Participant) != 1 or types.count(sc2api_pb2.Computer) != len(types) - 1 or len(types) > 2:
        raise Denied(CREATE.InvalidPlayerSetup, "give player_setup: one participant and at most one computer")


def seeded(request: sc2api_pb2.RequestCreateGame) -> sc2api_pb2.RequestCreateGame:
    """The request with the seed it names, or else with a fresh one."""
    filled = sc2api_pb2.RequestCreateGame(random_seed=secrets.randbits(32))
    filled.MergeFrom(request)
    return filled


def check_join(request: sc2api_pb2.RequestJoinGame) -> None:
    """Whether one can play with these options.

    Raises:
        Denied: no race, no options, or an interface that is not there.
    """
    participation = request.WhichOneof("participation")
    if participation is None:
        raise Denied(JOIN.MissingParticipation, "give a race")
    if participation == "observed_player_id":
        raise Denied(JOIN.FeatureUnsupported, "one can play here, not look on; give a race")
    if request.HasField("server_ports") or request.client_ports or request.HasField("shared_port"):
        raise Denied(JOIN.FeatureUnsupported, "games of several clients are not possible here; leave out the ports")
    if not request.HasField("options"):
        raise Denied(JOIN.MissingOptions, "give options: InterfaceOptions(raw=True)")
    missing = missing_interface(request.options)
    if missing:
        raise Denied(JOIN.FeatureUnsupported, missing)


def missing_interface(options: sc2api_pb2.InterfaceOptions) -> str:
    """Why these options cannot be had; empty if they can."""
    for name in ("feature_layer", "render"):
        if options.HasField(name):
            return f"the interface {name} is not there; ask for InterfaceOptions(raw=True)"
    return ""


def checked_replay(request: sc2api_pb2.RequestStartReplay, folder: GameFolder) -> Replay:
    """The replay that is asked for.

    Raises:
        Denied: no such replay, or it cannot be played so.
        Refused: in realtime.
    """
    if request.realtime:
        raise Refused("start_replay: realtime is not possible here; step the replay with RequestStep")
    replay = find_replay(request, folder, START)
    if request.map_data:
        raise Denied(START.InvalidMapData, "a replay here brings its map along; leave out map_data")
    if request.observed_player_id not in (0, AGENTS):
        raise Denied(START.InvalidObservedPlayerId, f"player {AGENTS} can be observed, and 0 for everybody")
    if not request.HasField("options"):
        raise Denied(START.MissingOptions, "give options: InterfaceOptions(raw=True)")
    missing = missing_interface(request.options)
    if missing:
        raise Denied(START.LaunchError, missing)
    try:
        replay.check_engine()
    except ValueError as fault:
        raise Denied(START.LaunchError, str(fault)) from None
    return replay


def find_replay(
    request: sc2api_pb2.RequestStartReplay | sc2api_pb2.RequestReplayInfo,
    folder: GameFolder,
    errors: type[sc2api_pb2.ResponseStartReplay] | type[sc2api_pb2.ResponseReplayInfo],
) -> Replay:
    """The replay that a request means, by its data or its path.

    Raises:
        Denied: no such replay; by one of the ``errors`` of the request's response.
    """
    content = request.replay_data
    if not content and not request.replay_path:
        raise Denied(errors.MissingReplay, "give replay_data or replay_path")
    try:
        return read_replay(content or folder.read("Replays", request.replay_path))
    except FileNotFoundError as fault:
        raise Denied(errors.InvalidReplayPath, f"replay_path {request.replay_path!r}: {fault}") from None
    except ValueError as fault:
        raise Denied(errors.InvalidReplayData, str(fault)) from None
