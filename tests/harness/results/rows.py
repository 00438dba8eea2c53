"""Made-up results, so that tables and findings can be tested without training anybody."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console

from harness.results.findings import ComparisonReport, compute_report
from harness.results.tables import show_table
from harness.runs.plan import RunPlan
from studies.rows import CurvePoint, EpisodeOutcome, RunRow
from tests.studies.sample import RESULT, WON, curve_point, turn_reading

Grouped = Mapping[tuple[str, str], Sequence[RunRow]]
REASON = "no CUDA device with sparse tensor cores"


def run_row(plan: RunPlan, wins: int, **changed: Any) -> RunRow:
    """A finished run of which so many of 16 battles were won."""
    record = dict(run_id=1, trial_number=0, study="s", config={}, provenance={}, in_turn=turn_reading(), details={})
    won = dict(episodes=16, wins=wins, win_rate=wins / 16, win_low=0.0, win_high=1.0, return_mean=float(wins))
    speeds = dict(env_steps=2000, env_steps_per_second=100.0, wall_seconds=20.0, speedup_24_reason=REASON)
    fields = {**vars(RESULT), **vars(plan.key), **record, **won, **speeds, "sparsity_model": 0.25}
    return RunRow(**{**fields, **changed})


def points(*pairs: tuple[int, float]) -> list[CurvePoint]:
    return [curve_point(*pair) for pair in pairs]


def outcome(
    number: int, won: bool, *, slots: int = 4, aborted: bool = False, episode_return: float = 0.0
) -> EpisodeOutcome:
    ended = dict(won=won, lost=not won and not aborted, aborted=aborted, episode_return=episode_return, length=30)
    return replace(WON, slot=number % slots, battle_id=number // slots, **ended)


class Kept:
    """What a study would keep of runs: of 16 battles the first ``wins`` are won; two points of a curve."""

    def __init__(self, grouped: Grouped) -> None:
        self._wins = {run.run_id: run.wins for runs in grouped.values() for run in runs}

    def outcomes(self, run_id: int) -> list[EpisodeOutcome]:
        wins = self._wins[run_id]
        return [outcome(number, number < wins, episode_return=float(wins)) for number in range(16)]

    def curve_points(self, run_id: int) -> list[CurvePoint]:
        return points((0, 0.0), (10, self._wins[run_id] / 16))


def report_of(grouped: Grouped, **options: Any) -> ComparisonReport:
    return compute_report(grouped, Kept(grouped), title="t", **options)


def on_terminal(findings: ComparisonReport) -> str:
    """What ``show_table`` prints."""
    out = io.StringIO()
    show_table(Console(file=out, width=130), findings)
    return out.getvalue()
