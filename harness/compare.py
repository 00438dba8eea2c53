"""OPEN THIS FIRST: the comparison, from flags to runs to rows to the table.

    python -m harness.compare --algos k24,qmix,kalei

Each (algorithm, scenario, seed) is a run. A run is trained, evaluated and stored as a trial of an Optuna study
(``training/complete.py``); one that is stored already is not repeated, one that was killed goes on from its checkpoint.
The table is made from the store.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from rich.console import Console

from common.errors import counted
from envs.sc2.installation import game_name, look_for_game
from harness.cli.common import ALL_DONE, SOME_MISSING, command, dashboard_command, make_folder, writing_results
from harness.cli.console import log, make_console
from harness.cli.progress import with_bar
from harness.flags.compare import CompareArgs, read_flags
from harness.flags.planning import check_memory, plan_runs
from harness.launchers.complete_all import complete_all
from harness.measure import measure_runs
from harness.report.build import ReportArgs, write_report
from harness.results.findings import compute_report
from harness.results.grouping import group_runs
from harness.results.study_data import collect
from harness.results.tables import as_json, show_table, write_table
from harness.runs.files import study_folder
from harness.runs.plan import RunPlan
from harness.runs.process import prepare_process
from harness.speed.decisions import QUICK, Effort
from studies.db.storage_url import parse_storage_url
from studies.store import StudyStore


@command("what is done is kept", resume="harness.compare")
def main(argv: Sequence[str]) -> int:
    """Compare; returns the exit code: 0 all finished, 1 runs are missing, 2 a mistake in the command, 130 Ctrl-C."""
    args = read_flags(argv)
    console = make_console(stderr=args.json)
    with completed_study(console, args) as (store, plans, all_finished):
        measure(console, store, args, plans)
        report(console, store, args, plans)
    return ALL_DONE if all_finished else SOME_MISSING


@contextmanager
def completed_study(console: Console, args: CompareArgs) -> Iterator[tuple[StudyStore, list[RunPlan], bool]]:
    """Bring all runs to their end; yields the open study, the runs, and whether all of them have finished."""
    plans, notes = plan_runs(args)
    make_folder(args.out)
    prepare_process(deterministic=args.deterministic)
    introduce(console, args, plans, notes)
    with StudyStore.open(args.storage, args.study) as store:
        yield store, plans, all(complete_all(console, store, args, plans))


def introduce(console: Console, args: CompareArgs, plans: Sequence[RunPlan], notes: Sequence[str]) -> None:
    """Log the runs that are about to start."""
    budget, runs = args.budget, counted(len(plans), "run")
    log(
        console,
        f"{runs} of {budget.env_steps:,} env steps (budget {budget.name}) on {plans[0].device}, "
        f"{args.num_envs} battles side by side; study {args.study} in "
        f"{parse_storage_url(args.storage).redacted}",
    )
    if args.backend != "battle":
        log(console, f"battles are played by {game_name()} in {look_for_game()}, through the package smacv2")
    if args.workers.kind == "local" and (line := check_memory(plans, args.n_jobs)):
        log(console, line)
    for note in notes:
        log(console, f"setting: {note}")
    for file in args.files:
        for line in file.left_out:
            log(console, f"{file.name}: left out {line}")


def measure(console: Console, store: StudyStore, args: CompareArgs, plans: Sequence[RunPlan]) -> None:
    """Measure decisions/s of all finished runs in turn, unless one session without load holds them all."""
    runs = [run for members in group_runs(plans, store.rows()).values() for run in members]
    sessions = {run.in_turn.session if run.in_turn and run.in_turn.quiet else None for run in runs}
    if args.throughput == "none" or not runs or (len(sessions) == 1 and None not in sessions):
        return
    effort = QUICK if args.budget.is_smoke else Effort()
    measure_runs(store, runs, args.out, effort=effort, message=partial(log, console))


def report(console: Console, store: StudyStore, args: CompareArgs, plans: Sequence[RunPlan]) -> None:
    """Show and write the table and the page, from the runs of this comparison that the study holds."""
    data = collect(store, args.study, {plan.key for plan in plans})
    runs = group_runs(plans, [run for *_, run in data.finished()])
    findings = compute_report(runs, data, title=args.title, track=partial(with_bar, console, "learning curves"))
    if args.json:
        print(as_json(findings), end="")
    if not findings.rows:
        log(console, "no run has finished, so there is no table")
        return
    folder = study_folder(args.out, args.study)
    show_table(console, findings)
    with writing_results(folder, store.url.redacted):
        written = write_table(folder, findings)
        if args.report != "none":
            page = ReportArgs(
                out=folder / "report.html",
                runs_folder=args.out,
                clips=args.report == "full",
                command=args.command,
            )
            written.append(write_report(data, findings, page, console).page)
    log(console, f"written: {', '.join(map(str, written))}")
    log(console, f"all trials: {dashboard_command(store.url)}")


if __name__ == "__main__":
    sys.exit(main())
