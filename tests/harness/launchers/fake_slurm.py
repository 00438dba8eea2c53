"""``sbatch``, ``squeue`` and ``scontrol`` for tests: they run what they are given, on this machine.

    python fake_slurm.py STATE sbatch --array=0-1 --output=FOLDER/worker-%a.log … SCRIPT

As with Slurm's ``--requeue``, a task whose processes were killed starts again: that is what a failed node looks like.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

JOB = "4711"


def main(state: Path, program: str, arguments: list[str]) -> int:
    if program == "sbatch":
        return sbatch(state, arguments)
    if program == "squeue":
        print("\n".join(f"{JOB}_{path.stem}" for path in state.glob("*.pid")))
        return 0
    if program == "scontrol" and arguments[0] == "requeue":
        (state / f"{arguments[1].partition('_')[2]}.again").touch()
        return 0
    if program == "task":
        return run_task(state, *arguments)
    raise SystemExit(f"fake Slurm does not know {program} {arguments}")


def sbatch(state: Path, arguments: list[str]) -> int:
    """Start every task of the array and print the job's number."""
    (state / "arguments").write_text("\n".join(arguments))
    flags = dict(word.removeprefix("--").split("=", 1) for word in arguments if word.startswith("--") and "=" in word)
    if flags.get("partition") == "none":
        print("sbatch: error: invalid partition specified: none", file=sys.stderr)
        return 1
    first, _, last = flags["array"].partition("-")
    for task in range(int(first), int(last) + 1):
        (state / f"{task}.pid").touch()
        command = [sys.executable, __file__, str(state), "task", str(task), flags["output"], arguments[-1]]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.Popen(command, start_new_session=True, **quiet)  # type: ignore[call-overload]
    print(JOB)
    return 0


def run_task(state: Path, task: str, output: str, script: str) -> int:
    """Run one task, and again after a kill or a requeue."""
    environment = {**os.environ, "SLURM_ARRAY_JOB_ID": JOB, "SLURM_ARRAY_TASK_ID": task, "SLURM_CPUS_PER_TASK": "1"}
    pid = state / f"{task}.pid"
    with open(output.replace("%a", task), "ab") as log:
        while True:
            process = subprocess.Popen(
                ["bash", script], start_new_session=True, stdout=log, stderr=log, env=environment
            )
            pid.write_text(str(process.pid))
            code = process.wait()
            again = state / f"{task}.again"
            if (state / "over").exists() or (code != -9 and not again.exists()):
                break
            again.unlink(missing_ok=True)
            (state / f"{task}.restarts").open("a").write("x")
            time.sleep(0.1)
    pid.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
