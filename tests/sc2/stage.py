"""A World beside a BattleEnv: the same teams, places and orders, the ones through messages, the others as actions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from s2clientprotocol.common_pb2 import Point2D
from s2clientprotocol.debug_pb2 import DebugCommand, DebugKillUnit
from s2clientprotocol.sc2api_pb2 import Action

from envs.battle.engine import BattleEnv
from envs.battle.options import BattleOptions
from envs.battle.smacv2.orders import EAST, FIRST_LOOK, NO_OP, NORTH, SOUTH, STOP, WEST
from envs.battle.snapshots.drawn_start import drawn_start
from envs.battle.snapshots.recording import TickRecorder
from envs.registry import entry
from envs.sc2.server.simulation.maps import map_file, read_map
from envs.sc2.server.simulation.world import World
from tests.envs.play import Player
from tests.sc2.client import order, spawn

DIRECTIONS = {NORTH: (0, 2), SOUTH: (0, -2), EAST: (2, 0), WEST: (-2, 0)}
COMPARED = (
    *("x", "y", "hp", "shield", "energy", "cooldown", "facing_x", "facing_y", "velocity", "turning", "calm"),
    *("order", "target", "swing", "burst", "missile", "sweep", "channel", "side", "called"),
)


def world_of(map_name: str, seed: int = 1) -> World:
    return World(read_map(map_file(map_name)), seed)


def command(tag: int, ability: int, *, unit: int = 0, point: Any = None, queue: bool = False) -> Action:
    """One raw command to one unit."""
    target: dict[str, Any] = {"target_unit_tag": unit} if unit else {}
    if point is not None:
        target["target_world_space_pos"] = Point2D(x=point[0], y=point[1])
    return order([tag], ability, queue_command=queue, **target)


def act(world: World, actions: Iterable[Action]) -> list[int]:
    """The result of each action."""
    return [world.act(action.action_raw) for action in actions]


def create(world: World, kind: str, owner: int, point: Any, quantity: int = 1) -> DebugCommand:
    """A command that makes the unit a map's script would make for this player."""
    return spawn(world.catalogue.id_of(kind, owner), owner, *point, quantity)


def kill(*tags: int) -> DebugCommand:
    return DebugCommand(kill_unit=DebugKillUnit(tag=tags))


def tags(world: World, owner: int) -> list[int]:
    """The living units of a player."""
    return [unit.tag for unit in world.observation().raw_data.units if unit.owner == owner]


class Duo:
    """The world of a scenario and its twin.

    Args:
        id: a registered scenario.
        seed: of both.
    """

    def __init__(self, id: str, seed: int) -> None:
        scenario = entry(id).scenario
        assert scenario is not None
        self.generated = not scenario.ally_team
        options = BattleOptions(**entry(id).defaults)
        self.env = BattleEnv(id=id, scenario=scenario, num_envs=1, seed=seed, first_slot=0, options=options)
        self.camera = TickRecorder(self.env)
        self.player = Player(seed, attacks=0.9)
        self.world = world_of("32x32_flat" if self.generated else id, seed)
        self.env.reset()
        if self.generated:
            self.create()
        self.expect_equal(self.env.battles[0])

    def create(self) -> None:
        """The drawn teams of the present battle by debug commands, agents first."""
        start = drawn_start(self.env, int(self.env.battles[0]["battle"]))
        for owner, team, places in ((1, start.ally_team, start.ally_places), (2, start.enemy_team, start.enemy_places)):
            made = [create(self.world, kind, owner, place) for kind, place in zip(team, places, strict=True)]
            assert self.world.debug(made) == []
        self.world.step(1)

    def step(self) -> None:
        """One env_step of both, compared loop by loop; the end of a battle leads both to the next."""
        actions = self.player(self.env.action_mask)
        assert set(act(self.world, self.messages(actions[0]))) <= {1}
        for frame in self.camera.step(actions):
            self.world.step(1)
            if frame["alive"].any():  # else the game's clock waits for the next battle
                self.expect_equal(frame)
        if self.env.terminated[0] or self.env.truncated[0]:
            self.restart()
            self.expect_equal(self.env.battles[0])

    def restart(self) -> None:
        """As smacv2 does it: kill everybody, look until the field is empty, then wait for units or create them."""
        self.world.debug([kill(*tags(self.world, 1), *tags(self.world, 2))])
        while self.world.observation().raw_data.units:
            self.world.step(2)
        if self.generated:
            self.create()
        while not self.world.observation().raw_data.units:
            self.world.step(1)

    def messages(self, actions: NDArray[np.int64]) -> list[Action]:
        """What smacv2 would send for these legal actions."""
        battle, setup, members = self.env.battles[0], self.env.setup[0], self.world.field.members
        sent = []
        for i, action in enumerate(actions.tolist()):
            here = (battle["x"][i], battle["y"][i])
            if action == STOP:
                sent.append(command(members[i].tag, 4))
            elif action in DIRECTIONS:
                way = DIRECTIONS[action]
                sent.append(command(members[i].tag, 16, point=(here[0] + way[0], here[1] + way[1])))
            elif action != NO_OP:
                assert action >= FIRST_LOOK
                target = action - int(setup["n_no_target"])
                heals = self.env.scenario.has_healers and self.env.units["heals"][0][battle["kind"][i]]
                if heals:
                    if self.refused(target):
                        continue
                    sent.append(command(members[i].tag, 386, unit=members[target].tag))
                elif self.env.units["can_attack"][0][battle["kind"][i], battle["kind"][target + setup["n_agents"]]]:
                    sent.append(command(members[i].tag, 23, unit=members[target + setup["n_agents"]].tag))
        return sent

    def refused(self, target: int) -> bool:
        """Whether the game would not heal this agent, which leaves the order as it was."""
        battle, units = self.env.battles[0], self.env.units[0]
        kind = battle["kind"][target]
        return bool(battle["hp"][target] >= units["hp"][kind] or not units["is_biological"][kind])

    def expect_equal(self, frame: np.void) -> None:
        mine, count = self.world.field.battles[0], len(self.world.field.members)
        for name in ("key", "battle", "tick", "trigger"):
            assert mine[name] == frame[name], name
        alive = frame["alive"][:count].astype(bool)
        np.testing.assert_array_equal(mine["alive"][:count], frame["alive"][:count])
        for name in COMPARED:
            theirs, ours = frame[name][:count][alive], mine[name][:count][alive]
            np.testing.assert_array_equal(ours, theirs, err_msg=f"{name} at loop {self.world.loop}")
