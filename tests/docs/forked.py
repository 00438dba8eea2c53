"""Commands in processes that begin with the heavy packages loaded: each starts in one second instead of six.

The packages of the project itself are imported by each command, as in a process of its own.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import runpy
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

PRELOADED = ["torch", "torch._dynamo", "numba", "optuna", "matplotlib.figure", "rich.console"]

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(PRELOADED)


def run_module(words: Sequence[str], folder: Path, environment: Mapping[str, str], *, limit: float) -> tuple[int, str]:
    """Run ``python -m MODULE …``; returns its exit status and what it printed, errors too.

    Args:
        words: the module and its arguments.
        folder: where it runs.
        environment: all of its variables.
        limit: seconds after which it is killed.

    Raises:
        TimeoutError: it took longer.
    """
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as output:
        process = _context.Process(target=_run, args=(list(words), str(folder), dict(environment), output.name))
        process.start()
        process.join(limit)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"{' '.join(words)} takes longer than {limit:g} s")
        return process.exitcode, output.read()


def _run(words: list[str], folder: str, environment: dict[str, str], output: str) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    file = os.open(output, os.O_WRONLY)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.path.insert(0, folder)
    sys.argv = [sys.executable, *words[1:]]
    try:
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
