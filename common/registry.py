"""One table from names to things, with errors that list near matches.

Scenarios, unit types and algorithms are each a ``Registry``; the order of registration is kept.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class UnknownIdError(ValueError):
    """Nothing is registered under this id; the message lists near matches and all ids."""


class Registry(Generic[T]):
    """Ids and their entries, in order of registration.

    Args:
        kind: what the entries are, for messages: ``"scenario"``.
        hint: how to add one, for messages: ``"envs.register(...)"``.
        error: the class that unknown ids raise.
    """

    def __init__(self, kind: str, *, hint: str = "", error: type[UnknownIdError] = UnknownIdError) -> None:
        self.kind, self.hint, self.error = kind, hint, error
        self._entries: dict[str, T] = {}
        self._aliases: dict[str, str] = {}

    def register(self, id: str, entry: T) -> T:
        """Add an entry under a new id and return it.

        Raises:
            ValueError: the id is not a name, or it is taken.
        """
        self._check_free(id)
        self._entries[id] = entry
        return entry

    def alias(self, other: str, id: str) -> None:
        """Accept another spelling of an id; ``ids`` does not list it.

        Raises:
            ValueError: the spelling is taken, or there is no such id.
        """
        self._check_free(other)
        self.get(id)
        self._aliases[other] = self.resolve(id)

    @contextlib.contextmanager
    def preserved(self) -> Iterator[None]:
        """Undo at the end whatever is registered or changed inside; for tests."""
        entries, aliases = dict(self._entries), dict(self._aliases)
        try:
            yield
        finally:
            self._entries, self._aliases = entries, aliases

    def put_first(self, ids: Iterable[str]) -> None:
        """List these ids before all others, in this order; those that are not registered are left out."""
        first = {id: self._entries[id] for id in ids if id in self._entries}
        self._entries = {**first, **self._entries}

    def ids(self) -> list[str]:
        """All ids, in order of registration."""
        return list(self._entries)

    def resolve(self, id: str) -> str:
        """Return the id that an alias stands for; anything else unchanged."""
        return self._aliases.get(id, id) if isinstance(id, str) else id

    def get(self, id: str) -> T:
        """Return the entry.

        Raises:
            UnknownIdError: unknown id; the message lists near matches and all ids.
        """
        known = self.resolve(id)
        if not isinstance(known, str) or known not in self._entries:
            message = f"unknown {self.kind} {id!r}: {did_you_mean(id, [*self._entries, *self._aliases])}"
            message += f"registered: {', '.join(self._entries)}"
            raise self.error(message + (f"; add your own with {self.hint}" if self.hint else ""))
        return self._entries[known]

    def __contains__(self, id: object) -> bool:
        return id in self._entries or id in self._aliases

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def _check_free(self, id: str) -> None:
        if not isinstance(id, str) or not id:
            raise ValueError(f"{self.kind} {id!r}: an id must be a non-empty string")
        if id in self:
            taken = f" (another spelling of {self._aliases[id]!r})" if id in self._aliases else ""
            raise ValueError(f"{self.kind} {id!r} is already registered{taken}; choose another id")


def near_matches(name: object, names: Iterable[str]) -> list[str]:
    """Up to three of ``names`` that are spelt like ``name``, best first; capitals do not count."""
    folded = {known.lower(): known for known in names}
    return [folded[found] for found in difflib.get_close_matches(str(name).lower(), folded, n=3, cutoff=0.5)]


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """``"did you mean a or b? "``, or an empty string where nothing is near."""
    near = near_matches(name, names)
    return f"did you mean {' or '.join(near)}? " if near else ""


def unknown_name_text(kind: str, name: str, known: Iterable[str], *, hint: str = "") -> str:
    """Return the message for a name that is not in a list, near matches first.

    Args:
        kind: what the name should have been, for example ``budget``.
        name: what arrived.
        known: the names that would have worked.
        hint: what to type next, if the list alone does not say it.
    """
    names = list(known)
    near = near_matches(name, names)
    listed = ", ".join(names) or "none"
    ending = f"; did you mean {' or '.join(near)}? Known: {listed}." if near else f"; known: {listed}."
    return f"unknown {kind} {name!r}{ending} {hint}".rstrip()


def load(location: str) -> Any:
    """Import what ``module:name`` points to.

    Raises:
        ValueError: the location is not of the form ``module:name``.
    """
    module, _, name = location.partition(":")
    if not (module and name):
        raise ValueError(f"location {location!r} must be 'module:name', for example 'my_package.my_file:MyClass'")
    return getattr(importlib.import_module(module), name)
