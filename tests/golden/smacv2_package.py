"""Drive smacv2's own environment on game states of ours: its code unmodified, the game replaced by a puppet.

The package talks to the game through pysc2 and s2clientprotocol. Here these modules are shells: messages are plain
records, and the controller shows the units that it was given. So every number comes from smacv2's Python code.
"""

from __future__ import annotations

import enum
import random
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from envs.battle import rng
from envs.battle.options import BattleOptions
from envs.battle.scenarios import Scenario
from envs.battle.terrain import pathable
from envs.battle.units import facts

# Unit ids of the unmodified game, which enemies carry (Blizzard's stableid.json).
STOCK_IDS = {
    "Terran": {"Marine": 48, "Marauder": 51, "Medivac": 54},
    "Protoss": {"Colossus": 4, "Zealot": 73, "Stalker": 74},
    "Zerg": {"Baneling": 9, "Zergling": 105, "Hydralisk": 107},
}
ENEMY_IDS = {name.lower(): number for race in STOCK_IDS.values() for name, number in race.items()}
# The maps append nine copies for the agents, in alphabetical order, to the catalogue; how long it is does not matter.
CATALOGUE = 1970
ALLY_IDS = {name: CATALOGUE - 9 + i for i, name in enumerate(sorted(ENEMY_IDS))}
OURS_ONLY = ("rules", "max_reward_from", "illegal_actions", "unit_order", "enemy_medivacs")
MAP_SIZE = 32


