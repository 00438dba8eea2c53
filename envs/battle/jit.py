"""Compiled code of the engine: the decorator for every function of it, and when it may use all threads.

No fastmath, so that results are the same everywhere.

A child that was forked has the memory of its parent but not the parent's threads. Every OpenMP library then waits for
threads that do not exist, or ends the process: GNU's does, and so does numba's own "workqueue". It makes no difference
whether numba started them or torch did. A forked child therefore steps its battles one after the other, with the same
results; a child that was spawned uses all threads.

Two Python threads may not enter numba's "workqueue" at the same time (it ends the process). With other threading layers
they may, but gain nothing, since each call uses every core.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from functools import partial
from pathlib import Path

from common.machine_code import MachineCode

ENGINE_FOLDER = Path(__file__).parent
MACHINE_CODE = MachineCode(ENGINE_FOLDER, "the compiled engine", last=("step.step_one_by_one", "step.step_in_parallel"))
kernel = MACHINE_CODE.kernel
is_compiled = MACHINE_CODE.is_compiled
announce_compiling = partial(MACHINE_CODE.announce_compiling, "the battle engine", "a minute or two")

one_at_a_time = threading.Lock()
"""Held while a batch is stepped on all threads."""


def _started_by_fork() -> bool:
    """Whether ``multiprocessing`` forked this process, perhaps before this file was imported."""
    if multiprocessing.parent_process() is None:
        return False
    own = getattr(multiprocessing.current_process(), "_start_method", None)
    return (own or multiprocessing.get_start_method(allow_none=True)) == "fork"


_forked = _started_by_fork()


def in_forked_child() -> bool:
    """Return whether this process was forked, so that it may not rely on its parent's threads."""
    return _forked


def _note_the_fork() -> None:
    global _forked, one_at_a_time
    _forked = True
    one_at_a_time = threading.Lock()  # the parent's may have been held


if hasattr(os, "register_at_fork"):  # systems without fork need nothing
    os.register_at_fork(after_in_child=_note_the_fork)
