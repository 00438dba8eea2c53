"""Play a short game before the first client's, so that the engine is compiled by then."""

from __future__ import annotations

from s2clientprotocol import common_pb2, debug_pb2, raw_pb2, sc2api_pb2

from envs.battle import jit
from envs.sc2.server.game import Game
from envs.sc2.server.simulation.catalogue import AGENTS
from envs.sc2.server.simulation.maps import map_file
from envs.sc2.server.simulation.world import World

MAP = "MMM"  # it has healers, who use most of the engine
LOOPS = 40


def warm_up() -> None:
    """Move, attack, heal, create and die for a moment."""
    jit.announce_compiling()
    create = sc2api_pb2.RequestCreateGame(local_map=sc2api_pb2.LocalMap(map_data=map_file(MAP)), random_seed=0)
    game = Game(create, sc2api_pb2.RequestJoinGame(options=sc2api_pb2.InterfaceOptions(raw=True)), World)
    seen = game.observe().observation.raw_data.units
    agents, foes = ([unit.tag for unit in seen if (unit.owner == AGENTS) is own] for own in (True, False))
    there = common_pb2.Point2D(x=16, y=16)
    orders = [
        raw_pb2.ActionRawUnitCommand(ability_id=4),
        raw_pb2.ActionRawUnitCommand(ability_id=16, target_world_space_pos=there),
        raw_pb2.ActionRawUnitCommand(ability_id=23, target_world_space_pos=there),
        raw_pb2.ActionRawUnitCommand(ability_id=23, target_unit_tag=foes[0]),
        raw_pb2.ActionRawUnitCommand(ability_id=386, target_unit_tag=agents[0]),
    ]
    for command in orders:
        command.unit_tags.extend(agents)
        action = sc2api_pb2.Action(action_raw=raw_pb2.ActionRaw(unit_command=command))
        game.act(sc2api_pb2.RequestAction(actions=[action]))
        game.step(LOOPS)
    newcomer = debug_pb2.DebugCreateUnit(unit_type=48, owner=AGENTS, pos=there, quantity=1)
    game.debug([debug_pb2.DebugCommand(create_unit=newcomer)])
    game.step(1)
    game.debug([debug_pb2.DebugCommand(kill_unit=debug_pb2.DebugKillUnit(tag=[*agents, *foes]))])
    game.step(LOOPS)
