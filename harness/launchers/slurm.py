"""Workers as one Slurm array job that is put back into the queue when a node fails or its time is up."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.cli.errors import UsageError
from harness.flags.workers import Workers

WARNING = 120
"""Seconds before the time limit at which Slurm asks a worker to save; a checkpoint takes a few of them."""
SCRIPT = """#!/bin/bash
# One worker of a comparison. USR1 comes before the time limit: the worker saves, and the task is queued again.
# TERM comes when the task is preempted or cancelled: the worker saves, and Slurm decides what follows.
cd {cwd}
export OMP_NUM_THREADS="${{OMP_NUM_THREADS:-${{SLURM_CPUS_PER_TASK:-1}}}}"
export NUMBA_NUM_THREADS="${{NUMBA_NUM_THREADS:-${{SLURM_CPUS_PER_TASK:-1}}}}"
again=no
{command} &
worker=$!
trap 'again=yes; kill -TERM $worker' USR1
trap 'kill -TERM $worker' TERM
wait $worker; code=$?
while kill -0 $worker 2>/dev/null; do wait $worker; code=$?; done  # a signal ends the first wait, not the worker
if [ $again = yes ] && [ $code = 130 ]; then
    scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}"
fi
exit $code
"""


class SlurmWorkers:
    """An array job of ``harness.worker``.

    Args:
        workers: how many, their cores and GPUs, further arguments of ``sbatch``.
        arguments: of ``harness.worker``.
        folder: for the script and the logs; visible to all nodes.

    Raises:
        UsageError: there is no ``sbatch``, or it refused the job.
    """

    def __init__(self, workers: Workers, arguments: Sequence[str], folder: Path) -> None:
        if shutil.which("sbatch") is None:
            raise UsageError("--workers slurm: there is no sbatch on this machine; type this on a login node of Slurm")
        folder.mkdir(parents=True, exist_ok=True)
        script, note, asked = folder / "worker.sh", folder / "job", sbatch_arguments(workers, folder)
        text = worker_script(arguments) + f"# {shlex.join(asked)}\n"
        self.job = _read(note) if _read(script) == text else ""
        before = bool(self.job) and self.any_alive()  # the same command waited for it, and was interrupted
        if not before:
            note.unlink(missing_ok=True)  # its job belongs to the script before: a refused one must not wait for that
            script.touch(mode=0o700)  # the storage's URL in it may hold a password
            script.write_text(text, encoding="utf-8")
            self.job = self._submit(asked, script)
            note.write_text(self.job, encoding="utf-8")
        self.label = f"Slurm job {self.job}" + (" of before" if before else "")
        self.how_to_stop = f"{self.label} goes on. Stop it with: scancel {self.job}; typed again, this command waits"

    def _submit(self, asked: Sequence[str], script: Path) -> str:
        """Submit the array; returns the number of the job."""
        answer = subprocess.run(["sbatch", *asked, str(script)], capture_output=True, text=True, check=False)
        if answer.returncode:
            raise UsageError(
                f"sbatch refused the job: {' '.join(answer.stderr.split())}. Give it what your cluster asks for, for "
                "example: --sbatch=--partition=NAME --sbatch=--account=NAME --sbatch=--time=4:00:00"
            )
        return answer.stdout.strip().partition(";")[0]  # JOB, or JOB;CLUSTER

    def any_alive(self) -> bool:
        """Whether the queue still holds a task of the job; Slurm forgets a job some time after its end."""
        answer = subprocess.run(
            ["squeue", "--noheader", "--jobs", self.job], capture_output=True, text=True, check=False
        )
        forgotten = "Invalid job id" in answer.stderr
        return not forgotten and (answer.returncode != 0 or bool(answer.stdout.strip()))

    def stop_workers(self) -> None:
        """Do nothing: the job belongs to Slurm and goes on."""

    def faults(self) -> list[str]:
        """Nothing beyond the logs."""
        return []


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def worker_script(arguments: Sequence[str]) -> str:
    """Return the batch script that each task of the array runs."""
    command = shlex.join([sys.executable, "-m", "harness.worker", *arguments])
    return SCRIPT.format(cwd=shlex.quote(os.getcwd()), command=command)


def sbatch_arguments(workers: Workers, folder: Path) -> list[str]:
    """Return the arguments of ``sbatch``, the user's own last, so that they win."""
    gpus = [f"--gpus-per-task={workers.gpus:g}", "--ntasks-per-node=1"] if workers.gpus else []
    return [
        "--parsable",
        "--job-name=k24",
        f"--array=0-{workers.count - 1}",
        "--requeue",
        "--open-mode=append",
        f"--signal=B:USR1@{WARNING}",
        "--ntasks=1",
        f"--cpus-per-task={workers.cpus}",
        *gpus,
        f"--output={folder}/worker-%a.log",
        *workers.sbatch,
    ]
