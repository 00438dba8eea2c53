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
        overrides = {
            **_from_file(args, name),
            **_from_preset(args, name),
            **_from_budget(args, name),
        }
        configs[name], lines = resolve_config(name, config_class, args.settings, overrides)
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


def _from_file(args: CompareArgs, algorithm: str) -> dict[str, dict[str, Any]]:
    """Return the settings of this algorithm's file, where one was given."""
    return {f"by {file.name}": file.values for file in args.files if file.algorithm == algorithm}


def _from_preset(args: CompareArgs, algorithm: str) -> dict[str, dict[str, Any]]:
    """The algorithm's preset for this class of fights, where it has one."""
    presets = algorithms.registry.entry(algorithm).presets
    if args.preset is None or args.preset not in presets:
        return {}
    return {f"by preset {args.preset}": dict(presets[args.preset].settings)}


def _from_budget(args: CompareArgs, algorithm: str) -> dict[str, dict[str, Any]]:
    """Return the settings that a run too short for the usual ones needs smaller."""
    return {"by the budget": dict(algorithms.registry.entry(algorithm).smoke)} if args.budget.is_smoke else {}
