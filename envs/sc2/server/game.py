"""One game from join to leave: the world, who plays it, what is reported back, and the log that repeats it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from s2clientprotocol import debug_pb2, error_pb2, sc2api_pb2, score_pb2

from envs.battle.snapshots.game_state import AGENTS, ENEMIES
from envs.battle.state import TICKS_PER_SECOND
from envs.sc2.server.folder import VERSION_FIELDS
from envs.sc2.server.messages import info
from envs.sc2.server.simulation.maps import Battlefield, read_map
from envs.sc2.server.simulation.replay import Log, Replay
from envs.sc2.server.simulation.world import World

WorldMaker: TypeAlias = Callable[[Battlefield, int], World]
"""Builds the world of a battlefield and a seed."""

OUTCOMES: dict[int, dict[int, int]] = {
    debug_pb2.DebugEndGame.Surrender: {AGENTS: sc2api_pb2.Defeat, ENEMIES: sc2api_pb2.Victory},
    debug_pb2.DebugEndGame.DeclareVictory: {AGENTS: sc2api_pb2.Victory, ENEMIES: sc2api_pb2.Defeat},
}
PROCESS = ("test_process",)
"""Debug commands about the process rather than the game; they leave no trace in a replay."""


class Game:
    """A running game of player 1 against what the map's script commands.

    Args:
        create: with map data and a seed.
        join: race and options of player 1.
        make_world: builds the world of a battlefield and a seed.

    Raises:
        ValueError: the map cannot be read.
    """

    def __init__(
        self, create: sc2api_pb2.RequestCreateGame, join: sc2api_pb2.RequestJoinGame, make_world: WorldMaker = World
    ) -> None:
        self.create, self.join, self.options = create, join, join.options
        self.world = make_world(read_map(create.local_map.map_data), create.random_seed)
        self.results: dict[int, int] = {}
        """Results by player id; empty while the game goes on."""
        self._log = Log(create, join)
        self._news = sc2api_pb2.ResponseObservation()
        self._data: dict[tuple[bool, bool], sc2api_pb2.ResponseData] = {}

    @property
    def over(self) -> bool:
        """Whether the game has ended."""
        return bool(self.results)

    def step(self, count: int) -> sc2api_pb2.ResponseStep:
        """Advance by so many game loops."""
        self.world.step(count)
        return sc2api_pb2.ResponseStep(simulation_loop=self.world.loop)

    def act(self, request: sc2api_pb2.RequestAction) -> sc2api_pb2.ResponseAction:
        """Give orders; each gets a result code, and those that were taken show in the next observation."""
        self._log.write(self.world.loop, sc2api_pb2.Request(action=request))
        results: list[Any] = [self._act(action) for action in request.actions]
        for action, result in zip(request.actions, results, strict=True):
            if result == error_pb2.Success:
                self._news.actions.add(game_loop=self.world.loop).MergeFrom(action)
        return sc2api_pb2.ResponseAction(result=results)

    def debug(self, commands: Sequence[debug_pb2.DebugCommand]) -> list[str]:
        """Create and kill units, end the game; return one line for each command that is refused, and do the rest."""
        commands = [command for command in commands if command.WhichOneof("command") not in PROCESS]
        self._log.write(self.world.loop, sc2api_pb2.Request(debug=sc2api_pb2.RequestDebug(debug=commands)))
        ends = [command.end_game.end_result for command in commands if command.HasField("end_game")]
        refusals = self.world.debug([command for command in commands if not command.HasField("end_game")])
        if ends:
            self.results = OUTCOMES[ends[0]]
        return refusals

    def observe(self) -> sc2api_pb2.ResponseObservation:
        """The moment, and what was done since it was last asked for."""
        response, self._news = self._news, sc2api_pb2.ResponseObservation()
        response.observation.CopyFrom(self.world.observation())
        if not self.options.raw:
            response.observation.ClearField("raw_data")
        if self.options.score and not response.observation.HasField("score"):
            response.observation.score.CopyFrom(score_pb2.Score(score_type=score_pb2.Score.Curriculum, score=0))
        response.player_result.extend(_results(self.results))
        return response

    def info(self) -> sc2api_pb2.ResponseGameInfo:
        """The map and the players."""
        return sc2api_pb2.ResponseGameInfo(
            map_name=self.world.battlefield.name,
            local_map_path=self.create.local_map.map_path,
            mod_names=["Mods/Liberty.SC2Mod"],
            player_info=info.players(self.create, self.join),
            start_raw=info.start_raw(self.world.battlefield),
            options=self.options,
        )

    def data(self, request: sc2api_pb2.RequestData) -> sc2api_pb2.ResponseData:
        """The rules; SMACv2 asks for them at every reset."""
        asked = (request.ability_id, request.unit_type_id)
        if asked not in self._data:
            self._data[asked] = info.data(request, self.world.catalogue)
        return self._data[asked]

    def save(self) -> bytes:
        """The replay file of the game so far."""
        return self._log.save(self.world.loop, self.results)

    def _act(self, action: sc2api_pb2.Action) -> int:
        """Chat is heard by oneself; the interfaces beside the raw one were not asked for, as they do not exist."""
        if action.HasField("action_raw"):
            return self.world.act(action.action_raw)
        if not action.HasField("action_chat"):
            return error_pb2.NotSupported
        self._news.chat.add(player_id=AGENTS, message=action.action_chat.message)
        return error_pb2.Success


class Playback(Game):
    """A game that repeats itself from a replay.

    Args:
        replay: of this very version of the engine.
        options: what observations shall hold.
        make_world: builds the world of a battlefield and a seed.
    """

    def __init__(self, replay: Replay, options: sc2api_pb2.InterfaceOptions, make_world: WorldMaker = World) -> None:
        super().__init__(replay.create, replay.join, make_world)
        self.options = options
        self._replay = replay
        self._next = 0
        self._catch_up()

    @property
    def over(self) -> bool:
        """Whether all of the replay was played."""
        return self.world.loop >= self._replay.loops

    def step(self, count: int) -> sc2api_pb2.ResponseStep:
        """Advance by so many game loops, at most to the end."""
        world, acts = self.world, self._replay.acts
        goal = min(world.loop + count, self._replay.loops)
        while world.loop < goal:
            upcoming = acts.loop(self._next) if self._next < len(acts) else goal
            world.step(min(upcoming, goal) - world.loop)
            self._catch_up()
        if self.over:
            self.results = self._replay.results
        return sc2api_pb2.ResponseStep(simulation_loop=world.loop)

    def _catch_up(self) -> None:
        """Repeat the requests that came at this loop."""
        acts = self._replay.acts
        while self._next < len(acts) and acts.loop(self._next) <= self.world.loop:
            _, request = acts[self._next]
            self._next += 1
            if request.HasField("action"):
                self.act(request.action)
            else:
                self.debug(request.debug.debug)


def _results(results: dict[int, Any]) -> list[sc2api_pb2.PlayerResult]:
    return [sc2api_pb2.PlayerResult(player_id=player, result=result) for player, result in results.items()]


def replay_info(replay: Replay) -> sc2api_pb2.ResponseReplayInfo:
    """Return players, map and length of a replay."""
    players = info.players(replay.create, replay.join)
    outcomes = {result.player_id: result for result in _results(replay.results)}
    return sc2api_pb2.ResponseReplayInfo(
        map_name=read_map(replay.create.local_map.map_data).name,
        local_map_path=replay.create.local_map.map_path,
        player_info=[
            sc2api_pb2.PlayerInfoExtra(player_info=player, player_result=outcomes.get(player.player_id))
            for player in players
        ],
        game_duration_loops=replay.loops,
        game_duration_seconds=replay.loops / TICKS_PER_SECOND,
        **VERSION_FIELDS,
    )
