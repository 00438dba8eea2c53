"""OPEN THIS FIRST: the comparison, from flags to runs to rows to the table.

    python -m harness.compare --algos k24,qmix,kalei

Each (algorithm, scenario, seed) is a run. A run is trained, evaluated and stored as a trial of an Optuna study
(``training/complete.py``); one that is stored already is not repeated, one that was killed goes on from its checkpoint.
The table is made from the store.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from envs.sc2.installation import game_name, look_for_game
from harness.cli.common import (
    ALL_DONE,
    SOME_MISSING,
    command,
    dashboard_command,
    log,
    make_console,
    make_folder,
    writing_results,
)
from harness.cli.progress import with_bar
from harness.flags.compare import CompareArgs, read_flags
from harness.flags.memory import check_memory
from harness.flags.planning import plan_runs
from harness.launchers.complete_all import complete_all
from harness.measure import measure_runs
from harness.report.build import ReportArgs, write_report
from harness.results.findings import ComparisonReport, compute_report
from harness.results.grouping import group_runs
from harness.results.in_turn import QUICK, Effort
from harness.results.study_data import collect
from harness.results.tables import as_json, show_table, write_table
from harness.runs.files import study_folder
from harness.runs.plan import RunPlan
from harness.runs.process import prepare_process
from studies.db.storage_url import parse_storage_url
from studies.store import StudyStore


@command("what is done is kept", resume="harness.compare")
def main(argv: Sequence[str]) -> int:
    """Compare; returns the exit code: 0 all finished, 1 runs are missing, 2 a mistake in the command, 130 Ctrl-C."""
    request = read_flags(argv)
    console = make_console(stderr=request.json)
    plans, notes = plan_runs(request)
    make_folder(request.out)
    prepare_process(deterministic=request.deterministic)
    introduce(console, request, plans, notes)
    with StudyStore.open(request.storage, request.study) as store:
        finished = complete_all(console, store, request, plans)
        measure(console, store, request, plans)
        report(console, store, request, plans)
    return ALL_DONE if all(finished) else SOME_MISSING


def introduce(console: Console, request: CompareArgs, plans: Sequence[RunPlan], notes: Sequence[str]) -> None:
    """Log the runs that are about to start."""
    budget, runs = request.budget, f"{len(plans)} run{'s' if len(plans) > 1 else ''}"
    log(
        console,
        f"{runs} of {budget.env_steps:,} env steps (budget {budget.name}) on {plans[0].device}, "
        f"{request.num_envs} battles side by side; study {request.study} in "
        f"{parse_storage_url(request.storage).redacted}",
    )
    if request.backend != "battle":
        log(console, f"battles are played by {game_name()} in {look_for_game()}, through the package smacv2")
    if request.workers.kind == "local" and (line := check_memory(plans, request.n_jobs)):
        log(console, line)
    for note in notes:
        log(console, f"setting: {note}")
    for file in request.files:
        for line in file.left_out:
            log(console, f"{file.name}: left out {line}")


def measure(console: Console, store: StudyStore, request: CompareArgs, plans: Sequence[RunPlan]) -> None:
    """Measure decisions/s of all finished runs in turn, unless one session without load holds them all."""
    runs = [run for members in group_runs(plans, store.rows()).values() for run in members]
    sessions = {run.in_turn.session if run.in_turn and run.in_turn.quiet else None for run in runs}
    if request.throughput == "none" or not runs or (len(sessions) == 1 and None not in sessions):
        return
    effort = QUICK if request.budget.name == "smoke" else Effort()
    measure_runs(store, runs, request.out, effort=effort, message=partial(log, console))


def report(console: Console, store: StudyStore, request: CompareArgs, plans: Sequence[RunPlan]) -> None:
    """Show and write the table and the page, from the runs of this comparison that the study holds."""
    title = f"{request.study}: {request.budget.env_steps:,} env steps a run"
    if request.backend != "battle":
        title += f", played by {game_name()}"
    track = partial(with_bar, console, "learning curves")
    findings = compute_report(group_runs(plans, store.rows()), store, title=title, track=track)
    if request.json:
        print(as_json(findings), end="")
    if not findings.rows:
        log(console, "no run has finished, so there is no table")
        return
    folder = study_folder(request.out, request.study)
    show_table(console, findings)
    with writing_results(folder, store.url.redacted):
        written = write_files(console, store, request, plans, findings)
    log(console, f"written: {', '.join(map(str, written))}")
    log(console, f"all trials: {dashboard_command(store.url)}")


def write_files(
    console: Console, store: StudyStore, request: CompareArgs, plans: Sequence[RunPlan], findings: ComparisonReport
) -> list[Path]:
    """Write the table and, if asked for, the page; return their paths."""
    folder = study_folder(request.out, request.study)
    written = write_table(folder, findings)
    if request.report != "none":
        args = ReportArgs(
            out=folder / "report.html",
            runs_folder=request.out,
            clips=request.report == "full",
            command=request.command,
        )
        data = collect(store, request.study, {plan.key for plan in plans})
        written.append(write_report(data, findings, args, console).page)
    return written


if __name__ == "__main__":
    sys.exit(main())
