"""Bring one run to its end: train, resume, evaluate again, or skip what is stored already."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from rich.console import Console

from common.errors import describe
from common.signals import deferred_interrupts
from harness.cli.console import log
from harness.cli.errors import UsageError
from harness.cli.progress import RunProgress, battles_bar
from harness.loggers import LoggedRun, RunLog
from harness.policies.trained import read_policy_of
from harness.results.grouping import has_winners
from harness.runs import provenance
from harness.runs.plan import RunPlan
from harness.stats.interval import format_interval
from harness.training.final_evaluation import evaluation_fields, play_final_battles
from harness.training.train import TrainingRun
from studies.db.errors import RunTakenOver, StorageError
from studies.rows import RunRow
from studies.run import RunRecord
from studies.store import StudyStore


class RunEnd(Enum):
    """How an attempt to complete a run ended."""

    FINISHED = "finished"
    """Its result is stored."""
    FAILED = "failed"
    ELSEWHERE = "elsewhere"
    """Another process works on it."""


def complete_run(
    console: Console, store: StudyStore, plan: RunPlan, folder: Path, loggers: Sequence[str] = ()
) -> RunEnd:
    """Bring one run to its end, its checkpoint in ``folder``, followed by loggers."""
    now = provenance.collect(plan.device)
    record = store.begin(plan.key, config=plan.identity(), provenance=now)
    changed = provenance.describe_changes(record.earlier, now) if record.earlier else ""
    rerun = "(use another --study to rerun)"
    if record.status == "finished":
        if record.row and other_battles(record.row, plan):
            return evaluate_again(console, store, plan, record.row, folder)
        log(console, f"{plan.label}: already finished{f' {changed}; skipped {rerun}' if changed else '; skipped'}")
        return RunEnd.FINISHED
    if record.status == "running_elsewhere":
        log(console, f"{plan.label}: it is running {record.owner}")
        return RunEnd.ELSEWHERE
    if changed:
        log(console, f"{plan.label}: begun {changed}; goes on with what is here now {rerun}")
    if record.last_error:
        log(console, f"{plan.label}: tried again, it failed before with {record.last_error}")
    return _train(console, plan, record, folder, loggers)


def _train(console: Console, plan: RunPlan, record: RunRecord, folder: Path, loggers: Sequence[str]) -> RunEnd:
    """Train a run that has been claimed, and log its result."""
    try:
        row = train_run(plan, record, folder=folder, console=console, loggers=loggers)
    except RunTakenOver as error:
        log(console, f"{plan.label}: {error}")
        return RunEnd.ELSEWHERE
    except (StorageError, KeyboardInterrupt):
        raise
    except (Exception, SystemExit) as error:  # one broken run must not stop the others; SIGTERM is a KeyboardInterrupt
        message = describe(error)
        record.fail(message)
        log(console, f"{plan.label}: FAILED with {message}; {keep_traceback(folder)}; the other runs go on")
        return RunEnd.FAILED
    won = f"win rate {format_interval(row.win_rate, row.win_low, row.win_high)}"
    log(console, f"{plan.label}: {won if has_winners(row) else f'return {row.return_mean:.2f}'}")
    return RunEnd.FINISHED


def train_run(
    plan: RunPlan, record: RunRecord, *, folder: Path, console: Console, loggers: Sequence[str] = ()
) -> RunRow:
    """Train, evaluate and store one run; where a checkpoint lies in ``folder``, go on from there.

    Args:
        plan: which run.
        record: where its curve, events and result go; started or resumed.
        folder: of this run alone, for its checkpoint.
        console: shows the progress.
        loggers: names of the loggers that follow it.

    Raises:
        KeyboardInterrupt: the user stopped it; the checkpoint is written.
        UsageError: the checkpoint cannot be read or does not fit; it and the stored curve are left as they are.
    """
    run = TrainingRun(plan, record, folder)
    try:
        start = run.restore()
        progress = RunProgress(console, plan.label, total=plan.budget.env_steps, start=run.at.env_steps)
        for line in start:
            progress.log(line)
            record.event(run.at.env_steps, line)
        run.log = RunLog(loggers, _logged(plan, folder, run.at.env_steps), progress.log)
        with progress, deferred_interrupts(patience=2) as interrupt:
            run.train(progress, interrupt)
        with battles_bar(console, f"{plan.label}: final evaluation", plan.budget.final_episodes) as on_battles:
            return run.conclude(on_battles)
    finally:
        run.log.close()
        run.close()


def _logged(plan: RunPlan, folder: Path, start: int) -> LoggedRun:
    """The run as its loggers know it."""
    return LoggedRun(
        name=folder.name,
        study=folder.parent.name,
        algorithm=plan.algorithm,
        scenario=plan.scenario,
        seed=plan.seed,
        config=plan.identity(),
        folder=folder,
        start=start,
    )


def other_battles(row: RunRow, plan: RunPlan) -> bool:
    """Return whether a finished run was evaluated on other battles than the plan asks for."""
    stored, asked = row.config.get("evaluation", {}), plan.identity()["evaluation"]
    return any(stored.get(name) != asked[name] for name in ("final_episodes", "final_slots"))


def evaluate_again(console: Console, store: StudyStore, plan: RunPlan, row: RunRow, folder: Path) -> RunEnd:
    """Evaluate a trained policy on the battles that are asked for now; nothing is trained."""
    battles = plan.budget.final_episodes
    try:
        policy = read_policy_of(row, folder).restore(plan.device)
    except UsageError as error:
        log(console, f"{plan.label}: evaluated on {row.episodes} battles, not on {battles}: {error}")
        return RunEnd.FINISHED
    try:
        with battles_bar(console, f"{plan.label}: evaluated again", battles) as on_battles:
            found = play_final_battles(plan, policy, on_battles)
    except (Exception, SystemExit) as error:  # a user's policy or world
        where = keep_traceback(folder)
        log(console, f"{plan.label}: NOT evaluated again: {describe(error)}; {where}; the evaluation of before is kept")
        return RunEnd.FAILED
    if not found.finished:
        log(console, f"{plan.label}: all {found.aborted} battles aborted; the evaluation of before is kept")
        return RunEnd.FINISHED
    if not store.replace_evaluation(row.run_id, plan.identity(), evaluation_fields(found), found.outcomes):
        log(console, f"{plan.label}: deleted by another process")
        return RunEnd.FAILED
    log(console, f"{plan.label}: trained before, evaluated again on {battles} battles: {found.win_rate.estimate:.3f}")
    return RunEnd.FINISHED


def keep_traceback(folder: Path) -> str:
    """Write the current error's traceback to a file and return where it is; the error may be a full disk."""
    path, trace = folder / "error.txt", traceback.format_exc()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(trace, encoding="utf-8")
    except OSError as error:
        return f"its traceback, which cannot be written to {path} ({error.strerror}):\n{trace}"
    return f"traceback in {path}"
