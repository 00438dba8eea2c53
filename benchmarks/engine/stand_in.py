"""Microseconds that the stand-in game itself takes for an env_step of eight loops, part by part.

    python -m benchmarks.engine.stand_in [--scenarios terran_5_vs_5,terran_20_vs_20] [--steps 2000]

Each agent gets a new order to attack the first living enemy every env_step; battles follow one another. ``bytes`` is
the protocol without a socket: reading the orders, writing the observation.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict

import numpy as np
from s2clientprotocol import common_pb2, debug_pb2, raw_pb2, sc2api_pb2

import envs
from envs.battle.engine import BattleEnv
from envs.battle.snapshots.drawn_start import drawn_start
from envs.sc2.options import GENERATED
from envs.sc2.server.simulation.maps import map_file, read_map
from envs.sc2.server.simulation.world import World

SEED, LOOPS = 1, 8


def begin(world: World, env: BattleEnv, battle: int) -> None:
    """Kill who is left and create the drawn teams."""
    left = [unit.tag for unit in world.observation().raw_data.units]
    start = drawn_start(env, battle)
    world.debug([debug_pb2.DebugCommand(kill_unit=debug_pb2.DebugKillUnit(tag=left))])
    for owner, team, places in ((1, start.ally_team, start.ally_places), (2, start.enemy_team, start.enemy_places)):
        for kind, (x, y) in zip(team, places, strict=True):
            create = debug_pb2.DebugCreateUnit(
                unit_type=world.catalogue.id_of(kind, owner), owner=owner, pos=common_pb2.Point2D(x=x, y=y), quantity=1
            )
            world.debug([debug_pb2.DebugCommand(create_unit=create)])
    world.step(1)


def orders(seen: sc2api_pb2.Observation) -> bytes:
    """A request in which every agent attacks the first enemy."""
    units = seen.raw_data.units
    target = next(unit.tag for unit in units if unit.owner == 2)
    commands = [
        raw_pb2.ActionRawUnitCommand(ability_id=23, unit_tags=[unit.tag], target_unit_tag=target)
        for unit in units
        if unit.owner == 1
    ]
    actions = [sc2api_pb2.Action(action_raw=raw_pb2.ActionRaw(unit_command=command)) for command in commands]
    return sc2api_pb2.RequestAction(actions=actions).SerializeToString()


def measure(id: str, steps: int) -> dict[str, float]:
    """Median microseconds of each part of an env_step."""
    env = envs.make(id, 1, seed=SEED)
    assert isinstance(env, BattleEnv)
    world, battle = World(read_map(map_file(GENERATED)), SEED), 0
    begin(world, env, battle)
    spent = defaultdict(list)
    for _ in range(steps):
        seen = world.observation()
        if {unit.owner for unit in seen.raw_data.units} != {1, 2}:
            battle += 1
            begin(world, env, battle)
            continue
        request = orders(seen)
        marks = [time.perf_counter()]
        read = sc2api_pb2.RequestAction.FromString(request)
        marks.append(time.perf_counter())
        for action in read.actions:
            world.act(action.action_raw)
        marks.append(time.perf_counter())
        world.step(LOOPS)
        marks.append(time.perf_counter())
        seen = world.observation()
        marks.append(time.perf_counter())
        seen.SerializeToString()
        marks.append(time.perf_counter())
        read_, act, step, observe, write = 1e6 * np.diff(marks)
        for name, value in dict(act=act, step=step, observe=observe, bytes=read_ + write).items():
            spent[name].append(value)
    return {name: float(np.median(values)) for name, values in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", default="terran_5_vs_5,terran_20_vs_20")
    parser.add_argument("--steps", type=int, default=2000)
    given = parser.parse_args()
    for id in given.scenarios.split(","):
        parts = measure(id, given.steps)
        shares = ", ".join(f"{name} {value:.0f}" for name, value in parts.items())
        print(f"{id}: {sum(parts.values()):.0f} us an env_step: {shares}")


if __name__ == "__main__":
    main()
