"""Start workers on a cluster and wait until the runs are done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import MofNCompleteColumn, TimeElapsedColumn

from harness.cli.common import log
from harness.cli.progress import make_bar
from harness.flags.launching import Workers
from harness.launchers.ray_tasks import RayWorkers
from harness.launchers.slurm import SlurmWorkers

POLL = 5.0
"""Seconds between two looks at the queue."""


class Launched(Protocol):
    """Workers that have been started."""

    label: str
    """What they are, for example ``Slurm job 4711``."""
    how_to_stop: str
    """What to type, or what happens, when this command is interrupted."""

    def any_alive(self) -> bool:
        """Whether a worker runs or waits for its turn."""

    def stop_workers(self) -> None:
        """Ask the workers to save and stop, where they do not belong to the cluster's own queue."""

    def faults(self) -> list[str]:
        """Describe the errors of workers that ended."""


def start(workers: Workers, arguments: Sequence[str], folder: Path) -> Launched:
    """Start the workers; ``folder`` takes their logs and must be visible to all machines."""
    return (SlurmWorkers if workers.kind == "slurm" else RayWorkers)(workers, arguments, folder)


def launch(
    console: Console,
    workers: Workers,
    arguments: Sequence[str],
    *,
    folder: Path,
    total: int,
    unfinished: Callable[[], int],
) -> list[str]:
    """Start workers and wait until nothing is left for them, or none is left.

    Args:
        console: shows how many runs are done, on a terminal as a bar.
        workers: where and how many.
        arguments: of ``harness.worker``.
        folder: for logs, on a file system that all machines share.
        total: how many runs were asked for.
        unfinished: counts the runs that still wait or are worked on.

    Returns:
        What went wrong with workers, a line each; what is missing then waits for the next command.

    Raises:
        KeyboardInterrupt: the user stopped waiting.
        UsageError: the cluster cannot be reached.
    """
    launched = start(workers, arguments, folder)
    log(console, f"{launched.label}: {workers.count} workers, logs in {folder}")
    try:
        with make_bar(console, MofNCompleteColumn(), "runs", TimeElapsedColumn(), transient=False) as bar:
            task = bar.add_task(launched.label, total=total)
            while (left := unfinished()) and launched.any_alive():
                bar.update(task, completed=total - left)
                time.sleep(POLL)
            bar.update(task, completed=total - left)
    except KeyboardInterrupt:
        launched.stop_workers()
        log(console, launched.how_to_stop)
        raise
    return launched.faults()
