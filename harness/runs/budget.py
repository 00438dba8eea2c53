"""Budgets: lengths of a comparison by name."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

CheckpointReplay = Literal["auto", "yes", "no"]
"""Whether a checkpoint holds the replay; ``auto``: up to ``REPLAY_LIMIT``."""
REPLAY_LIMIT = 500 * 10**6
"""Bytes of packed episodes. 5,000 battles of 5 against 5 take about 0.2 GB and half a second to write; 20 against 20
take 2 GB, which every checkpoint would write again."""

DEFAULT_BUDGET = "quick"


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Length of every run of a comparison and how often it is looked at.

    Evaluation episodes are a multiple of their slots, so that each slot plays the same number of battles.
    """

    name: str
    """What ``--budget`` calls it."""
    env_steps: int
    """Length of a run, in env_steps summed over its battles."""
    test_interval: int = 10_000
    """env_steps between two greedy evaluations of the learning curve. The published curves use 10 000."""
    test_episodes: int = 32
    """Greedy battles in each of those evaluations. Source: the published curves."""
    test_slots: int = 32
    """Of them, how many are fought side by side; each slot plays the same number, so that short ones do not prevail."""
    final_episodes: int = 1_000
    """Greedy battles behind the table's win rate; 1,000 put one seed's 95% interval within about ±3 points."""
    final_slots: int = 125
    """Of them, how many are fought side by side: 8 in each slot. So many because 1,000 then take no longer than 512 in
    32 slots, about 4 seconds on terran_5_vs_5; more slots gain nothing on two cores."""
    checkpoint_interval: int
    """env_steps between two checkpoints: a killed run loses no more of them."""
    seeds: int = 3
    """Seeds of each algorithm and scenario where ``--seeds`` does not say."""
    is_smoke: bool = False
    """Whether algorithms take their ``smoke`` settings; printed and stored, and ``--set`` wins over them."""
    summary: str = ""
    """One line for ``--help``."""

    def with_env_steps(self, env_steps: int) -> Budget:
        """The same budget at another length; evaluations and checkpoints are never further apart than the run."""
        return dataclasses.replace(
            self,
            name=f"{self.name} at another length",
            env_steps=env_steps,
            test_interval=min(self.test_interval, env_steps),
            checkpoint_interval=min(self.checkpoint_interval, env_steps),
        )

    def with_slots(self, most: int) -> Budget:
        """The same evaluations with no more battles side by side than this, during training and at the end."""

        def fitting(episodes: int, slots: int) -> int:
            return max(n for n in range(1, min(most, slots) + 1) if episodes % n == 0)

        return dataclasses.replace(
            self,
            test_slots=fitting(self.test_episodes, self.test_slots),
            final_slots=fitting(self.final_episodes, self.final_slots),
        )


BUDGETS: dict[str, Budget] = {
    budget.name: budget
    for budget in (
        Budget(
            name="smoke",
            env_steps=2_000,
            test_interval=1_000,
            test_episodes=8,
            final_episodes=16,
            test_slots=8,
            final_slots=16,
            checkpoint_interval=500,
            seeds=1,
            is_smoke=True,
            summary="under a minute for three algorithms: checks that all runs; says nothing about the algorithms",
        ),
        Budget(
            name="quick",
            env_steps=120_000,
            checkpoint_interval=20_000,
            seeds=1,
            summary="under ten minutes on two cores for three algorithms: a first, rough picture",
        ),
        Budget(
            name="standard",
            env_steps=200_000,
            checkpoint_interval=20_000,
            summary="where the published curves have left the ground",
        ),
        Budget(name="long", env_steps=1_000_000, checkpoint_interval=50_000, summary="where the published curves bend"),
        Budget(
            name="paper",
            env_steps=10_050_000,
            checkpoint_interval=100_000,
            summary="the published length; schedules hold as published",
        ),
    )
}


def default_study(budget: str, env_steps: int | None, backend: str = "battle") -> str:
    """``compare-standard``, ``compare-500000-steps``, ``compare-standard-500000-steps``, ``compare-sc2-standard``.

    A budget decides more than the length, so runs of two budgets do not share a study by default; nor do worlds.
    """
    parts = ["compare"] if backend == "battle" else ["compare", backend]
    if env_steps is None or budget != DEFAULT_BUDGET:
        parts.append(budget)
    if env_steps is not None:
        parts.append(f"{env_steps}-steps")
    return "-".join(parts)
