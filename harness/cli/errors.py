"""Errors caused by user input."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from common.registry import unknown_name_text


class UsageError(ValueError):
    """User input that cannot be used; the message says what arrived, what is allowed and what to type next."""


def unknown_name(kind: str, name: str, known: Iterable[str], *, hint: str = "") -> UsageError:
    """Return the error for a name that is not in a list; arguments as of ``common.registry.unknown_name_text``."""
    return UsageError(unknown_name_text(kind, name, known, hint=hint))


def check_known(kind: str, names: Iterable[str], known: Collection[str], *, hint: str = "") -> None:
    """Refuse names that are not in a list, the first of them; arguments as of ``unknown_name``.

    Raises:
        UsageError: one is not.
    """
    for name in names:
        if name not in known:
            raise unknown_name(kind, name, known, hint=hint)
