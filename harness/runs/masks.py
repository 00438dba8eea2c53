"""What a policy's masks look like: sparsity, patterns, agreement between mask groups, and work kept, layer by layer."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from algorithms.protocol import Algorithm
from algorithms.q_learning.agent_net import mask_group_names
from algorithms.sparsity.flops import total
from algorithms.sparsity.pattern24 import Pattern24Matrix
from algorithms.sparsity.tracker import N_PATTERNS
from algorithms.sparsity.verify import Pattern24Error, verify_weight24


def describe_masks(algorithm: Algorithm) -> dict[str, Any]:
    """The masks of a trained policy as JSON-able values, to be stored with its run.

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
    """Multiplications and additions of one decision as JSON-able values: ``layers``, ``dense``, ``kept``; see
    ``LayerFlops``. Empty where the algorithm does not count them."""
    layers = algorithm.flops()
    if not layers:
        return {}
    together = total(layers.values())
    per_layer = {name: {"dense": each.dense, "kept": each.kept} for name, each in layers.items()}
    return {"layers": per_layer, "dense": together.dense, "kept": together.kept}


def _describe(weight: Tensor) -> dict[str, Any]:
    """One layer's (G, out, in)."""
    kept = weight != 0
    sparsity = (~kept).flatten(1).double().mean(1).tolist()
    try:
        verify_weight24(weight)
    except Pattern24Error:
        return {"sparsity": sparsity, "pattern_use": None, "agreement": _agreement(kept)}
    chosen = Pattern24Matrix(weight.shape[2]).to(weight.device).chosen(kept)
    use = F.one_hot(chosen.flatten(1), N_PATTERNS).double().mean(1)
    return {"sparsity": sparsity, "pattern_use": use.tolist(), "agreement": _agreement(chosen)}


def _agreement(choices: Tensor) -> list[list[float]]:
    """(G, …) -> G × G shares of equal entries."""
    flat = choices.flatten(1)
    return torch.stack([(flat == row).double().mean(1) for row in flat]).tolist()
