"""One check: a number of the game, the same number of the engine, how far apart they may be, and the score."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import envs
from benchmarks.fidelity.battles import play_battles
from benchmarks.fidelity.reference import (
    RACES,
    SCRIPTED,
    SCRIPTED_BATTLES,
    Estimate,
    first_rounds,
    random_kills,
)

LENGTH_MARK, WIN_MARK, RETURN_MARK, SCRIPTED_MARK, KILLS_MARK = 0.08, 0.08, 0.8, 0.20, 0.20
"""How far the engine may be off: a share of the length, win rate, return, scripted win rate, enemies killed."""
GENERATED = [f"{race}_{size}" for race in ("terran", "protoss", "zerg") for size in
             ("5_vs_5", "10_vs_10", "20_vs_20", "10_vs_11", "20_vs_23")]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Check:
    """The score is the difference in marks: at most 1 passes."""

    group: str
    scenario: str
    engine: Estimate
    game: Estimate | None = None
    """None: nothing is known, the engine's number stands alone."""
    mark: float = 1.0

    @property
    def score(self) -> float | None:
        return None if self.game is None else abs(self.engine.mean - self.game.mean) / self.mark

    @property
    def noise(self) -> float | None:
        """Two standard errors of the difference, in marks."""
        return None if self.game is None else 2 * math.hypot(self.engine.error, self.game.error) / self.mark

    @property
    def verdict(self) -> str:
        """``within`` the mark, ``off`` by more than chance, or ``open``: off, but by no more than chance explains."""
        if self.score is None or self.noise is None:
            return "no reference"
        if self.score <= 1:
            return "within"
        return "off" if self.score > self.noise else "open"


def random_play(scenario: str, battles: int, seed: int, options: dict[str, Any]) -> list[Check]:
    """Length of battles of random play; where the game's number is known, the enemies that it kills."""
    played = play_battles(scenario, "random", battles, seed=seed, **options)
    lengths, killed = Estimate.of(played["length"]), Estimate.of(played["dead_enemies"])
    game = first_rounds(scenario, float(played["length"].std(ddof=1)))
    mark = LENGTH_MARK * game.mean if game else 1.0
    checks = [Check(group="length of random play", scenario=scenario, engine=lengths, game=game, mark=mark)]
    if kills := random_kills(scenario):
        group = "enemies killed by random play"
        checks.append(Check(group=group, scenario=scenario, engine=killed, game=kills, mark=KILLS_MARK))
    return checks


def scripted_win_rate(scenario: str, battles: int, seed: int, options: dict[str, Any]) -> Check:
    """Win rate of smacv2's scripted agents."""
    wins = play_battles(scenario, "scripted", battles, seed=seed, **options)["win"]
    known = SCRIPTED.get(scenario)
    return Check(
        group="win rate of scripted agents",
        scenario=scenario,
        engine=Estimate.of_share(float(wins.mean()), len(wins)),
        game=None if known is None else Estimate.of_share(known, SCRIPTED_BATTLES),
        mark=SCRIPTED_MARK,
    )


def engine_checks(scenarios: list[str], battles: int, seed: int, options: dict[str, Any]) -> list[Check]:
    """Random play on generated scenarios, scripted agents on SMAC's maps and on the three with published curves."""
    checks = [check for name in scenarios if name in GENERATED for check in random_play(name, battles, seed, options)]
    scripted = [name for name in scenarios if name not in GENERATED or name in RACES]
    return checks + [scripted_win_rate(name, battles, seed, options) for name in scripted]


def default_scenarios() -> list[str]:
    """The fifteen generated ones and SMAC's maps."""
    return GENERATED + [id for id in envs.ids() if envs.registry.entry(id).source == envs.registry.SMAC]
