"""What a trained policy is worth: greedy battles, sparsity, throughput, 2:4 speed-up."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import closing

from algorithms.protocol import Algorithm
from harness.runs.evaluate import Evaluation, evaluate, ignore
from harness.runs.masks import describe_flops, describe_masks
from harness.runs.plan import RunPlan
from harness.runs.seeding import derive_seed
from harness.stats import wilson
from harness.throughput.decisions import measure_throughput
from harness.throughput.speedup24 import measure_speedup24
from studies.rows import EpisodeOutcome, RunResult


def judge(
    plan: RunPlan,
    algorithm: Algorithm,
    *,
    env_steps: int,
    wall: float,
    resumes: int,
    on_battles: Callable[[int], None] = ignore,
) -> tuple[RunResult, tuple[EpisodeOutcome, ...]]:
    """Judge a policy that has finished training.

    Args:
        plan: its run.
        algorithm: the policy.
        env_steps: how long it trained.
        wall: seconds that the run has taken so far.
        resumes: how often it went on from a checkpoint, its replay empty.
        on_battles: told how many battles of the final evaluation have ended now, whenever some have.

    Raises:
        RuntimeError: every battle of the final evaluation aborted, so that nothing can be said.
    """
    found = final_evaluation(plan, algorithm, on_battles)
    if not found.finished:
        raise RuntimeError(f"all {found.aborted} battles of the final evaluation aborted; nothing was measured")
    win_rate = wilson(found.wins, len(found.finished))
    sparsity = algorithm.sparsity()
    throughput = measure_throughput(algorithm, seed=derive_seed(plan.seed, "throughput"))
    speedup = measure_speedup24(algorithm)
    result = RunResult(
        win_rate=win_rate.estimate,
        win_low=win_rate.low,
        win_high=win_rate.high,
        interval_kind=win_rate.kind,
        return_mean=found.mean_return,
        sparsity_masked=sparsity.masked_layers,
        sparsity_model=sparsity.whole_model,
        throughput=throughput.decisions_per_second,
        throughput_batch=throughput.battles * algorithm.spec.n_agents,
        throughput_dtype=throughput.dtype,
        speedup_24=speedup.speedup,
        speedup_24_reason=speedup.reason or "",
        env_steps=env_steps,
        env_steps_per_second=env_steps / wall,
        wall_seconds=wall,
        device=throughput.device,
        episodes=len(found.finished),
        wins=found.wins,
        aborted=found.aborted,
        details={
            "sparsity_per_layer": sparsity.per_layer,
            "throughput": dataclasses.asdict(throughput),
            "speedup_24": dataclasses.asdict(speedup),
            "schedule": algorithm.schedule(),
            "can_be_won": algorithm.spec.can_be_won,
            "masks": describe_masks(algorithm),
            "flops": describe_flops(algorithm),
            "resumes": resumes,
        },
    )
    return result, found.outcomes


def final_evaluation(plan: RunPlan, algorithm: Algorithm, on_battles: Callable[[int], None] = ignore) -> Evaluation:
    """The greedy battles behind the table's win rate, in a world of their own.

    Which battles depends on scenario and seed alone: every algorithm meets the same teams and starts, so that two of
    them are compared battle by battle. Each seed has battles of its own: were they common to all seeds, the interval
    over seeds would leave out the luck of the battles.
    """
    seed = derive_seed(plan.seed, "final_evaluation", plan.scenario)
    with closing(plan.make_env(plan.budget.final_slots, seed)) as env:
        return evaluate(algorithm, env, episodes=plan.budget.final_episodes, seed=seed, on_battles=on_battles)
