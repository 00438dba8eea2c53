"""Signs of life of the runs in hand, given however long the program is busy with one thing.

Training gives some by itself, between two steps. Judging a policy by a thousand battles of a slow world does not, nor
does the run of another seed that waits for its turn; a worker on another machine would take them for abandoned.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

PULSE_EVERY = 60.0
"""Seconds; a fifth of what counts as abandoned."""
_log = logging.getLogger(__name__)


class Pulse:
    """Calls a function now and then, in a thread of its own, from ``start`` to ``stop``.

    Args:
        beat: writes the sign of life; a database that cannot be used just then is met again, and told, by the program.
    """

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin; a second time it goes on as it does."""
        if self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        """End, after a call in progress."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _go(self) -> None:
        while not self._over.wait(PULSE_EVERY):
            try:
                self._beat()
            except Exception as error:  # whatever it is, the next heartbeat may succeed, and silence would lose the run
                _log.warning("a heartbeat could not be written: %s: %s", type(error).__name__, error)
