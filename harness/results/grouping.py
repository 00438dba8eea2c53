"""Group runs by algorithm, scenario and settings, and name the groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from harness.runs.plan import RunPlan
from harness.runs.provenance import config_hash, flat
from studies.rows import RunRow, UnfinishedRun, key_of

Groups = Mapping[tuple[str, str], Sequence[RunRow]]
"""(algorithm, scenario) -> its finished runs by seed, in the order of the table."""

DIGITS = 6
"""Of a digest behind a name: long enough to distinguish the few settings of one study."""
R = TypeVar("R", bound=RunRow | UnfinishedRun)


def group_runs_by_config(runs: Sequence[R]) -> dict[tuple[str, str], list[R]]:
    """(algorithm, scenario) -> its runs by seed, in the order in which they were first started.

    Where one algorithm was run with several settings, each counts as an algorithm of its own, called
    ``name@digest`` of its settings; where one scenario was played with several options of its world, each counts as a
    scenario, likewise.
    """
    algorithms = _labels(runs, lambda run: run.algorithm, _settings)
    scenarios = _labels(runs, lambda run: run.scenario, _options)
    return _grouped(runs, zip(algorithms, scenarios, strict=True))


def group_by_name(runs: Sequence[R]) -> dict[tuple[str, str], list[R]]:
    """(algorithm, scenario) -> its runs by seed, whatever their settings."""
    return _grouped(runs, ((run.algorithm, run.scenario) for run in runs))


def _grouped(runs: Sequence[R], keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[R]]:
    grouped: dict[tuple[str, str], list[R]] = {}
    for run, key in zip(runs, keys, strict=True):
        grouped.setdefault(key, []).append(run)
    return {key: sorted(members, key=lambda run: run.seed) for key, members in grouped.items()}


def _settings(run: RunRow | UnfinishedRun) -> dict[str, Any]:
    """Everything of a run that its world does not decide."""
    return {part: value for part, value in run.config.items() if part != "env"}


def _options(run: RunRow | UnfinishedRun) -> dict[str, Any]:
    """Return the options of a run's world, and what its scenario stands for: a map may have been redefined."""
    return {name: value for name, value in run.config.get("env", {}).items() if name != "scenario"}


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


def label_legend(runs: Iterable[tuple[str, str, RunRow | UnfinishedRun]]) -> dict[str, str]:
    """Name with a digest -> the settings in which it differs from its namesakes; empty where no name has one.

    Args:
        runs: each with the names of its algorithm and its scenario, as ``group_runs_by_config`` gives them.
    """
    return _legend(list(runs), _settings)


def name_across_studies(runs: Sequence[RunRow]) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Name runs of several studies by algorithm and scenario, with a digest where these come with several settings.

    Returns:
        The name of each run's algorithm and of its scenario; and what names with a digest stand for. The length of
        training and the settings of evaluation do not count.
    """
    algorithms = _labels(runs, lambda run: run.algorithm, _of_algorithm)
    scenarios = _labels(runs, lambda run: run.scenario, _options)
    named = list(zip(algorithms, scenarios, runs, strict=True))
    legend = _legend(named, lambda run: {"algorithm": _of_algorithm(run)})
    return [(algorithm, scenario) for algorithm, scenario, _ in named], legend


def _of_algorithm(run: RunRow | UnfinishedRun) -> dict[str, Any]:
    settings: dict[str, Any] = run.config.get("algorithm", {})
    return settings


def _legend(runs: Sequence[tuple[str, str, R]], settings: Callable[[R], dict[str, Any]]) -> dict[str, str]:
    algorithms = {name: flat(settings(run)) for name, _, run in runs}
    scenarios = {name: flat({"env": _options(run)}) for _, name, run in runs}
    return _distinct_settings(algorithms) | _distinct_settings(scenarios)


def _distinct_settings(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    legend = {}
    for name, own in settings.items():
        like = [theirs for other, theirs in settings.items() if other.partition("@")[0] == name.partition("@")[0]]
        keys = [key for key, value in own.items() if any(theirs.get(key) != value for theirs in like)]
        if keys:
            legend[name] = ", ".join(f"{key} = {own[key]}" for key in keys)
    return legend


def group_runs(plans: Sequence[RunPlan], runs: Sequence[RunRow]) -> dict[tuple[str, str], list[RunRow]]:
    """The finished runs of a comparison, in the order of its plans; those outside it are passed over."""
    by_key = {key_of(run): run for run in runs}
    grouped: dict[tuple[str, str], list[RunRow]] = {}
    for key in (plan.key for plan in plans):
        members = grouped.setdefault((key.algorithm, key.scenario), [])
        members += [by_key[key]] if key in by_key else []
    return grouped


def has_winners(run: RunRow) -> bool:
    """Whether the run's scenario can be won."""
    return bool(run.details.get("can_be_won", True))


def algorithms_of(grouped: Groups) -> list[str]:
    """The algorithms, in the order of the table."""
    return list(dict.fromkeys(algorithm for algorithm, _ in grouped))
