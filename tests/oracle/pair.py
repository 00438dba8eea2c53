"""One slot of the compiled engine and its plain twin, side by side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.battle.engine import BattleEnv
from envs.battle.options import BattleOptions
from envs.battle.scenarios import Scenario
from tests.envs.play import Player
from tests.oracle.plain.compare import differences
from tests.oracle.plain.game import Game


class Pair:
    """One slot of the compiled engine and its plain twin, which are given the same actions."""

    def __init__(self, scenario: Scenario, options: BattleOptions, seed: int, slot: int = 0) -> None:
        self.env = BattleEnv(id="pair", scenario=scenario, num_envs=1, seed=seed, first_slot=slot, options=options)
        self.game = Game(scenario, options, seed, slot)
        self.player = Player(seed, first_slot=slot, attacks=(0.3, 0.8, 0.97)[seed % 3])
        self.env.reset()
        self.game.start()
        self.lines = differences(self.game, self.env.battles[0])

    def play(self, steps: int) -> Pair:
        """Some steps, through the ends of battles, up to the first difference."""
        for _ in range(steps):
            if not self.lines:
                self.step(self.player(self.env.action_mask))
        return self

    def step(self, sent: NDArray[np.int64]) -> Pair:
        """One step of both with the same legal actions."""
        self.env.step(sent)
        outcome = self.game.step(sent[0].tolist())
        ours = vars(outcome) | dict(reward=float(np.float32(outcome.reward)), battle_id=self.game.battle_number)
        self.lines = differences(self.game, self.env.battles[0])
        self.lines += [name for name, mine in ours.items() if getattr(self.env, name)[0] != mine]
        return self

    def expect_equal(self) -> None:
        now = self.game
        where = f"battle {now.battle_number}, step {now.step_number}, tick {now.battle.tick}, seed {now.seed}"
        assert not self.lines, f"{where} of {now.scenario} with {now.options}:\n" + "\n".join(self.lines[:10])
