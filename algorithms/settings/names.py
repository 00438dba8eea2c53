"""The names that users of PyMARL, Kaleidoscope and K24 already know, and where they are found here."""

from __future__ import annotations

from typing import Any

from algorithms import registry
from common.registry import did_you_mean, load


def known_names() -> dict[str, str]:
    """Return known name -> ``module:attribute``, of all registered algorithms."""
    rows = (registry.entry(id).pymarl for id in registry.ids())
    return {name: location for names in rows if names for name, location in names.parts.items()}


def resolve(name: str) -> Any:
    """Import what a known name stands for.

    Raises:
        ValueError: the name is unknown; near matches are named.
    """
    known = known_names()
    if name not in known:
        hint = did_you_mean(name, known) or f"known are {', '.join(sorted(known))}"
        raise ValueError(f"unknown name {name!r}; {hint.strip()}")
    return load(known[name])
