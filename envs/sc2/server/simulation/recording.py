"""Play a replay back as records of the engine, one a game loop, for the pictures of ``envs.render``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from s2clientprotocol import sc2api_pb2

from envs.battle.options import BattleOptions
from envs.sc2.server.game import Playback
from envs.sc2.server.simulation.catalogue import Catalogue
from envs.sc2.server.simulation.maps import Battlefield, read_map
from envs.sc2.server.simulation.replay import Replay
from envs.sc2.server.simulation.world import World

STEP = 8  # loops of an env_step


@dataclass(frozen=True, kw_only=True)
class Caption:
    """Name of the map and counts of the battle at this moment."""

    id: str
    n_agents: int
    n_enemies: int


@dataclass(frozen=True, kw_only=True)
class UnitTypes:
    """Unit types that appear in the replay."""

    ordered_types: tuple[str, ...]
    ally_team: tuple[str, ...] = ()
    enemy_team: tuple[str, ...] = ()


class ReplayRecording:
    """A replay that is being played; an ``envs.render.source.RenderSource``.

    Args:
        replay: to be played once.

    Raises:
        ValueError: the replay was made by another version of the engine.
    """

    def __init__(self, replay: Replay) -> None:
        replay.check_engine()
        self.loops = replay.loops
        battlefield = read_map(replay.create.local_map.map_data)
        self.scenario = UnitTypes(ordered_types=appearing(replay, battlefield))
        self.options = BattleOptions()
        worlds: list[World] = []

        def make(battlefield: Battlefield, seed: int) -> World:
            worlds.append(World(battlefield, seed))
            return worlds[-1]

        self._playback = Playback(replay, sc2api_pb2.InterfaceOptions(), make)
        (self._world,) = worlds
        self.units, self.setup = self._world.field.units, self._world.field.setup

    @property
    def loop(self) -> int:
        """Game loops played so far."""
        return self._world.loop

    @property
    def spec(self) -> Caption:
        """Name and counts."""
        n, m = int(self.setup["n_agents"][0]), int(self.setup["n_enemies"][0])
        return Caption(id=self._world.battlefield.name, n_agents=n, n_enemies=m)

    @property
    def outcome(self) -> str:
        """``won`` or ``lost`` when one side alone lives, as the agents see it; else empty."""
        agents, enemies = (self._world.field.living(owner) > 0 for owner in (1, 2))
        return {(True, False): "won", (False, True): "lost"}.get((agents, enemies), "")

    def frames(self) -> Iterator[NDArray[np.void]]:
        """(1,) copies of the record, one for each loop in which somebody lives."""
        marked, lived = (-1, -1), b""
        while not self._playback.over:
            self._playback.step(1)
            frame: NDArray[np.void] = self._world.field.battles.copy()
            if not self._world.field.alive.any():
                continue
            step = int(frame["tick"][0]) // STEP
            if marked != (int(frame["battle"][0]), step):
                marked, lived = (int(frame["battle"][0]), step), frame["alive"].tobytes()
            frame["step"] = step
            frame["start_alive"] = np.frombuffer(lived, frame["alive"].dtype)
            yield frame


def appearing(replay: Replay, battlefield: Battlefield) -> tuple[str, ...]:
    """The unit types of the map's own script and of all that a client created."""
    opening, catalogue = battlefield.opening, Catalogue(battlefield)
    kinds = dict.fromkeys(opening.ally_team + opening.enemy_team if opening else ())
    for _, request in replay.acts:
        for command in request.debug.debug:
            if command.HasField("create_unit"):
                try:
                    kinds[catalogue.kind_of(command.create_unit.unit_type)[0]] = None
                except ValueError:
                    continue  # the game refused it as well
    return tuple(sorted(kinds))
