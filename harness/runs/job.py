"""A planned run as data, so that another process or machine can do it: ``k24_runs.job``."""

from __future__ import annotations

import dataclasses
from typing import Any

import algorithms.registry
import envs.registry
from harness.cli.errors import UsageError
from harness.runs.budget import Budget
from harness.runs.plan import RunPlan, resolve_device


def job_of(plan: RunPlan, *, deterministic: bool = False) -> dict[str, Any]:
    """Everything that ``plan_of`` needs, JSON-able.

    Args:
        plan: the run.
        deterministic: whether it shall use only operations that give the same bits each time.
    """
    fields = ("algorithm", "scenario", "seed", "num_envs", "device", "backend", "checkpoint_replay")
    return {
        **{name: getattr(plan, name) for name in fields},
        "config": dataclasses.asdict(plan.config),
        "env_options": dataclasses.asdict(plan.env_options),
        "budget": dataclasses.asdict(plan.budget),
        "config_hash": plan.key.config_hash,
        "deterministic": deterministic,
    }


def plan_of(job: dict[str, Any], device: str = "auto") -> RunPlan:
    """The plan again, as this process would have made it.

    Args:
        job: of ``job_of``.
        device: where this process works: a run that was planned for ``cuda`` takes the one it names.

    Raises:
        UsageError: what the run needs is not here: its algorithm, scenario, game, device, or the same settings.
    """
    name, scenario, backend = job["algorithm"], job["scenario"], job.get("backend", "battle")
    for kind, wanted, known in (
        ("algorithm", name, algorithms.registry.ids()),
        ("scenario", scenario, envs.registry.ids()),
    ):
        if wanted not in known:
            raise UsageError(f"{kind} {wanted} is not registered here; name the file that does: --import my_file.py")
    try:
        plan = RunPlan(
            algorithm=name,
            config=algorithms.registry.config_class(name)(**_with_tuples(job["config"])),
            scenario=scenario,
            env_options=envs.registry.options_class(scenario, backend)(**_with_tuples(job["env_options"])),
            seed=job["seed"],
            budget=Budget(**job["budget"]),
            num_envs=job["num_envs"],
            device=_device(job["device"], device),
            backend=backend,
            checkpoint_replay=job["checkpoint_replay"],
        )
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name} {scenario}: planned by another version of this program ({error})") from error
    try:
        envs.registry.require_installed(scenario, backend, plan.env_options)
    except ValueError as error:
        raise UsageError(f"{plan.label}: {error}") from error
    if plan.key.config_hash != job["config_hash"]:
        raise UsageError(
            f"{plan.label}: here its settings are others than where it was planned ({plan.key.config_hash}, there "
            f"{job['config_hash']}); give this machine the same version and the same --import files"
        )
    return plan


def _device(planned: str, here: str) -> str:
    """The device of this process for a run that was planned for one of the same kind."""
    kind = planned.partition(":")[0]
    if here == "auto":
        return resolve_device(planned if kind == "cpu" else kind)
    if resolve_device(here).partition(":")[0] != kind:
        raise UsageError(f"it was planned for {kind}, this worker is on {here}")
    return here


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    """JSON knows no tuples, and config dataclasses hold no lists."""
    return {name: _tuple(value) for name, value in values.items()}


def _tuple(value: Any) -> Any:
    return tuple(_tuple(each) for each in value) if isinstance(value, list) else value
