"""Ctrl-C and SIGTERM at moments that must not be cut short."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_STOP = (signal.SIGINT, signal.SIGTERM)
_PATIENCE = 3
"""Signals within one block after which it is cut short all the same: the user means it, or the block hangs."""


@contextmanager
def deferred_interrupts() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the block has ended; outside of the main thread nothing is changed.

    Raises:
        KeyboardInterrupt: one came, after the block; or the third within it, at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        if len(came) >= _PATIENCE:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, note) for number in _STOP}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt


def stop_like_ctrl_c() -> None:
    """Let SIGTERM, as a scheduler sends it, end this process in the same order as Ctrl-C does, from now on."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
