"""One slot of a batch: battles one after the other, steps, rewards, ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from envs.battle.options import BattleOptions
from envs.battle.scenarios import Scenario
from envs.battle.walking import paths
from tests.oracle.plain.actions import Commander
from tests.oracle.plain.battle import Battle
from tests.oracle.plain.draws import Dice
from tests.oracle.plain.ground import Ground
from tests.oracle.plain.kinds import read_kinds
from tests.oracle.plain.unit import Unit


@dataclass
class Outcome:
    """What a step brought."""

    reward: float
    battle_won: bool
    battle_lost: bool
    terminated: bool
    truncated: bool
    dead_allies: int
    dead_enemies: int


@dataclass
class Game:
    """A slot; ``battle`` is its current fight."""

    scenario: Scenario
    options: BattleOptions
    seed: int
    slot: int = 0
    battle_number: int = -1
    step_number: int = 0
    max_reward: float = 0.0
    battle: Battle = field(init=False)
    commanders: list[Commander] = field(init=False)

    def __post_init__(self) -> None:
        table = paths.waypoints(self.scenario.map)
        self.ground = Ground(self.scenario.map, None if table is None else table.tolist())
        self.kinds = read_kinds(self.scenario.catalog, self.options)

    def start(self) -> None:
        """The slot's next battle, and the one tick that passes before anybody looks."""
        self.battle_number += 1
        self.step_number = 0
        dice = Dice.of_battle(self.seed, self.slot, self.battle_number)
        self.battle = Battle(self.scenario, self.options, self.kinds, self.ground, dice)
        self.commanders = [Commander(self.battle, unit) for unit in self.battle.agents]
        if self.battle_number == 0 or self.options.max_reward_from == "each_battle":
            kinds = [unit.kind for unit in self.battle.enemies]
            flawless = len(kinds) * self.options.reward_death_value + self.options.reward_win
            self.max_reward = flawless + sum(kind.hp + kind.shield for kind in kinds)
        self.battle.run_tick()

    def step(self, actions: Sequence[int]) -> Outcome:
        """One env_step of legal actions; a finished battle is followed by the next at once."""
        battle = self.battle
        before = {unit: (unit.health, unit.place) for unit in battle.units if unit.alive}
        for commander, action in zip(self.commanders, actions, strict=True):
            commander.take(action)
        for _ in range(self.options.step_mul):
            battle.run_tick()
        self.step_number += 1
        for unit, (_, place) in before.items():
            if not unit.alive:
                unit.place = place  # where it was last seen
        winner = self.winner()
        over = winner is not None
        outcome = Outcome(
            reward=self.reward({unit: health for unit, (health, _) in before.items()}, winner),
            battle_won=winner == "agents",
            battle_lost=winner == "enemies",
            terminated=over,
            truncated=not over and self.step_number >= self.scenario.episode_limit,
            dead_allies=sum(not unit.alive for unit in battle.agents),
            dead_enemies=sum(not unit.alive for unit in battle.enemies),
        )
        if outcome.terminated or outcome.truncated:
            self.start()
        return outcome

    def winner(self) -> str | None:
        """``agents``, ``enemies``, ``nobody`` when both are gone, None while both fight.

        Where smacv2's medivac rules hold, medivacs alone are as good as nobody, and who has lost is asked first.
        """
        agents = [unit for unit in self.battle.agents if unit.alive]
        enemies = [unit for unit in self.battle.enemies if unit.alive]
        if self.scenario.has_healers:
            if all(unit.kind.healing for unit in agents):
                return "enemies"
            return "agents" if all(unit.kind.healing for unit in enemies) else None
        if agents and enemies:
            return None
        if not agents and not enemies:
            return "nobody"
        return "agents" if agents else "enemies"

    def reward(self, before: dict[Unit, float], winner: str | None) -> float:
        """Health and shield taken from enemies, a bonus per kill and for the win; own losses if they count."""
        options = self.options
        if options.reward_sparse:
            reward = {"agents": 1.0, "enemies": -1.0}.get(winner or "", 0.0)
        else:
            reward = self.fighting_reward(before)
            reward += {"agents": options.reward_win, "enemies": options.reward_defeat}.get(winner or "", 0.0)
        if options.reward_scale:
            reward /= self.max_reward / options.reward_scale_rate
        return reward

    def fighting_reward(self, before: dict[Unit, float]) -> float:
        options = self.options
        dealt = taken = deaths = 0.0
        for unit, health in before.items():
            loss = health - unit.hp - unit.shield if unit.alive else health
            if unit.is_agent:
                taken += options.reward_negative_scale * loss
                if not unit.alive and not options.reward_only_positive:
                    deaths -= options.reward_death_value * options.reward_negative_scale
            else:
                dealt += loss
                deaths += 0.0 if unit.alive else options.reward_death_value
        return max(dealt + deaths, 0.0) if options.reward_only_positive else dealt + deaths - taken
