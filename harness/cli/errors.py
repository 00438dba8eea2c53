"""Mistakes that a user can make on the command line, and how they are told."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UsageError(ValueError):
    """What the user asked for cannot be done; the message says what arrived, what is allowed and what to type next."""


def unknown_name(kind: str, name: str, known: Iterable[str], *, hint: str = "") -> UsageError:
    """The error for a name that is not in a list, near matches first.

    Args:
        kind: what the name should have been, for example ``budget``.
        name: what arrived.
        known: the names that would have worked.
        hint: what to type next, if the list alone does not say it.
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    message = f"unknown {kind} {name!r}"
    if near:
        message += f"; did you mean {' or '.join(near)}?"
    message += f" Known: {', '.join(names) or 'none'}." if near else f"; known: {', '.join(names) or 'none'}."
    return UsageError(f"{message} {hint}".rstrip())
