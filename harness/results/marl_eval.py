"""The JSON layout of marl-eval, so that its plots and tables can be drawn from a study here.

    environment -> task -> algorithm -> run -> step_0, step_1, …, absolute_metrics -> metric -> [values]

Its readers put all of it into one array, so every task must have the same algorithms, every algorithm the same number
of runs, and every run the same steps. Seeds and steps that only some have are left out, and a message lists them; an
algorithm that is missing on a task is refused, since only the user knows which of the two to leave out.

Source: R. Gorsane et al., "Towards a standardised performance evaluation protocol for cooperative MARL", NeurIPS 2022;
the layout as the package's README gives it. Each list holds one element, the mean over the battles of an evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from harness.cli.errors import UsageError
from harness.results.grouping import Groups, has_winners
from studies.rows import CurvePoint, RunRow

BUILT_IN = "battle"
"""The environment's name for what the built-in engine plays."""

Curves = Callable[[int], Sequence[CurvePoint]]
Tasks = dict[str, dict[str, dict[str, dict[str, Any]]]]
"""Task -> algorithm -> run -> its steps."""
Layout = dict[str, Tasks]


def marl_eval_layout(grouped: Groups, curve_points: Curves) -> tuple[Layout, list[str]]:
    """Runs in the layout of marl-eval.

    Args:
        grouped: finished runs by algorithm and scenario.
        curve_points: gives a run's evaluations during training.

    Returns:
        The layout, JSON-able, and a line for everything that was left out.

    Raises:
        UsageError: an algorithm is missing on a scenario, or runs of one environment share no seed or no step.
    """
    by_environment: dict[str, dict[tuple[str, str], Sequence[RunRow]]] = {}
    for (algorithm, scenario), runs in grouped.items():
        if runs:
            by_environment.setdefault(environment_of(runs[0]), {})[algorithm, scenario] = runs
    layout: Layout = {}
    left_out: list[str] = []
    for environment, groups in by_environment.items():
        _require_all(groups)
        layout[environment] = _environment(groups, curve_points, left_out)
    return layout, left_out


def environment_of(run: RunRow) -> str:
    """``battle`` for the built-in engine; else what stands before the slash of the scenario, or its module."""
    fight = run.config.get("env", {}).get("fight", {})
    if "entry_point" not in fight:
        return BUILT_IN
    family, slash, _ = run.scenario.partition("/")
    return family if slash else str(fight["entry_point"]).partition(":")[0]


def _require_all(groups: Groups) -> None:
    algorithms, scenarios = ({key[place] for key in groups} for place in (0, 1))
    for algorithm in sorted(algorithms):
        missing = sorted(scenario for scenario in scenarios if (algorithm, scenario) not in groups)
        if missing:
            others = ",".join(sorted(algorithms - {algorithm}))
            has = ",".join(sorted(scenarios - set(missing)))
            raise UsageError(
                f"{algorithm} has no finished run on {', '.join(missing)}, and marl-eval takes only algorithms that "
                f"have been run on every task; leave one out: --algos {others}, or --scenarios {has}"
            )


def _environment(groups: Groups, curve_points: Curves, left_out: list[str]) -> Tasks:
    """Reduce all runs to what they share."""
    seeds = _shared({key: [run.seed for run in runs] for key, runs in groups.items()}, "seed", left_out)
    curves = {
        (*key, run.seed): {point.env_steps: point for point in curve_points(run.run_id)}
        for key, runs in groups.items()
        for run in runs
        if run.seed in seeds
    }
    steps = _shared({key: list(points) for key, points in curves.items()}, "env_step", left_out)
    can_be_won = all(has_winners(run) for runs in groups.values() for run in runs)
    tasks: Tasks = {}
    for (algorithm, scenario), runs in groups.items():
        _, _, task = scenario.rpartition("/")
        tasks.setdefault(task, {})[algorithm] = {
            f"seed_{run.seed}": _run(run, [curves[algorithm, scenario, run.seed][step] for step in steps], can_be_won)
            for run in runs
            if run.seed in seeds
        }
    return tasks


def _run(run: RunRow, points: Sequence[CurvePoint], can_be_won: bool) -> dict[str, Any]:
    """One run: its evaluations during training, then the final one."""

    def metrics(found: CurvePoint | RunRow) -> dict[str, list[float]]:
        won = {"win_rate": [found.win_rate]} if can_be_won else {}
        return {**won, "return": [found.return_mean]}

    steps = {f"step_{n}": {"step_count": point.env_steps, **metrics(point)} for n, point in enumerate(points)}
    return {**steps, "absolute_metrics": metrics(run)}


def _shared(each: dict[Any, list[int]], what: str, left_out: list[str]) -> list[int]:
    """Return the entries of all lists; note those of only some as left out.

    Raises:
        UsageError: they share nothing.
    """
    common = set.intersection(*map(set, each.values()))
    if not common:
        raise UsageError(
            f"these runs have no {what} in common, and marl-eval takes only what all have: "
            + "; ".join(f"{' '.join(map(str, key))}: {_few(values)}" for key, values in each.items())
            + ". Choose runs that do: --algos, --scenarios"
        )
    for key, values in each.items():
        surplus = sorted(set(values) - common)
        if surplus:
            left_out.append(f"{' '.join(map(str, key))}: {what}s {_few(surplus)}, which not all others have")
    return sorted(common)


def _few(values: Sequence[int]) -> str:
    """The first of them."""
    return ", ".join(map(str, values[:5])) + (", …" if len(values) > 5 else "")
