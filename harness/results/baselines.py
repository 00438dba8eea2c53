"""Results of policies that do not learn: one row for each policy on each scenario."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from harness.cli.errors import UsageError
from harness.policies.evaluate import Battle
from harness.stats.closed_form import wilson
from harness.stats.interval import format_interval


@dataclass(frozen=True, kw_only=True)
class PolicyRow:
    """One policy on one scenario. Means are over finished battles."""

    scenario: str
    policy: str
    battles: int
    """Battles finished; aborted ones are left out."""
    aborted: int
    """Battles in which the world broke down."""
    win_rate: float
    """Wins / battles finished; a battle cut by the time limit is not won."""
    win_low: float
    """Lower end of Wilson's 95% interval over battles."""
    win_high: float
    return_mean: float
    """Undiscounted."""
    length_mean: float
    """env_steps."""
    dead_allies_mean: float
    """When the battle ended."""
    dead_enemies_mean: float
    timeouts: int
    """Battles cut by the time limit."""
    seed: int

    def cells(self) -> dict[str, str]:
        """The row as the terminal shows it."""
        return {
            "scenario": self.scenario,
            "policy": self.policy,
            "win rate [95%]": format_interval(self.win_rate, self.win_low, self.win_high),
            "return": f"{self.return_mean:.2f}",
            "env steps": f"{self.length_mean:.1f}",
            "dead allies": f"{self.dead_allies_mean:.2f}",
            "dead enemies": f"{self.dead_enemies_mean:.2f}",
            "timeouts": f"{self.timeouts:,}",
        }


def summarise(scenario: str, policy: str, seed: int, battles: Sequence[Battle]) -> PolicyRow:
    """The row of these battles.

    Raises:
        UsageError: every battle aborted.
    """
    finished = [battle for battle in battles if not battle.outcome.aborted]
    if not finished:
        raise UsageError(f"all {len(battles)} battles of {policy} on {scenario} aborted; look at the world's messages")
    win_rate = wilson(sum(battle.outcome.won for battle in finished), len(finished))
    return PolicyRow(
        scenario=scenario,
        policy=policy,
        battles=len(finished),
        aborted=len(battles) - len(finished),
        win_rate=win_rate.estimate,
        win_low=win_rate.low,
        win_high=win_rate.high,
        return_mean=fmean(battle.outcome.episode_return for battle in finished),
        length_mean=fmean(battle.outcome.length for battle in finished),
        dead_allies_mean=fmean(battle.dead_allies for battle in finished),
        dead_enemies_mean=fmean(battle.dead_enemies for battle in finished),
        timeouts=sum(battle.outcome.truncated for battle in finished),
        seed=seed,
    )
