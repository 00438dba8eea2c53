"""Final evaluation of a trained policy: greedy battles, sparsity, throughput, 2:4 speed-up."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import closing
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from algorithms.network.agent_net import mask_group_names
from algorithms.protocol import Algorithm, LayerFlops
from algorithms.sparsity.pattern24 import Pattern24Matrix, is_24
from algorithms.sparsity.tracker import N_PATTERNS
from harness.policies.evaluate import Evaluation, evaluate_greedily, no_progress
from harness.runs.plan import RunPlan
from harness.runs.seeding import derive_seed
from harness.speed.decisions import BATTLES, decisions_per_second
from harness.speed.speedup24 import measure_speedup24
from studies.rows import EpisodeOutcome, RunResult


def final_evaluation(
    plan: RunPlan,
    algorithm: Algorithm,
    *,
    env_steps: int,
    wall: float,
    resumes: int,
    load: float,
    on_battles: Callable[[int], None] = no_progress,
) -> tuple[RunResult, tuple[EpisodeOutcome, ...]]:
    """Evaluate a policy that has finished training.

    Args:
        plan: its run.
        algorithm: the policy.
        env_steps: how long it trained.
        wall: seconds that the run has taken so far.
        resumes: how often it went on from a checkpoint, its replay empty.
        load: cores that other processes kept busy while it trained.
        on_battles: called with the number of battles of the final evaluation that have just ended.

    Raises:
        RuntimeError: every battle of the final evaluation aborted, so that there is no result.
    """
    found = play_final_battles(plan, algorithm, on_battles)
    if not found.finished:
        raise RuntimeError(f"all {found.aborted} battles of the final evaluation aborted; nothing was measured")
    sparsity = algorithm.sparsity()
    speedup = measure_speedup24(algorithm)
    result = RunResult(
        **evaluation_fields(found),
        sparsity_masked=sparsity.masked_layers,
        sparsity_model=sparsity.whole_model,
        throughput=decisions_per_second(algorithm, seed=derive_seed(plan.seed, "throughput")),
        throughput_batch=BATTLES * algorithm.spec.n_agents,
        throughput_dtype="float32",
        speedup_24=speedup.speedup,
        speedup_24_reason=speedup.reason or "",
        env_steps=env_steps,
        env_steps_per_second=env_steps / wall,
        wall_seconds=wall,
        device=algorithm.device.type,
        details={
            "speedup_24": dataclasses.asdict(speedup),
            "schedule": algorithm.schedule(),
            "can_be_won": algorithm.spec.can_be_won,
            "masks": describe_masks(algorithm),
            "flops": describe_flops(algorithm),
            "resumes": resumes,
            "load": round(load, 2),
        },
    )
    return result, found.outcomes


def evaluation_fields(found: Evaluation) -> dict[str, Any]:
    """Return the part of a ``RunResult`` that the battles of an evaluation decide."""
    win_rate = found.win_rate
    return {
        "win_rate": win_rate.estimate,
        "win_low": win_rate.low,
        "win_high": win_rate.high,
        "interval_kind": win_rate.kind.value,
        "return_mean": found.mean_return,
        "episodes": len(found.finished),
        "wins": found.wins,
        "aborted": found.aborted,
    }


def play_final_battles(
    plan: RunPlan, algorithm: Algorithm, on_battles: Callable[[int], None] = no_progress
) -> Evaluation:
    """Play the greedy battles behind the table's win rate, in a world of their own.

    Which battles depends on scenario and seed alone: every algorithm meets the same teams and starts, so that two of
    them are compared battle by battle. Each seed has battles of its own: were they common to all seeds, the interval
    over seeds would leave out the luck of the battles.
    """
    seed = derive_seed(plan.seed, "final_evaluation", plan.scenario)
    with closing(plan.make_env(plan.budget.final_slots, seed)) as env:
        return evaluate_greedily(algorithm, env, episodes=plan.budget.final_episodes, seed=seed, on_battles=on_battles)


def describe_masks(algorithm: Algorithm) -> dict[str, Any]:
    """Return the masks of a trained policy as JSON-able values, to be stored with its run.

    Returns:
        ``groups``: names of the mask groups. ``layers``: layer name -> ``sparsity``, one share per group;
        ``pattern_use``, shares of the six patterns per group, or None where the weights are not 2:4; ``agreement``, for
        each pair of groups the share of places (groups of four inputs where 2:4, else weights) that both mask alike.
    """
    weights = algorithm.masked_weights()
    n_groups = max((len(weight) for weight in weights.values()), default=1)
    return {
        "groups": mask_group_names(algorithm.spec, n_groups),
        "layers": {name: _describe(weight) for name, weight in weights.items()},
    }


def describe_flops(algorithm: Algorithm) -> dict[str, Any]:
    """Return the multiplications and additions of one decision, JSON-able: ``layers``, ``dense``, ``kept``.

    See ``LayerFlops``; empty where the algorithm does not count them.
    """
    layers = algorithm.flops()
    if not layers:
        return {}
    per_layer = {name: dataclasses.asdict(each) for name, each in layers.items()}
    return {"layers": per_layer, **dataclasses.asdict(LayerFlops.total(layers.values()))}


def _describe(weight: Tensor) -> dict[str, Any]:
    """One layer's (G, out, in)."""
    kept = weight != 0
    sparsity = (~kept).flatten(1).double().mean(1).tolist()
    if not is_24(weight):
        return {"sparsity": sparsity, "pattern_use": None, "agreement": _agreement(kept)}
    chosen = Pattern24Matrix(weight.shape[2]).to(weight.device).chosen(kept)
    use = F.one_hot(chosen.flatten(1), N_PATTERNS).double().mean(1)
    return {"sparsity": sparsity, "pattern_use": use.tolist(), "agreement": _agreement(chosen)}


def _agreement(choices: Tensor) -> list[list[float]]:
    """(G, …) -> G × G shares of equal entries."""
    flat = choices.flatten(1)
    return torch.stack([(flat == row).double().mean(1) for row in flat]).tolist()
