"""What names such as ``k24@0a1b2c`` stand for: the settings in which runs of one name differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.results.grouping import Configured


def meanings(runs: Iterable[tuple[str, str, Configured]]) -> dict[str, str]:
    """Name with a digest -> the settings that part it from its like; empty where every name stands for one thing.

    Args:
        runs: each with the names of its algorithm and its scenario, as ``group_study`` gives them.
    """
    every = list(runs)
    algorithms = {name: flat({k: v for k, v in run.config.items() if k != "env"}) for name, _, run in every}
    scenarios = {name: flat({"env": run.config.get("env", {})}) for _, name, run in every}
    return _differences(algorithms) | _differences(scenarios)


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings under dotted names."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        name = f"{prefix}{key}"
        found |= flat(value, f"{name}.") if isinstance(value, Mapping) and value else {name: value}
    return found


def _differences(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    told = {}
    for name, own in settings.items():
        like = [theirs for other, theirs in settings.items() if other.partition("@")[0] == name.partition("@")[0]]
        keys = [key for key, value in own.items() if any(theirs.get(key) != value for theirs in like)]
        if keys:
            told[name] = ", ".join(f"{key} = {own[key]}" for key in keys)
    return told
