"""A bot of python-sc2, run as a program: it sends everybody at the nearest enemy and prints what it saw."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from sc2.bot_ai import BotAI
from sc2.data import Difficulty, Race
from sc2.main import run_game
from sc2.maps import Map
from sc2.player import Bot, Computer

STEPS = 60


class Attack(BotAI):  # type: ignore[misc]
    """Attacks until it leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.health: list[float] = []

    async def on_step(self, iteration: int) -> None:
        foes: Any = self.enemy_units
        self.health.append(sum(unit.health for unit in foes))
        if iteration == 0:
            print("map", self.game_info.map_name, *self.game_info.map_size)
            print("units", *sorted(unit.name for unit in self.units))
        for unit in self.units if foes else ():
            unit.attack(foes.closest_to(unit))
        if iteration == STEPS:
            print("health", self.health[0], self.health[-1])
            await self.client.leave()


if __name__ == "__main__":
    bots = [Bot(Race.Terran, Attack()), Computer(Race.Terran, Difficulty.Hard)]
    run_game(Map(Path(sys.argv[1])), bots, realtime=False, save_replay_as=sys.argv[2])
