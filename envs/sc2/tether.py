"""No game outlives its parent, however that died. This file is also a program, so it imports nothing but Python.

    python tether.py PARENT_PID GAME ARGUMENTS...

becomes the game where the kernel can end a process with its parent (Linux), and elsewhere watches over it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PARENT_GONE = 3
"""Exit code of a process that ended because its parent had."""
LOOK = 0.25
"""Seconds between two looks at the parent's id."""


def end_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends, also after it has become another program."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:  # it ended before the kernel was asked
        sys.exit(PARENT_GONE)


def call_at_end_of(lifeline: int, then: Callable[[], object]) -> None:
    """Call ``then`` from a thread of its own once nobody holds the other end of a pipe: its owner is gone.

    Args:
        lifeline: number of the pipe's reading end, into which nobody writes.
        then: ends this process.
    """

    def wait() -> None:
        while os.read(lifeline, 1):
            pass
        then()

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def call_when_orphaned(parent: int, then: Callable[[], object]) -> None:
    """Call ``then`` from a thread of its own once the parent process is gone.

    It holds on every Unix, also where the parent does not give the game a pipe. The kernel's own signal means the
    *thread* that started the game, so a game started from a thread that ends would die in play.

    Args:
        parent: its process id, as the launcher saw it; when another process is the parent now, it is dead already.
        then: ends this process.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK)
        then()

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def watch_over(command: list[str]) -> NoReturn:
    """Run the game as a child; end it when standard input closes, since the parent holds that, or on SIGTERM."""
    early: list[int] = []  # signals that came before there was a game to kill
    signal.signal(signal.SIGTERM, lambda number, _: early.append(number))
    game = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    call_at_end_of(sys.stdin.fileno(), game.kill)
    signal.signal(signal.SIGTERM, lambda *_: game.kill())
    if early:
        game.kill()
    sys.exit(abs(game.wait()))


def main(arguments: list[str], *, by_kernel: bool = sys.platform == "linux") -> NoReturn:
    """Become the game, or watch over it."""
    parent, command = int(arguments[0]), arguments[1:]
    if by_kernel:
        end_with_parent(parent)
        os.execv(command[0], command)
    watch_over(command)


if __name__ == "__main__":
    main(sys.argv[1:])
