"""One trial of a search: several seeds of one setting, trained in turn so that a hopeless one is ended early.

The seeds advance together from evaluation to evaluation. After each, the mean of their win rates (returns where no one
wins) is reported, and the pruner looks at it; the trial's value is the same mean over the final evaluations. The mean
and not an interval's lower end: over two or three seeds that end says more of their luck than of the settings. Every
seed is a run of the study ``NAME-runs``, so that a trial that was left by a killed worker goes on from its
checkpoints, and one whose settings were tried before trains nothing.
"""

from __future__ import annotations

import dataclasses
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from rich.console import Console

from common.errors import describe
from common.signals import deferred_interrupts
from common.space import Space, suggest
from harness.cli.console import log
from harness.cli.progress import TrialProgress
from harness.plots.lines import plot_curves
from harness.results.grouping import has_winners
from harness.results.tables import between
from harness.runs import provenance
from harness.runs.checkpoint import RESUME
from harness.runs.files import run_folder
from harness.runs.plan import RunPlan
from harness.runs.seeding import bootstrap_generator
from harness.stats.by_seeds import score_interval, win_rate_interval
from harness.stats.interval import Interval, IntervalKind
from harness.training.train import TrainingRun
from studies.db.errors import RunTakenOver, StorageError
from studies.rows import CurvePoint, RunRow
from studies.run import RunRecord
from studies.search import ObjectiveFailed
from studies.store import StudyStore

RANKED_BY = "mean over seeds of the win rate (of the return where no one wins)"
"""What trials are compared by; a search that was ranked otherwise is not continued."""
_WAIT = 2.0
"""Seconds between two looks at a run that another worker trains with the same settings by chance."""


@dataclass(kw_only=True)
class Seed:
    """One run of the trial."""

    plan: RunPlan
    folder: Path
    record: RunRecord
    training: TrainingRun | None = None
    """In motion; ``None`` where it is over."""
    row: RunRow | None = None
    """Its result, once there is one."""


class Objective:
    """Compute the value of a trial for Optuna.

    Args:
        plans: one for each seed, with the settings that no trial changes.
        space: what trials change.
        store: the study of their runs.
        out: folder for checkpoints.
        console: shows how a trial goes.
    """

    def __init__(
        self, plans: Sequence[RunPlan], space: Space, store: StudyStore, *, study: str, out: Path, console: Console
    ) -> None:
        self.plans, self.space, self.store = plans, space, store
        self.study, self.out, self.console = study, out, console

    def __call__(self, trial: optuna.Trial) -> float:
        """Train, report, evaluate.

        Raises:
            TrialPruned: the pruner ended it.
            ObjectiveFailed: a run failed, or these settings contradict each other.
            KeyboardInterrupt: the user stopped it; its runs are saved.
        """
        seeds: list[Seed] = []
        try:
            return self._attempt(trial, seeds)
        except optuna.TrialPruned as pruned:
            _mark_interrupted(seeds, str(pruned))
            raise
        except KeyboardInterrupt:
            _mark_interrupted(seeds, "interrupted: the same command goes on with it")
            raise
        except (StorageError, RunTakenOver):
            raise
        except UpdateFinishedTrialError:
            _mark_interrupted(seeds, "released: another worker took this one for dead, and its trial")
            raise
        except (Exception, SystemExit) as error:  # one broken setting must not stop the other trials
            message = describe(error)
            for seed in _unfinished(seeds):
                seed.record.fail(message)
            trial.set_user_attr("traceback", traceback.format_exc()[-1500:])
            raise ObjectiveFailed(message) from error

    def _attempt(self, trial: optuna.Trial, seeds: list[Seed]) -> float:
        """Do the work; worlds and folders are released before a record is, which another worker may then claim."""
        try:
            for plan in self._plans(trial):
                seeds.append(self._begin(plan))
                self._build(seeds[-1])
            self._train(trial, seeds)
            for seed in seeds:
                self._conclude(seed)
            return self._value(trial, seeds)
        finally:
            for seed in seeds:
                if seed.training:
                    seed.training.close()

    def _plans(self, trial: optuna.Trial) -> list[RunPlan]:
        values = suggest(self.space, trial)
        message = ", ".join(
            f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
        )
        log(self.console, f"trial {trial.number}: {message}")
        return [dataclasses.replace(plan, config=dataclasses.replace(plan.config, **values)) for plan in self.plans]

    def _begin(self, plan: RunPlan) -> Seed:
        now = provenance.collect(plan.device)
        while True:
            record = self.store.begin(plan.key, config=plan.identity(), provenance=now)
            if record.status != "running_elsewhere":
                break
            time.sleep(_WAIT)
        folder = run_folder(self.out, f"{self.study}-runs", plan.key)
        return Seed(plan=plan, folder=folder, record=record, row=record.row)

    def _build(self, seed: Seed) -> None:
        """Build a claimed run; it is in the list by now, so one that cannot be built is released."""
        if seed.row is None:
            seed.training = TrainingRun(seed.plan, seed.record, seed.folder)
            for line in seed.training.restore():
                seed.record.event(seed.training.at.env_steps, line)
            seed.training.pause()

    def _train(self, trial: optuna.Trial, seeds: Sequence[Seed]) -> None:
        """From evaluation to evaluation, until all are trained or the pruner says no."""
        trained = [seed.training for seed in seeds if seed.training]
        reported = -1
        with deferred_interrupts(patience=2) as interrupt, self._progress(trial, trained) as progress:
            while not interrupt.requested:
                moving = [run for run in trained if not run.is_trained]
                if not moving:
                    return
                behind = min(run.at.env_steps for run in moving)  # resumed ones may stand apart
                for run in moving:
                    if run.at.env_steps == behind and not interrupt.requested:
                        progress.turn_of(behind, sum(run.at.env_steps for run in trained))
                        run.train(progress, interrupt, until=run.at.next_test)
                step, found = score_so_far([self._curve(seed) for seed in seeds], _can_be_won(seeds[0]))
                if found is None or step <= reported or interrupt.requested:
                    continue
                reported = step
                progress.scored(between(found))
                self._report(trial, step, found)

    def _progress(self, trial: optuna.Trial, runs: Sequence[TrainingRun]) -> TrialProgress:
        each, done = self.plans[0].budget.env_steps, [run.at.env_steps for run in runs]
        return TrialProgress(self.console, f"trial {trial.number}", env_steps=done, each=each)

    def _report(self, trial: optuna.Trial, step: int, found: Interval) -> None:
        trial.report(found.estimate, step)
        total = self.plans[0].budget.env_steps
        at = f"{step:,}/{total:,} env steps"
        log(self.console, f"trial {trial.number}: {at}, {between(found)}")
        if step < total and trial.should_prune():
            raise optuna.TrialPruned(f"pruned at {at}: {between(found)}")

    def _curve(self, seed: Seed) -> list[CurvePoint]:
        return self.store.curve_points(seed.record.run_id)

    def _conclude(self, seed: Seed) -> None:
        if seed.training:
            seed.row = seed.training.conclude()
            (seed.folder / RESUME).unlink(missing_ok=True)  # hundreds of MB each; nothing goes on from it

    def _value(self, trial: optuna.Trial, seeds: Sequence[Seed]) -> float:
        rows = [seed.row for seed in seeds if seed.row]
        won = has_winners(rows[0])
        found = score(rows, won, 0)
        self._annotate(trial, seeds, rows, found, won)
        return found.estimate

    def _annotate(
        self, trial: optuna.Trial, seeds: Sequence[Seed], rows: Sequence[RunRow], found: Interval, won: bool
    ) -> None:
        """Give the dashboard more of this trial than its value."""
        trial.set_user_attr("estimate", found.estimate)
        trial.set_user_attr("interval", f"[{found.low:.3f}, {found.high:.3f}] {found.kind}")
        trial.set_user_attr("runs", [row.trial_number for row in rows])
        picture = self.out / self.study / f"trial-{trial.number}.png"
        algorithm = rows[0].algorithm
        curves = {algorithm: [self._curve(seed) for seed in seeds]}
        plot_curves(picture, curves, title=f"{self.study}, trial {trial.number}", can_be_won=won)
        each = "; ".join(f"seed {row.seed}: {row.win_rate if won else row.return_mean:.3f}" for row in rows)
        self.store.annotate(trial, picture, f"### {between(found)}\n\n{each}\n\nIts runs are in `{self.study}-runs`.\n")


