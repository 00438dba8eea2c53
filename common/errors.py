"""What messages need: an error in words, a name as a shell takes it, a count with its noun."""

from __future__ import annotations

import shlex


def describe(error: BaseException) -> str:
    """Return ``TypeError: its message``; an error that cannot say what it is gives its type alone."""
    try:
        text = str(error)
    except Exception:
        text = "its message cannot be shown"
    if isinstance(error, SystemExit):
        text += " (it asks the whole program to end; raise another exception to end a run)"
    return f"{type(error).__name__}: {text}"


def quoted(name: object) -> str:
    """Return a path, address or name as a shell takes it, for commands that a message tells the reader to type."""
    return shlex.quote(str(name))


def counted(number: int, noun: str) -> str:
    """Return ``1 seed``, ``3 seeds``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
