"""Compile what runs need before the first of them: the learners in a process beside the one that compiles the engine.

    echo '[JOB, …]' | python -m harness.runs.warm_up

compiles the learners of jobs, each of ``RunPlan.to_json``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any

from algorithms.kernels.compiled import MACHINE_CODE
from envs.battle.engine import BattleEnv
from envs.protocol import BatchedEnv
from harness.runs.plan import RunPlan


def compile_ahead(plans: Sequence[RunPlan]) -> None:
    """Compile engine and learners side by side where no earlier process did; a second core halves the wait.

    What fails here is tried again by the run that needs it, which says why.

    Args:
        plans: runs that this machine will do.
    """
    here = {plan.algorithm: plan for plan in plans if plan.device == "cpu" and plan.backend == "battle"}
    if not here or MACHINE_CODE.is_compiled():
        return
    jobs = json.dumps([plan.to_json() for plan in here.values()])
    command = [sys.executable, "-m", "harness.runs.warm_up"]
    # a session of its own: the terminal's Ctrl-C is for this process, which ends the other
    beside = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        assert beside.stdin is not None, "it was asked for"
        with suppress(BrokenPipeError), beside.stdin as stdin:
            stdin.write(jobs.encode())
        plan = next(iter(here.values()))
        with suppress(Exception), closing(plan.make_env(plan.num_envs, 0)) as world:
            compile_world(world)
        beside.wait()
    finally:
        beside.kill()
        beside.wait()


def compile_world(env: BatchedEnv) -> None:
    """Play one step of a built-in battle, so that compiling, or loading what is compiled, is booked to no run's speed.

    The world is reset afterwards; worlds from elsewhere are left alone.
    """
    if isinstance(env, BattleEnv):
        env.reset()
        env.step(env.action_mask.argmax(axis=-1))


def compile_learners(jobs: Sequence[dict[str, Any]]) -> None:
    """Run every compiled pass of the jobs' algorithms once; one that cannot be built here is passed over.

    Args:
        jobs: of ``RunPlan.to_json``.
    """
    for job in jobs:
        with suppress(Exception):  # one of the user's own is not registered here; a broken one fails in its run
            plan = RunPlan.from_json(job)
            with closing(plan.make_env(1, 0)) as world:  # its shapes are needed; it plays nothing
                plan.make_algorithm(world.spec, seed=0).compile()


if __name__ == "__main__":
    compile_learners(json.load(sys.stdin))