def score_so_far(curves: Sequence[Sequence[CurvePoint]], can_be_won: bool) -> tuple[int, Interval | None]:
    """The score of several seeds at the latest env_steps that all were evaluated at; none before the first.

    Args:
        curves: of each seed.
        can_be_won: whether wins count, or returns.
    """
    by_step = [{point.env_steps: point for point in curve} for curve in curves]
    common = set.intersection(*(set(points) for points in by_step))
    if not common:
        return -1, None
    step = max(common)
    return step, score([curve[step] for curve in by_step], can_be_won, step)


def score(seeds: Sequence[RunRow] | Sequence[CurvePoint], can_be_won: bool, step: int) -> Interval:
    """Return the win rate over seeds, or where no one wins the return, of which one seed alone has no interval."""
    rng = bootstrap_generator("search", step)
    if can_be_won:
        wins = [round(seed.win_rate * seed.episodes) for seed in seeds]
        return win_rate_interval(wins, [seed.episodes for seed in seeds], rng)
    returns = [seed.return_mean for seed in seeds]
    if len(returns) > 1:
        return score_interval(returns, rng)
    return Interval(estimate=returns[0], low=returns[0], high=returns[0], kind=IntervalKind.RETURN_OF_ONE_SEED)


def _can_be_won(seed: Seed) -> bool:
    if seed.row:
        return has_winners(seed.row)
    assert seed.training is not None, "a run without a result is in motion"
    return seed.training.env.spec.can_be_won


def _unfinished(seeds: Sequence[Seed]) -> list[Seed]:
    """Return those still to be ended: Ctrl-C can come when a result is stored and not yet reported to Optuna."""
    return [seed for seed in seeds if seed.row is None and seed.record.is_open]


def _mark_interrupted(seeds: Sequence[Seed], reason: str) -> None:
    """Mark the runs as interrupted; they keep their checkpoints unless they were pruned."""
    for seed in _unfinished(seeds):
        seed.record.mark_interrupted(reason)
        if reason.startswith("pruned"):
            (seed.folder / RESUME).unlink(missing_ok=True)
