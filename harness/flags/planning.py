"""Before runs start: expand the arguments of a comparison into fully resolved run plans, and estimate their memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

import algorithms.registry
from envs.spec import EnvSpec
from harness.cli.errors import UsageError
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


PROCESS = 0.45e9
"""Bytes of a process before it trains: interpreter, torch, the compiled engine and learner."""
LENGTH, LONGEST = 50, 75
"""Env steps of a battle on average, and of the longest of a batch, where the limit allows it."""
NON_ZERO, ENTRY = 0.2, 6
"""Share of an observation's numbers that are not zero, which is what the replay keeps, and bytes of each of them."""
PLANES = 9
"""Hidden layers that an update keeps of each row until its backward pass."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """About how many bytes a run will take."""

    algorithm: str
    scenario: str
    replay: float
    """bytes of a full replay; 0 for a learner without one"""
    update: float
    """bytes of a padded batch, and of what an update keeps for its backward pass"""

    def process(self, runs: int) -> float:
        """Bytes of a process that holds so many such runs at a time."""
        return PROCESS + runs * (self.replay + self.update)


def forecast(plan: RunPlan, spec: EnvSpec) -> Forecast:
    """Estimate a run's memory from its config: a full replay, and an update on a batch of it."""
    config, n = plan.config, spec.n_agents
    steps = min(getattr(config, "buffer_size", 0) * min(LENGTH, spec.episode_limit), plan.budget.env_steps)
    view = NON_ZERO * ENTRY * (n * spec.obs_size + spec.state_size) + n * (spec.n_actions + 2)
    rows = getattr(config, "batch_size", 0) * min(LONGEST, spec.episode_limit) * n
    update = rows * 4 * (2 * spec.obs_size + PLANES * getattr(config, "rnn_hidden_dim", 0))
    return Forecast(algorithm=plan.algorithm, scenario=plan.scenario, replay=steps * view, update=update)


def check_memory(plans: Sequence[RunPlan], n_jobs: int, seeds: int = 1) -> str:
    """Say what the largest runs need when ``n_jobs`` processes train side by side.

    Args:
        plans: the runs.
        n_jobs: processes.
        seeds: runs that each process holds at a time: all seeds of a trial of a search.

    Returns:
        A line for the log; empty where nothing is known of the world, which is where the built-in engine does not play.

    Raises:
        UsageError: this machine does not have that much memory at all.
    """
    found = sorted(_forecasts(plans), key=lambda each: -each.process(seeds))[: max(1, n_jobs)]
    if not found:
        return ""
    most, together, (available, limit) = found[0], sum(each.process(seeds) for each in found), machine_memory()
    at_a_time = f", {seeds} seeds at a time" if seeds > 1 else ""
    parts = f"replay {_gb(most.replay)}, update {_gb(most.update)}{at_a_time}"
    what = f"{most.algorithm} on {most.scenario} needs about {_gb(most.process(seeds))} ({parts})"
    if len(found) > 1:
        what += f", {len(found)} {'processes' if seeds > 1 else 'runs'} side by side {_gb(together)}"
    if together > limit:
        fewer = "--n-jobs 1, or " * (len(found) > 1) + "fewer --seeds, or " * (seeds > 1)
        raise UsageError(
            f"{what}; this machine has {_gb(limit)} of memory. Type {fewer}a smaller replay: "
            f"--set {most.algorithm}.buffer_size=1000 (or a smaller --set {most.algorithm}.batch_size)"
        )
    warning = "; other programs use so much that it may not fit" if together > available else ""
    return f"memory: {what}; {_gb(available)} are free{warning}"


def machine_memory() -> tuple[float, float]:
    """Bytes that are free now, and bytes that this process may ever use: of the machine, or of its control group."""
    machine = psutil.virtual_memory()
    available, limit = float(machine.available), float(machine.total)
    for folder, most, now in (
        ("/sys/fs/cgroup", "memory.max", "memory.current"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        with suppress(OSError, ValueError):  # no such file, or "max"
            allowed, used = (float(Path(folder, name).read_text(encoding="utf-8")) for name in (most, now))
            available, limit = min(available, max(allowed - used, 0.0)), min(limit, allowed)
    return available, limit


def _forecasts(plans: Sequence[RunPlan]) -> Iterator[Forecast]:
    """One for each run in the built-in engine."""
    specs: dict[str, EnvSpec] = {}
    for plan in plans:
        if plan.backend != "battle":
            continue
        if plan.scenario not in specs:
            try:
                with closing(plan.make_env(1, 0)) as env:
                    specs[plan.scenario] = env.spec
            except Exception:  # the world of a user may raise anything; its run will say what
                continue
        yield forecast(plan, specs[plan.scenario])


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
