"""Expand the arguments of a comparison into fully resolved run plans."""

from __future__ import annotations

from typing import Any

import algorithms.registry
from harness.cli.overrides import resolve_config, resolve_env
from harness.flags.compare import CompareArgs
from harness.runs.plan import RunPlan
from harness.runs.process import parse_device, resolve_device


def plan_runs(args: CompareArgs) -> tuple[list[RunPlan], list[str]]:
    """Every run of the comparison: seed by seed, so that each algorithm has a first number early.

    Returns:
        The plans, and a line for each setting that differs from its default.

    Raises:
        UsageError: a setting is unknown or of the wrong type, or the device or a
            package that a scenario needs is not there.
    """
    device = device_of_runs(args)
    configs, options = {}, {}
    notes: dict[str, None] = {}  # in order, each line once
    for name in args.algorithms:
        config_class = algorithms.registry.config_class(name)
        configs[name], lines = resolve_config(name, config_class, args.settings, _overrides(args, name))
        notes |= dict.fromkeys(lines)
    for scenario in args.scenarios:
        options[scenario], lines = resolve_env(scenario, args.settings, args.backend)
        notes |= dict.fromkeys(lines)
    plans = [
        RunPlan(
            algorithm=name,
            config=configs[name],
            scenario=scenario,
            env_options=options[scenario],
            seed=seed,
            budget=args.budget,
            num_envs=args.num_envs,
            device=device,
            backend=args.backend,
            checkpoint_replay=args.checkpoint_replay,
        )
        for scenario in args.scenarios
        for seed in args.seeds
        for name in args.algorithms
    ]
    return plans, list(notes)


def device_of_runs(args: CompareArgs) -> str:
    """Where networks live: on the workers' cards if they have any, whatever this machine has.

    Raises:
        UsageError: no such device here, where the runs are trained here.
    """
    if args.workers.kind == "local":
        return resolve_device(args.device)
    if args.device == "auto":
        return "cuda" if args.workers.gpus else "cpu"
    return str(parse_device(args.device))


def _overrides(args: CompareArgs, algorithm: str) -> dict[str, dict[str, Any]]:
    """Return an algorithm's settings by its file, then by the preset, then by a budget too short for the usual ones."""
    entry = algorithms.registry.entry(algorithm)
    found = {f"by {file.name}": file.values for file in args.files if file.algorithm == algorithm}
    if args.preset is not None and args.preset in entry.presets:
        found[f"by preset {args.preset}"] = dict(entry.presets[args.preset].settings)
    if args.budget.is_smoke:
        found["by the budget"] = dict(entry.smoke)
    return found
