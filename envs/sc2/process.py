"""The link between a batch and its workers: processes, their pipes, and arrays in memory that both sides see.

The memory is a file without a name, kept in RAM where the system has a folder for that; a worker inherits its number.
So nothing is left behind however the processes end, which named segments are.
"""

from __future__ import annotations

import mmap
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.batch import Layout, layout
from envs.spec import EnvSpec

ROOT = Path(__file__).resolve().parents[2]
"""The folder in which the package ``envs`` lies."""
SOURCE = "SMACV2_SOURCE"
"""Environment variable: a checkout of smacv2 to import it from where it is not installed."""
FAREWELL = 10.0
"""Seconds for a game to end when asked to."""
TAIL = 600
"""Characters of a worker's output that an error shows."""
ALIGNMENT = 64
"""Bytes of a cache line; no two arrays share one."""
IN_RAM = Path("/dev/shm")


class GameFailure(Exception):
    """A worker has failed: it reported an error (``reported``), ended, or did not answer in time."""

    def __init__(self, text: str, *, reported: bool = False) -> None:
        super().__init__(text)
        self.reported = reported


class WorkerProcess:
    """One worker; its output goes to a file.

    Args:
        folder: for its output, and for what the game leaves behind; should this process be killed, the worker removes
            it, and the one above if nothing is left in that.
        inherited: file numbers that it shall hold as well.
    """

    def __init__(self, folder: Path, inherited: tuple[int, ...] = ()) -> None:
        ours, theirs = socket.socketpair()
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._log = folder, folder / "output.txt"
        with theirs, self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "envs.sc2.worker", str(theirs.fileno()), str(folder)],
                stdin=subprocess.PIPE,  # the lifeline: nothing is written, its end says that this process is gone
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs.fileno(), *inherited),
                env=environment(folder),
                start_new_session=True,  # Ctrl-C is this process' affair: a game that got it as well would end
            )
        self._pipe = Connection(ours.detach())
        self._sent = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, command: str, *arguments: Any) -> None:
        """Give a command; ``receive`` waits for its answer.

        Raises:
            GameFailure: the worker is gone.
        """
        self._sent += 1
        try:
            self._pipe.send((self._sent, command, *arguments))
        except (OSError, ValueError):
            raise GameFailure(f"its process ended ({self._end()}){self._tail()}") from None

    def receive(self, until: float) -> Any:
        """The answer to the last command; of an earlier one, whose caller was interrupted, it is passed over.

        Args:
            until: on the clock of ``time.monotonic``, when to give up.

        Raises:
            GameFailure: no answer in time, the worker is gone, or it says that something failed.
        """
        answered = 0
        try:
            while answered < self._sent:
                if not self._pipe.poll(max(until - time.monotonic(), 0)):
                    raise GameFailure(f"it did not answer in time{self._tail()}")
                answered, kind, content = self._pipe.recv()
        except (EOFError, OSError):
            raise GameFailure(f"its process ended ({self._end()}){self._tail()}") from None
        if kind == "failed":
            raise GameFailure(f"{content}{self._tail()}", reported=True)
        return content

    def kill(self) -> None:
        """End the worker now, and its game with it; remove its files."""
        self._process.kill()
        self._release()

    def dismiss(self) -> None:
        """Let the worker end its game, without waiting for it; ``close`` waits."""
        with suppress(GameFailure):
            self.send("close")

    def close(self, until: float) -> None:
        """Wait for the worker's end, then end it.

        Args:
            until: as for ``receive``.
        """
        try:
            self.receive(until)
            self._process.wait(max(until - time.monotonic(), 0))
        except (GameFailure, subprocess.TimeoutExpired):
            self._process.kill()
        self._release()

    def _release(self) -> None:
        self._process.wait()
        self._pipe.close()
        assert self._process.stdin is not None
        self._process.stdin.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self) -> str:
        try:
            code = self._process.wait(FAREWELL)
        except subprocess.TimeoutExpired:
            return "its end of the pipe is closed"
        return f"by signal {-code}" if code < 0 else f"exit code {code}"

    def _tail(self) -> str:
        text = self._log.read_text(errors="replace", encoding="utf-8").strip() if self._log.exists() else ""
        return f"; the end of its output: … {text[-TAIL:]}" if text else ""


def environment(folder: Path | None = None) -> dict[str, str]:
    """Return a worker's environment variables: this project, a checkout of smacv2 if named, a folder for files."""
    paths = [str(ROOT), os.environ.get(SOURCE, ""), os.environ.get("PYTHONPATH", "")]
    own = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONUNBUFFERED": "1"}
    if folder is not None:
        own["TMPDIR"] = str(folder)
    return {**os.environ, **own}


def shared_layout(spec: EnvSpec, num_envs: int) -> Layout:
    """Every array of a batch, the return of a flawless battle, and the actions on their way to the workers."""
    actions = (num_envs, spec.n_agents)
    return layout(spec, num_envs) | {"max_reward": ((num_envs,), np.float64), "actions": (actions, np.int64)}


def allocate(arrays: Layout) -> tuple[int, dict[str, NDArray]]:
    """New memory, all zero.

    Returns:
        The number of the file, for a worker to inherit and the caller to close, and the arrays.
    """
    with tempfile.TemporaryFile(dir=IN_RAM if IN_RAM.is_dir() else None) as file:
        number = os.dup(file.fileno())
    os.ftruncate(number, _places(arrays)[1])
    return number, attach(number, arrays)


def attach(number: int, arrays: Layout) -> dict[str, NDArray]:
    """The arrays in the memory behind this file number; they keep it alive."""
    places, size = _places(arrays)
    memory = mmap.mmap(number, size)
    return {name: np.ndarray(shape, np.dtype(kind), memory, places[name]) for name, (shape, kind) in arrays.items()}


def _places(arrays: Layout) -> tuple[dict[str, int], int]:
    places, size = {}, 0
    for name, (shape, kind) in arrays.items():
        places[name] = size
        size += -(-int(np.prod(shape)) * np.dtype(kind).itemsize // ALIGNMENT) * ALIGNMENT
    return places, max(size, 1)
