"""Ctrl-C and SIGTERM at moments that must not be cut short."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

_STOP = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Waiting:
    """Signals that wait for the end of a block."""

    requested: int = 0
    """Signals that came so far; from the first on the block is asked to end soon."""


@contextmanager
def deferred_interrupts(patience: int = 3) -> Iterator[Waiting]:
    """Let Ctrl-C and SIGTERM wait until the block has ended; outside of the main thread nothing is changed.

    Args:
        patience: signals after which the block is cut short all the same: the user means it, or the block hangs.

    Raises:
        KeyboardInterrupt: one came, after the block; or the last that patience allows, at once.
    """
    waiting = Waiting()
    if threading.current_thread() is not threading.main_thread():
        yield waiting
        return

    def note(_number: int, _frame: FrameType | None) -> None:
        waiting.requested += 1
        if waiting.requested >= patience:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, note) for number in _STOP}
    try:
        yield waiting
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if waiting.requested:
        raise KeyboardInterrupt


def stop_like_ctrl_c() -> None:
    """Let SIGTERM, as a scheduler sends it, end this process in the same order as Ctrl-C does, from now on."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
