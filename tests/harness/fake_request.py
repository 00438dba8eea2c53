"""A ready request on the fake world, and its plans."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from harness.flags.compare import CompareArgs
from harness.flags.planning import plan_runs
from harness.runs.budget import BUDGETS
from harness.runs.plan import RunPlan


def request_for(**changed: object) -> CompareArgs:
    """The smoke budget with the rule on the fake world, fields replaced as given."""
    request = CompareArgs(
        algorithms=("rule",),
        scenarios=("fake",),
        seeds=(0,),
        budget=BUDGETS["smoke"],
        settings=(),
        storage="sqlite:///unused.db",
        study="s",
        device="cpu",
        out=Path("unused"),
        num_envs=4,
        command="",
    )
    return dataclasses.replace(request, **changed)  # type: ignore[arg-type]


def plans_for(**changed: object) -> list[RunPlan]:
    """Plans on the fake world: scenario by scenario, seed by seed."""
    return plan_runs(request_for(**changed))[0]