class Message:
    """A protocol message: keeps the fields that it was given; all others are empty messages."""

    def __init__(self, *_: Any, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Message()

    def __call__(self, *_: Any, **__: Any) -> Message:
        return Message()


class Shell(types.ModuleType):
    """A module in which every name is a message class."""

    __path__: list[str] = []  # noqa: RUF012  # a package: submodules can be imported from it

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Message


class Game:
    """The controller: ``coming`` are the units that it shows after the next step."""

    def __init__(self) -> None:
        self.shown: list[SimpleNamespace] = []
        self.coming: list[SimpleNamespace] = []
        self.killed = False

    def debug(self, commands: Any) -> None:
        if isinstance(commands, list) and any("kill_unit" in vars(command) for command in commands):
            self.killed = True

    def step(self, _: int) -> None:
        self.shown = [] if self.killed else self.coming
        self.killed = False

    def observe(self) -> SimpleNamespace:
        return SimpleNamespace(observation=SimpleNamespace(raw_data=SimpleNamespace(units=list(self.shown))))

    def game_info(self) -> SimpleNamespace:
        """The flat map, its grid as the game packs it: one bit a cell, from the bottom left."""
        ground = np.packbits(pathable("flat")).tobytes()
        raw = SimpleNamespace(
            map_size=SimpleNamespace(x=MAP_SIZE, y=MAP_SIZE),
            playable_area=SimpleNamespace(p0=SimpleNamespace(x=0, y=0), p1=SimpleNamespace(x=MAP_SIZE, y=MAP_SIZE)),
            pathing_grid=SimpleNamespace(bits_per_pixel=1, data=ground),
            terrain_height=SimpleNamespace(data=bytes(MAP_SIZE * MAP_SIZE)),
        )
        return SimpleNamespace(start_raw=raw)

    def data(self) -> SimpleNamespace:
        return SimpleNamespace(units=range(CATALOGUE))

    def actions(self, _: Any) -> None:
        """What the orders lead to is played by our engine."""

    def create_game(self, _: Any) -> None:
        """Nothing to prepare."""

    def join_game(self, _: Any) -> None:
        """Nothing to join."""


def import_package(source: Path) -> Any:
    """The class StarCraft2Env of the sources in this folder, with shells for what it needs of the game.

    Raises:
        ValueError: the folder holds no smacv2.
    """
    if not (source / "smacv2" / "env" / "starcraft2" / "starcraft2.py").exists():
        raise ValueError(f"{source} holds no folder smacv2; give the root of a checkout of oxwhirl/smacv2")
    names = ["absl", "pysc2", "pysc2.maps", "pysc2.lib", "pysc2.lib.units", "pysc2.lib.protocol", "s2clientprotocol"]
    names += [f"s2clientprotocol.{part}_pb2" for part in ("common", "sc2api", "raw", "debug")]
    shells = {name: Shell(name) for name in names}
    for race, ids in STOCK_IDS.items():
        setattr(shells["pysc2.lib.units"], race, enum.IntEnum(race, ids))
    for error in ("ProtocolError", "ConnectionError"):
        setattr(shells["pysc2.lib.protocol"], error, type(error, (Exception,), {}))
    setattr(shells["pysc2.maps"], "lib", SimpleNamespace(Map=object))  # noqa: B010  # no declared attribute
    setattr(shells["absl"], "flags", SimpleNamespace(FLAGS=lambda _: None))  # noqa: B010
    sys.modules.update(shells)
    for name, shell in shells.items():
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(shells[parent], child, shell)
    sys.path.insert(0, str(source))
    from smacv2.env.starcraft2.starcraft2 import StarCraft2Env  # type: ignore[import-not-found]

    return StarCraft2Env


def build(package: Any, scenario: Scenario, options: BattleOptions) -> Any:
    """smacv2's environment of this scenario, its game a puppet."""
    given = {name: value for name, value in asdict(options).items() if name not in OURS_ONLY}
    counts = dict(n_units=scenario.n_agents, n_enemies=scenario.n_enemies)
    abilities = {**counts, "team_gen": {**counts, "observe": True}, "start_positions": {**counts}}
    # ``continuing_episode`` makes smacv2 say when the limit ended the battle, and changes nothing else.
    env = package(map_name=f"10gen_{scenario.race}", capability_config=abilities, continuing_episode=True, **given)
    env.episode_limit = scenario.episode_limit
    game = Game()
    process = SimpleNamespace(controller=game, close=lambda: None)
    launcher = SimpleNamespace(version="", start=lambda **_: process, map_data=lambda _: b"")
    module = sys.modules[package.__module__]
    module.run_configs = SimpleNamespace(get=lambda **_: launcher)  # type: ignore[attr-defined]
    env.puppet = game
    return env


def raw_units(battle: np.void, units: np.void, n_agents: int, n_units: int) -> list[SimpleNamespace]:
    """The living units as the game reports them: allies with the ids of the map's copies, enemies with stock ids."""
    names = list(facts())
    reported = []
    for i in np.flatnonzero(battle["alive"][:n_units]):
        kind = int(battle["kind"][i])
        ally = i < n_agents
        unit = SimpleNamespace(
            tag=1000 + int(i),
            owner=1 if ally else 2,
            unit_type=(ALLY_IDS if ally else ENEMY_IDS)[names[kind]],
            pos=SimpleNamespace(x=float(battle["x"][i]), y=float(battle["y"][i]), z=0.0),
            health=float(battle["hp"][i]),
            health_max=float(units["hp"][kind]),
            shield=float(battle["shield"][i]),
            shield_max=float(units["shield"][kind]),
            energy=float(battle["energy"][i]),
            weapon_cooldown=float(battle["cooldown"][i]),
        )
        reported.append(unit)
    return reported


def reset(env: Any, seen: list[SimpleNamespace], names: list[str], n_agents: int) -> tuple[Any, Any]:
    """Begin a battle in which these units appear; returns the observations and the state."""
    env.puppet.coming = seen
    places = {
        f"{side}_start_positions": {"item": np.zeros((count, 2))}
        for side, count in (("ally", n_agents), ("enemy", len(names) - n_agents))
    }
    teams = {"ally_team": names[:n_agents], "enemy_team": names[n_agents:]}
    return env.reset({"team_gen": teams, **places})


def step(env: Any, seen: list[SimpleNamespace], actions: NDArray[np.int64]) -> tuple[float, bool, dict[str, Any]]:
    """smacv2's own step, after which the game shows these units."""
    env.puppet.coming = seen
    return env.step(actions)


@contextmanager
def same_draws(env: Any, key: Any) -> Iterator[None]:
    """Agents observed in index order, and each draw of smacv2 the one that our engine makes for the same question."""

    def draw() -> float:
        asked = sys._getframe(1).f_locals
        count = env._episode_steps * 65536 + asked["e_id"] * 256 + asked["a_id"]
        return float(rng.uniform(key, rng.SIGHTING, asked["agent_id"], count))

    with mock.patch.object(random, "shuffle", return_value=None), mock.patch.object(np.random, "rand", draw):
        yield
