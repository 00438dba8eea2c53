"""Play a replay back as records of the engine, one a game loop, for the pictures of ``envs.render``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from s2clientprotocol import sc2api_pb2

from envs.sc2.server.game import Playback
from envs.sc2.server.simulation.catalogue import Catalogue
from envs.sc2.server.simulation.replay import Replay

STEP = 8  # loops of an env_step


class ReplayRecording:
    """A replay that is being played; an ``envs.render.scene.RenderSource``.

    Args:
        replay: to be played once.

    Raises:
        ValueError: the replay was made by another version of the engine.
    """

    def __init__(self, replay: Replay) -> None:
        replay.check_engine()
        self.loops = replay.loops
        self._playback = Playback(replay, sc2api_pb2.InterfaceOptions())
        self._world = self._playback.world
        self.title = self._world.battlefield.name
        self.shown_types = appearing(replay, self._world.catalogue)
        self.units, self.setup = self._world.field.units, self._world.field.setup

    @property
    def loop(self) -> int:
        """Game loops played so far."""
        return self._world.loop

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
            self.setup = self._world.field.setup.copy()  # the next battle, or units that join, change the field's own
            step = int(frame["tick"][0]) // STEP
            if marked != (int(frame["battle"][0]), step):
                marked, lived = (int(frame["battle"][0]), step), frame["alive"].tobytes()
            frame["step"] = step
            frame["start_alive"] = np.frombuffer(lived, frame["alive"].dtype)
            yield frame


def appearing(replay: Replay, catalogue: Catalogue) -> tuple[str, ...]:
    """The unit types of the map's own script and of all that a client created."""
    opening = catalogue.battlefield.opening
    kinds = dict.fromkeys(opening.ally_team + opening.enemy_team if opening else ())
    for _, request in replay.acts:
        for command in request.debug.debug:
            if command.HasField("create_unit"):
                try:
                    kinds[catalogue.kind_of(command.create_unit.unit_type)[0]] = None
                except ValueError:
                    continue  # the game refused it as well
    return tuple(sorted(kinds))
