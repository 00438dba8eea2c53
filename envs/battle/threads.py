"""Decide when a batch may be stepped on all threads: never in a forked child, and by one Python thread at a time.

A child that was forked has the memory of its parent but not the parent's threads. Every OpenMP library then waits for
threads that do not exist, or ends the process: GNU's does, and so does numba's own "workqueue". It makes no difference
whether numba started them or torch did. A forked child therefore steps its battles one after the other, with the same
results; a child that was spawned uses all threads.

Two Python threads may not enter numba's "workqueue" at the same time (it ends the process). With other threading layers
they may, but gain nothing, since each call uses every core.
"""

from __future__ import annotations

import os
import threading

one_at_a_time = threading.Lock()
"""Held while a batch is stepped on all threads."""
_forked = False


def in_forked_child() -> bool:
    """Whether this process was forked from one that had imported this file."""
    return _forked


def _note_the_fork() -> None:
    global _forked, one_at_a_time
    _forked = True
    one_at_a_time = threading.Lock()  # the parent's may have been held


if hasattr(os, "register_at_fork"):  # systems without fork need nothing
    os.register_at_fork(after_in_child=_note_the_fork)
