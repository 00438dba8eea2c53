"""Bring all runs of a comparison to their end: in this process, in several of this machine, or on a cluster."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from rich.console import Console
from rich.progress import MofNCompleteColumn, TimeElapsedColumn

from harness.cli.console import log
from harness.cli.progress import make_bar
from harness.flags.compare import CompareArgs
from harness.flags.workers import compact
from harness.launchers.processes import work_together
from harness.launchers.ray_tasks import RayWorkers
from harness.launchers.slurm import SlurmWorkers
from harness.runs.files import run_folder
from harness.runs.plan import RunPlan
from harness.runs.warm_up import compile_ahead
from harness.training.complete import RunEnd, complete_run, other_battles
from studies.store import StudyStore

LOOK_AGAIN = 2.0
"""Seconds between two looks at runs that other processes work on."""


def complete_all(console: Console, store: StudyStore, args: CompareArgs, plans: Sequence[RunPlan]) -> list[bool]:
    """Bring every run to its end, here or in worker processes; returns which results are stored.

    All runs are queued first, so that ``harness.worker`` on any machine can take some of them.
    """
    jobs = [plan.to_json(deterministic=args.deterministic) for plan in plans]
    ids = store.enqueue([(plan.key, plan.identity(), job) for plan, job in zip(plans, jobs, strict=True)])
    arguments = [*args.for_workers, "--only", compact(ids)]
    asked, before = dict(zip(ids, plans, strict=True)), store.states()

    def on_other_battles() -> list[int]:
        return [row.run_id for row in store.rows() if row.run_id in asked and other_battles(row, asked[row.run_id])]

    if args.workers.kind != "local":
        for run in on_other_battles():
            advice = f"the same command with --device {asked[run].device} instead of --workers fights the others"
            log(console, f"{asked[run].label}: stays with the battles that it has; {advice}")
        return complete_on_cluster(console, store, args, ids, arguments)

    def complete(plan: RunPlan) -> RunEnd:
        return complete_run(console, store, plan, run_folder(args.out, args.study, plan.key), args.log)

    compile_ahead([plan for run, plan in asked.items() if before.get(run) != "finished"])
    if args.n_jobs > 1:
        work_together(args.n_jobs, arguments, stdout=subprocess.DEVNULL if console.quiet else 2 if args.json else None)
    logged = ("finished", "failed") if args.n_jobs > 1 else ()  # by the workers
    states, again = store.states(), on_other_battles()
    ends = {}
    for run, plan in asked.items():
        if run not in states:
            log(console, f"{plan.label}: deleted by another process")
            ends[run] = RunEnd.FAILED
        else:
            ends[run] = RunEnd(states[run]) if states[run] in logged and run not in again else complete(plan)
    held = {run: plan for run, plan in asked.items() if ends[run] is RunEnd.ELSEWHERE}
    if held and args.wait:
        ends |= wait_for(console, store, held, complete)
    return [ends[run] is RunEnd.FINISHED for run in ids]


def wait_for(
    console: Console, store: StudyStore, held: Mapping[int, RunPlan], complete: Callable[[RunPlan], RunEnd]
) -> dict[int, RunEnd]:
    """Wait for runs that other processes hold, and bring those to their end that these leave."""
    log(console, f"waiting for {len(held)} runs that other processes work on (--no-wait reports without them)")
    ends: dict[int, RunEnd] = {}
    while len(ends) < len(held):
        states = store.states() | {run.run_id: run.state for run in store.unfinished()}
        for run, plan in held.items():
            state = states.get(run, "deleted")
            if run in ends or state == "running":
                continue
            if state in ("finished", "failed", "deleted"):
                log(console, f"{plan.label}: {state} by another process")
                ends[run] = RunEnd.FINISHED if state == "finished" else RunEnd.FAILED
            elif (end := complete(plan)) is not RunEnd.ELSEWHERE:
                ends[run] = end
        if len(ends) < len(held):
            time.sleep(LOOK_AGAIN)
    return ends


POLL = 5.0
"""Seconds between two looks at the queue."""
OVER = ("finished", "failed", "deleted")
"""States of runs that no worker takes."""


def complete_on_cluster(
    console: Console, store: StudyStore, args: CompareArgs, ids: Sequence[int], arguments: Sequence[str]
) -> list[bool]:
    """Start workers on a cluster and wait, if asked to, until nothing is left for them, or none of them is left.

    What is missing then waits for the next command. Returns which results are stored.

    Args:
        console: shows how many runs are done, on a terminal as a bar.
        store: where they are queued.
        args: where workers start, and how many.
        ids: of the runs.
        arguments: of ``harness.worker``.

    Raises:
        KeyboardInterrupt: the user stopped waiting.
        UsageError: the cluster cannot be reached.
    """

    def states() -> list[str]:
        every = store.states()
        return [every.get(run, "deleted") for run in ids]

    if all(state in OVER for state in states()):
        return [state == "finished" for state in states()]
    kind: type[SlurmWorkers | RayWorkers] = SlurmWorkers if args.workers.kind == "slurm" else RayWorkers
    logs = (args.out / args.study / "workers").absolute()  # seen by all machines
    launched = kind(args.workers, [*arguments, "--linger"], logs)
    log(console, f"{launched.label}: {args.workers.count} workers, logs in {logs}")
    try:
        with make_bar(console, MofNCompleteColumn(), "runs", TimeElapsedColumn(), transient=False) as bar:
            task = bar.add_task(launched.label, total=len(ids))
            while (done := sum(state in OVER for state in states())) < len(ids) and launched.any_alive():
                bar.update(task, completed=done)
                if not args.wait:
                    log(console, f"{launched.how_to_stop}, without --no-wait")
                    break
                time.sleep(POLL)
            bar.update(task, completed=done)
    except KeyboardInterrupt:
        launched.stop_workers()
        log(console, launched.how_to_stop)
        raise
    for fault in launched.faults():
        log(console, f"workers: {fault}")
    ends = states()
    missing = Counter(state for state in ends if state != "finished")
    if missing:
        message = ", ".join(f"{number} {state}" for state, number in missing.items())
        log(console, f"not finished: {message}; the same command goes on with them")
    return [state == "finished" for state in ends]
