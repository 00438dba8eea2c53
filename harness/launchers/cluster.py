"""Start workers on a cluster and wait until the runs are done."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.progress import MofNCompleteColumn, TimeElapsedColumn

from harness.cli.common import log
from harness.cli.progress import make_bar
from harness.flags.compare import CompareArgs
from harness.launchers.ray_tasks import RayWorkers
from harness.launchers.slurm import SlurmWorkers
from studies.store import StudyStore

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
