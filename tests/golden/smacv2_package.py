"""Drive smacv2's own environment on game states of ours: its code unmodified, the game replaced by a puppet.

The package talks to the game through pysc2 and s2clientprotocol. Here these modules are shells: messages are plain
records, and the controller shows the units that it was given. So every number comes from smacv2's Python code. Two of
its methods are replaced where they would raise, see ``repaired``.
"""

from __future__ import annotations

import enum
import random
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from envs.battle import readings
from envs.battle.basics import rng
from envs.battle.options import BattleOptions
from envs.battle.scenarios import TYPE_ORDER
from envs.battle.snapshots.game_state import Memory
from envs.battle.unit_types import facts
from tests.golden.families import Family

# Unit ids of the unmodified game, which enemies carry (Blizzard's stableid.json).
STOCK_IDS = {
    "Terran": {"marine": 48, "marauder": 51, "medivac": 54},
    "Protoss": {"colossus": 4, "zealot": 73, "stalker": 74},
    "Zerg": {"baneling": 9, "zergling": 105, "hydralisk": 107, "spine_crawler": 98},
}
ENEMY_IDS = {name: number for race in STOCK_IDS.values() for name, number in race.items()}
# The maps append nine copies for the agents, in alphabetical order, to the catalogue; how long it is does not matter.
CATALOGUE = 1970
OURS_ONLY = ("rules", "max_reward_from", "illegal_actions", *readings.NAMES)
# What our options say of the package's capability_config.
CAPABILITY_OPTIONS = (
    *("stochastic_attack", "attack_lower_bound", "attack_upper_bound", "observe_attack_probs"),
    *("stochastic_health", "health_lower_bound", "health_upper_bound", "observe_teammate_health"),
    *("observe_teammate_types", "mask_enemies", "mask_probability"),
)
MAP_SIZE = 32
NO_COMMAND, STOP, MOVE, ATTACK, HEAL = 0, 1, 2, 3, 4
COMMANDS = {4: STOP, 16: MOVE, 23: ATTACK, 386: HEAL}  # by the game's ability id
FIRST_TAG = 1000


def ally_ids(family: Family) -> dict[str, int]:
    """Unit ids of the agents: a map appends copies of the units that it needs, in alphabetical order."""
    names = sorted(family.scenario.unit_types if family.smac_map else chain(*TYPE_ORDER.values()))
    return {name: CATALOGUE - len(names) + i for i, name in enumerate(names)}


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
    """The controller: ``coming`` are the units that it shows after the next step.

    Args:
        pathable: (32, 32) of 0 and 1, from the bottom left.
        height: (32, 32) bytes, from the bottom left.
    """

    def __init__(self, pathable: NDArray[Any], height: NDArray[Any]) -> None:
        self.grids = np.packbits(pathable.astype(np.uint8)).tobytes(), height.astype(np.uint8).tobytes()
        self.commands: dict[int, tuple[int, int]] = {}
        self.shown: list[SimpleNamespace] = []
        self.coming: list[SimpleNamespace] = []
        self.killed = False
        self.doomed: list[int] = []

    def debug(self, commands: Any) -> None:
        """Keep the units that it must kill; only the death of all of them, which begins a battle, shows at once."""
        if isinstance(commands, list) and "kill_unit" in vars(commands[0]):
            tags = set(commands[0].kill_unit.tag)
            self.doomed = sorted(tag - FIRST_TAG for tag in tags)
            self.killed = tags == {unit.tag for unit in self.shown}

    def step(self, _: int) -> None:
        self.shown = [] if self.killed else self.coming
        self.killed = False

    def observe(self) -> SimpleNamespace:
        return SimpleNamespace(observation=SimpleNamespace(raw_data=SimpleNamespace(units=list(self.shown))))

    def game_info(self) -> SimpleNamespace:
        """The grids as the game packs them: one bit and one byte a cell."""
        ground, height = self.grids
        raw = SimpleNamespace(
            map_size=SimpleNamespace(x=MAP_SIZE, y=MAP_SIZE),
            playable_area=SimpleNamespace(p0=SimpleNamespace(x=0, y=0), p1=SimpleNamespace(x=MAP_SIZE, y=MAP_SIZE)),
            pathing_grid=SimpleNamespace(bits_per_pixel=1, data=ground),
            terrain_height=SimpleNamespace(data=height),
        )
        return SimpleNamespace(start_raw=raw)

    def data(self) -> SimpleNamespace:
        return SimpleNamespace(units=range(CATALOGUE))

    def actions(self, request: Any) -> None:
        """Keep what is sent, by unit number; what it leads to is played by our engine."""
        self.commands = {}
        for action in request.actions:
            sent = vars(action.action_raw.unit_command)
            (tag,) = sent["unit_tags"]
            target = sent.get("target_unit_tag", FIRST_TAG - 1) - FIRST_TAG
            self.commands[tag - FIRST_TAG] = COMMANDS[sent["ability_id"]], target

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
        members = {name.title().replace("_", ""): number for name, number in ids.items()}
        setattr(shells["pysc2.lib.units"], race, enum.IntEnum(race, members))
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


