"""Worker processes on this machine: started, waited for, and stopped so that they can save what they do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence

from common.signals import deferred_interrupts
from harness.runs.provenance import usable_cores

_THREADS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
_POLL = 0.1
"""Seconds between two looks at the processes."""


def work_together(count: int, arguments: Sequence[str], *, stdout: int | None = None) -> None:
    """Run ``python -m harness.worker`` several times at once, until all have ended.

    Each gets its share of the cores. They are shielded from the terminal's Ctrl-C: this process passes it on, once for
    the first (they save and stop) and once more for the second (they stop at once). If this process is killed, they
    go on until nothing is left to do.

    Args:
        count: how many.
        arguments: of each.
        stdout: file descriptor on which they speak, or ``subprocess.DEVNULL``; None: standard output.

    Raises:
        KeyboardInterrupt: the user stopped it, and all have ended.
    """
    share = str(max(1, usable_cores() // count))
    environment = {**os.environ, **{name: os.environ.get(name, share) for name in _THREADS}}
    command = [sys.executable, "-m", "harness.worker", *arguments]
    workers: list[subprocess.Popen[bytes]] = []
    try:
        with deferred_interrupts(patience=2) as interrupt:
            for _ in range(count):
                workers.append(subprocess.Popen(command, env=environment, start_new_session=True, stdout=stdout))
            passed_on = False
            while any(worker.poll() is None for worker in workers):
                if interrupt.requested and not passed_on:
                    _stop(workers)
                    passed_on = True
                time.sleep(_POLL)
    finally:
        _stop(workers)
        for worker in workers:
            worker.wait()


def _stop(workers: Sequence[subprocess.Popen[bytes]]) -> None:
    for worker in workers:
        if worker.poll() is None:
            worker.terminate()
