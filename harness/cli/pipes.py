"""Output whose reader has left, such as ``head`` behind a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

LEFT = 141
"""Exit code where the reader left before the end; what a shell reports of a program that SIGPIPE ended."""


def until_reader_leaves(run: Callable[[], int]) -> int:
    """Run a program's body; where the reader of its output leaves, end without a word.

    Returns:
        Its exit code, or ``LEFT``.
    """
    try:
        try:
            return run()
        finally:
            if sys.stdout is not None:  # a shell may have closed it
                sys.stdout.flush()  # not first at the interpreter's end, which nobody can catch
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the end can flush what is left
        return LEFT
