"""All finished runs of a study by algorithm and scenario, with settings told apart where a study holds several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from harness.runs.provenance import config_hash

DIGITS = 6
"""Of a digest behind a name: enough to tell the few settings of one study apart."""
OF_THE_FIGHT = ("scenario", "fight")
"""What a scenario's name stands for, beside which its world has options."""


class Configured(Protocol):
    """A run as far as its name in the tables goes; finished ones are ``RunRow``."""

    @property
    def algorithm(self) -> str: ...
    @property
    def scenario(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def config(self) -> dict[str, Any]: ...


R = TypeVar("R", bound=Configured)


def group_study(runs: Sequence[R]) -> dict[tuple[str, str], list[R]]:
    """(algorithm, scenario) -> its runs by seed, in the order in which they were first started.

    Where one algorithm was run with several settings, each counts as an algorithm of its own, called
    ``name@digest`` of its settings; where one scenario was played with several options of its world, each counts as a
    scenario, likewise.
    """
    algorithms = _labels(runs, lambda run: run.algorithm, _settings)
    scenarios = _labels(runs, lambda run: run.scenario, _options)
    grouped: dict[tuple[str, str], list[R]] = {}
    for run, algorithm, scenario in zip(runs, algorithms, scenarios, strict=True):
        grouped.setdefault((algorithm, scenario), []).append(run)
    return {key: sorted(members, key=lambda run: run.seed) for key, members in grouped.items()}


def _settings(run: Configured) -> dict[str, Any]:
    """Everything of a run that its world does not decide."""
    return {part: value for part, value in run.config.items() if part != "env"}


def _options(run: Configured) -> dict[str, Any]:
    """What the world of a run was told beside its scenario."""
    return {name: value for name, value in run.config.get("env", {}).items() if name not in OF_THE_FIGHT}


def _labels(runs: Sequence[R], name: Callable[[R], str], part: Callable[[R], dict[str, Any]]) -> list[str]:
    """The name of each run, with a digest of the part where the same name comes with several."""
    digests = [config_hash(part(run))[:DIGITS] for run in runs]
    known: dict[str, set[str]] = {}
    for run, digest in zip(runs, digests, strict=True):
        known.setdefault(name(run), set()).add(digest)
    return [
        name(run) if len(known[name(run)]) == 1 else f"{name(run)}@{digest}"
        for run, digest in zip(runs, digests, strict=True)
    ]
