"""A loop whose turns run on several threads, for compiled functions that let go of the interpreter's lock.

Plain Python threads: they sleep while there is nothing to do, where OpenMP's spin and slow down every other process
of the machine; and a forked child simply starts its own.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_pool: tuple[int, ThreadPoolExecutor] | None = None


def parallel_for(turns: int, work: Callable[[int, int], None], threads: int) -> None:
    """Call ``work(turn, thread)`` for every turn, first come first served, and wait until all are done.

    Args:
        turns: how many; they are started in order.
        work: one turn; ``thread`` says which of the threads runs it, 0..threads−1.
        threads: how many run at a time, the caller's among them.

    Raises:
        Exception: whatever a turn raised, the first one's.
    """
    threads = min(threads, turns)
    numbers = itertools.count()

    def take_turns(thread: int) -> None:
        while (turn := next(numbers)) < turns:
            work(turn, thread)

    helpers = [_executor(threads - 1).submit(take_turns, thread) for thread in range(1, threads)]
    try:
        take_turns(0)
    finally:
        for helper in helpers:
            helper.exception()  # waits
    for helper in helpers:
        helper.result()


def _executor(helpers: int) -> ThreadPoolExecutor:
    global _pool
    if _pool is None or _pool[0] < helpers:
        _pool = helpers, ThreadPoolExecutor(helpers, thread_name_prefix="k24-kernels")
    return _pool[1]


def _forget() -> None:
    """A forked child has none of its parent's threads."""
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
