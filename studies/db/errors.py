"""Errors of a study's database, and work begun again where a server interrupted it: it may be restarted meanwhile."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

PATIENCE = 120.0
"""Seconds for which an interrupted piece of work is repeated."""
PATIENCE_AT_START = 10.0
"""The same for opening a database: a server that restarts is back by then, and a wrong address should not cost more."""
FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
"""Seconds between two attempts; each is twice the one before."""
_log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")


class StorageError(ValueError):
    """The study's database cannot be used as asked; the message says what was found and what to type next."""


class ContentError(ValueError):
    """A database holds what this program does not store; the message says where and what."""


class ConnectionLost(StorageError):
    """The server interrupted a transaction, of which nothing is stored; the same work may be begun again."""


class RunTakenOver(StorageError):
    """Another process continues this run, since this one missed its heartbeats for too long."""


def repeated(work: Callable[P, T], patience: float = PATIENCE) -> Callable[P, T]:
    """Decorate work that may be begun again from its start whenever the server interrupts it.

    That is true of a single transaction, which is whole or not at all, and of work that first looks at what is there.

    Raises:
        ConnectionLost: the server was away for longer than ``patience`` seconds.
    """

    @functools.wraps(work)
    def patient(*args: P.args, **kwargs: P.kwargs) -> T:
        def warn(error: Exception) -> None:
            _log.warning("interrupted by the server, repeated for %g s: %s", patience, error)

        return try_for(patience, lambda: work(*args, **kwargs), ConnectionLost, warn)

    return patient


def repeated_at_start(work: Callable[P, T]) -> Callable[P, T]:
    """The same for ``PATIENCE_AT_START`` seconds."""
    return repeated(work, PATIENCE_AT_START)


def try_for(seconds: float, work: Callable[[], T], lost: type[Exception], warn: Callable[[Exception], None]) -> T:
    """Begin work again, after longer and longer pauses, until it succeeds or the time is up.

    Args:
        seconds: how long.
        work: what is done.
        lost: the error after which it is begun again; raised once the time is up.
        warn: called with the first such error.
    """
    until, pause = time.monotonic() + seconds, FIRST_PAUSE
    while True:
        try:
            return work()
        except lost as error:
            if time.monotonic() + pause > until:
                raise
            if pause == FIRST_PAUSE:
                warn(error)
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
