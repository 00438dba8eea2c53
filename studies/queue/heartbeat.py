"""Background heartbeat for claimed runs.

Training renews its heartbeat between two steps. A final evaluation of a thousand battles does not, nor does the run of
another seed that waits for its turn: without this thread a worker on another machine would take them for abandoned.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

ABANDONED_AFTER = 300.0
"""Seconds without a heartbeat after which a run of a process that cannot be looked up counts as abandoned."""
HEARTBEAT_IN_TRAINING = 15.0
"""Seconds between two heartbeats that training writes; calls in between cost nothing."""
HEARTBEAT_IN_BACKGROUND = 60.0
"""Seconds between two heartbeats of the thread."""
_log = logging.getLogger(__name__)


class HeartbeatThread:
    """Call a function periodically in a thread, from ``start`` to ``stop``.

    Args:
        write_heartbeat: called every ``HEARTBEAT_IN_BACKGROUND``; what it raises is logged, and the next call is made.
    """

    def __init__(self, write_heartbeat: Callable[[], None]) -> None:
        self._write_heartbeat = write_heartbeat
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Start the thread; a second call does nothing."""
        if self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        """Stop after a call in progress."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(HEARTBEAT_IN_BACKGROUND):
            try:
                self._write_heartbeat()
            except Exception as error:  # whatever it is, the next heartbeat may succeed, and silence would lose the run
                _log.warning("a heartbeat could not be written: %s: %s", type(error).__name__, error)