def repaired(package: Any) -> Any:
    """The class with two methods that would raise replaced.

    ``build_state_feature_names`` refuses ``obs_instead_of_state``, so that the package cannot be built with an option
    of its own. ``get_unit_type_id`` lost an ``else`` on the way from SMAC: on SMAC's maps it gives agents the numbers
    that are meant for enemies. Here it does what SMAC's does.
    """

    class Repaired(package):
        def build_state_feature_names(self) -> list[str]:
            return [] if self.obs_instead_of_state else super().build_state_feature_names()

        def get_unit_type_id(self, unit: Any, ally: bool) -> int:
            if ally and not self.map_type.endswith("_gen"):
                return unit.unit_type - self._min_unit_type
            return super().get_unit_type_id(unit, ally)

    return Repaired


def capability_config(family: Family, options: BattleOptions) -> dict[str, Any]:
    """Return the package's settings of capabilities; the draws come with each reset."""
    counts = dict(n_units=family.scenario.n_agents, n_enemies=family.scenario.n_enemies)
    config: dict[str, Any] = {}
    if not family.smac_map:
        config = {**counts, "team_gen": {**counts, "observe": options.observe_teammate_types}, "start_positions": {}}
    if options.stochastic_attack:
        config["attack"] = {"observe": options.observe_attack_probs}
    if options.stochastic_health:
        config["health"] = {"observe": options.observe_teammate_health}
    if options.mask_enemies:
        config["enemy_mask"] = {}
    return config


def construct(package: Any, family: Family, **arguments: Any) -> Any:
    """smacv2's environment of this family; no game runs yet."""
    scenario, options = family.scenario, BattleOptions(**family.options)
    given = {name: value for name, value in asdict(options).items() if name not in (*OURS_ONLY, *CAPABILITY_OPTIONS)}
    # ``continuing_episode`` makes smacv2 say when the limit ended the battle, and changes nothing else.
    given |= dict(continuing_episode=True, move_amount=family.options.get("move_amount", 2))
    env = package(
        map_name=family.smac_map or f"10gen_{scenario.race}",
        capability_config=capability_config(family, options),
        **given,
        **arguments,
    )
    env.episode_limit = scenario.episode_limit
    return env


def build(package: Any, family: Family, pathable: NDArray[Any], height: NDArray[Any]) -> Any:
    """smacv2's environment of this family, its game a puppet on these grids."""
    env = construct(repaired(package), family)
    game = Game(pathable, height)
    process = SimpleNamespace(controller=game, close=lambda: None)
    launcher = SimpleNamespace(version="", start=lambda **_: process, map_data=lambda _: b"")
    module = sys.modules[package.__module__]
    module.run_configs = SimpleNamespace(get=lambda **_: launcher)  # type: ignore[attr-defined]
    env.puppet = game
    return env


def raw_units(battle: np.void, units: np.void, family: Family) -> list[SimpleNamespace]:
    """The living units as the game reports them: allies with the ids of the map's copies, enemies with stock ids."""
    names, own_ids = list(facts()), ally_ids(family)
    n_agents, n_units = family.scenario.n_agents, family.scenario.n_agents + family.scenario.n_enemies
    reported = []
    for i in np.flatnonzero(battle["alive"][:n_units]):
        kind = int(battle["kind"][i])
        ally = i < n_agents
        unit = SimpleNamespace(
            tag=FIRST_TAG + int(i),
            owner=1 if ally else 2,
            unit_type=(own_ids if ally else ENEMY_IDS)[names[kind]],
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


def drawn_capabilities(memory: Memory) -> dict[str, Any]:
    """Return the battle's draws as a reset takes them."""
    drawn = dict(attack=memory.attack_probability, health=memory.health_level, enemy_mask=memory.enemy_mask)
    return {name: {"item": item} for name, item in drawn.items() if item is not None}


def reset(env: Any, family: Family, seen: list[SimpleNamespace], names: list[str], memory: Memory) -> tuple[Any, Any]:
    """Begin a battle in which these units, of these types, appear with these draws; returns observations and state."""
    env.puppet.coming = seen
    config = drawn_capabilities(memory)
    if family.smac_map:
        env.puppet.shown = env.puppet.shown or seen  # such a map has made its units before anybody looks
    else:
        n_agents, n_enemies = family.scenario.n_agents, family.scenario.n_enemies
        config["team_gen"] = {"ally_team": names[:n_agents], "enemy_team": names[n_agents:]}
        for side, count in (("ally", n_agents), ("enemy", n_enemies)):
            config[f"{side}_start_positions"] = {"item": np.zeros((count, 2))}
    return env.reset(config)


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

    def draw_attack() -> float:
        asked = sys._getframe(1).f_locals
        return float(rng.uniform(key, rng.ATTACK_FAILS, asked["a_id"], env._episode_steps))

    generator = SimpleNamespace(uniform=draw_attack)
    with (
        mock.patch.object(random, "shuffle", return_value=None),
        mock.patch.object(np.random, "rand", draw),
        mock.patch.object(np.random, "default_rng", return_value=generator),
    ):
        yield
