"""The standard streams: signs that their encoding lacks, and a reader that leaves; light, for the list of commands."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Callable

_SIGNS = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "…": "...",
        "×": "x",
        "·": "|",
        "±": "+/-",
        "“": '"',
        "”": '"',
        "≥": ">=",
        "→": "->",
        "†": "(!)",
        "‡": "(!!)",
    }
)
"""What stands for a sign on a console that cannot show it."""


def _ascii_signs(error: UnicodeError) -> tuple[str, int]:
    """Codec error handler: a plain sign, or the escape of one that has none."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end].translate(_SIGNS)
    return found.encode("ascii", "backslashreplace").decode("ascii"), error.end


codecs.register_error("ascii_signs", _ascii_signs)


def speak_any_encoding() -> None:
    """Let both standard streams show what their encoding lacks in plain signs, rather than end in an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="ascii_signs")


LEFT = 141
"""Exit code where the reader left before the end; what a shell reports of a program that SIGPIPE ended."""


def until_reader_leaves(run: Callable[[], int]) -> int:
    """Run a program's body; where the reader of its output leaves, such as ``head`` behind a pipe, end without a word.

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
