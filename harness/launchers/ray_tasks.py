"""Workers as tasks of a running Ray cluster, which starts a task again elsewhere when its node dies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.errors import describe
from harness.cli.errors import UsageError
from harness.flags.workers import Workers

RETRIES = 10
"""How often Ray starts a worker again whose node or process died."""


class RayWorkers:
    """Ray tasks around ``harness.worker``.

    Args:
        workers: how many, their cores and GPUs.
        arguments: of ``harness.worker``.
        folder: for the logs; visible to all nodes.

    Raises:
        UsageError: Ray is not installed, or no cluster can be reached.
    """

    def __init__(self, workers: Workers, arguments: Sequence[str], folder: Path) -> None:
        try:
            import ray
        except ImportError as error:
            raise UsageError(f"--workers ray: Ray is not installed ({error}). Type: pip install ray") from error
        self._ray: Any = ray
        address = os.environ.get("RAY_ADDRESS", "auto")
        try:
            if not ray.is_initialized():
                ray.init(address=address, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UsageError(
                f"--workers ray: no Ray cluster at {address} ({' '.join(str(error).split())}). "
                "Start one: ray start --head; or name it: RAY_ADDRESS=host:6379"
            ) from error
        folder.mkdir(parents=True, exist_ok=True)
        task = ray.remote(_task()).options(
            num_cpus=workers.cpus, num_gpus=workers.gpus, max_retries=RETRIES, retry_exceptions=True
        )
        place = {"cwd": os.getcwd(), "threads": workers.cpus}
        self._tasks = [
            task.remote(list(arguments), str(folder / f"worker-{number}.log"), place) for number in range(workers.count)
        ]
        self.label = f"Ray at {address}"
        self.how_to_stop = "the workers on Ray were asked to save and stop"

    def any_alive(self) -> bool:
        """Whether a task has not ended."""
        _, alive = self._ray.wait(self._tasks, num_returns=len(self._tasks), timeout=0)
        return bool(alive)

    def stop_workers(self) -> None:
        """Ask every worker to save and stop."""
        for task in self._tasks:
            self._ray.cancel(task)

    def faults(self) -> list[str]:
        """Why tasks ended without having worked."""
        ended, _ = self._ray.wait(self._tasks, num_returns=len(self._tasks), timeout=0)
        found: dict[str, None] = {}
        for task in ended:
            try:
                error_text = self._ray.get(task)
            except Exception as error:  # whatever Ray wraps a lost task into
                error_text = describe(error)
            if error_text:
                found[error_text] = None
        return list(found)


def _task() -> Any:
    """Return the function that Ray ships: it is pickled by value and imports nothing of this program."""

    def work(arguments: list[str], log: str, place: dict[str, Any]) -> str:
        """Run one worker to its end; returns why it could not work, or an empty string."""
        import os
        import signal
        import subprocess
        import sys

        threads = {name: str(place["threads"]) for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")}
        command = [sys.executable, "-m", "harness.worker", "--lifeline", *arguments]
        cwd = place["cwd"] if os.path.isdir(place["cwd"]) else None
        with open(log, "ab") as output:
            # The worker reads the pipe's other end: when this process dies, it saves and stops.
            worker = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=output, stderr=output, cwd=cwd, env={**os.environ, **threads}
            )
            try:
                code = worker.wait()
            finally:  # cancelled
                if worker.poll() is None:
                    worker.send_signal(signal.SIGTERM)
                    worker.wait()
        if code < 0:
            raise RuntimeError(f"the worker was ended by signal {-code}")
        return "" if code != 2 else f"a worker could not start; see {log}"

    return work
