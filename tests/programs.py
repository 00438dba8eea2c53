"""Programs that tests start."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]


def output_of(*words: str, timeout: float = 300, cwd: Path = ROOT, **environment: str) -> str:
    """What Python prints when it runs these words beside these environment variables; it must succeed."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def started(*words: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Such a process that goes on after its first line, and the words of that line; in the end it is killed."""
    env = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().split()
        finally:
            process.kill()
