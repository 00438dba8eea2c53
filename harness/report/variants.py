"""What runs are called: by their algorithm, and by settings where one algorithm took part with several."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

PLACE = ("env.scenario", "env.fight")
"""Settings that belong to the scenario and so part no variants."""


def variant_names(runs: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """A name for each run; runs that differ in more than scenario and seed differ in name.

    Args:
        runs: algorithm and resolved configuration of each.

    Returns:
        ``k24``, or ``k24, div_coef=0.2`` where a study holds k24 with other values as well.
    """
    settings = [_settings(config) for _, config in runs]
    names = []
    for (algorithm, _), own in zip(runs, settings, strict=True):
        rivals = [theirs for (other, _), theirs in zip(runs, settings, strict=True) if other == algorithm]
        differing = [key for key in sorted(own) if any(theirs.get(key) != own[key] for theirs in rivals)]
        names.append(", ".join([algorithm, *(f"{_short(key)}={own[key]}" for key in differing)]))
    return names


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings under dotted names."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        found |= flat(value, f"{name}.") if isinstance(value, Mapping) and value else {name: value}
    return found


def _settings(config: Mapping[str, Any]) -> dict[str, str]:
    """Those that make a variant, values as text."""
    return {
        key: value if isinstance(value, str) else json.dumps(value, default=str)
        for key, value in flat(config).items()
        if not any(key == place or key.startswith(f"{place}.") for place in PLACE)
    }


def _short(key: str) -> str:
    """``algorithm.div_coef`` -> ``div_coef``; ``env.rules`` -> ``rules``."""
    return key.partition(".")[2] or key
