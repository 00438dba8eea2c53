"""Errors of somebody else's code, in words."""

from __future__ import annotations


def describe(error: BaseException) -> str:
    """Return ``TypeError: its message``; an error that cannot say what it is gives its type alone."""
    try:
        text = str(error)
    except Exception:
        text = "its message cannot be shown"
    if isinstance(error, SystemExit):
        text += " (it asks the whole program to end; raise another exception to end a run)"
    return f"{type(error).__name__}: {text}"
