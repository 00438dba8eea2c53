"""Errors caused by user input."""

from __future__ import annotations

from collections.abc import Iterable

from common.registry import unknown_name_text


class UsageError(ValueError):
    """User input that cannot be used; the message says what arrived, what is allowed and what to type next."""


def unknown_name(kind: str, name: str, known: Iterable[str], *, hint: str = "") -> UsageError:
    """Return the error for a name that is not in a list; arguments as of ``common.registry.unknown_name_text``."""
    return UsageError(unknown_name_text(kind, name, known, hint=hint))
