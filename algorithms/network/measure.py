"""Sparsity as it is: zeros counted on the weights that the policy multiplies with."""

from __future__ import annotations

import torch
from torch import Tensor

from algorithms.network.agent_net import AgentNet
from algorithms.protocol import Sparsity


@torch.no_grad()
def measure(net: AgentNet) -> Sparsity:
    """Count zeros per layer and mask group, over all prunable layers, and over the whole network of one agent.

    What only decides about masks (thresholds, α) is not a weight of the policy and is left out, and so is padding.

    Args:
        net: the agent network whose acting weights are looked at.
    """
    weights = net.effective_weights()
    zeros = {name: _zeros(weight) for name, weight in weights.items()}
    entries = {name: weight[0].numel() for name, weight in weights.items()}
    masked_zeros = torch.stack(list(zeros.values())).sum(0).mean().item()  # an average mask group's
    masked_entries = sum(entries.values())
    matrices = net.matrices(weights)
    biases = [bias for _, bias in matrices.values()]
    others = [*biases, *(weight.flatten(1) for name, (weight, _) in matrices.items() if name not in weights)]
    # where each mask group has biases of its own, an agent uses one row of them
    other_zeros = sum((p == 0).sum().item() / len(p) for p in others)
    other_entries = sum(p.shape[1] for p in others)
    return Sparsity(
        masked_layers=masked_zeros / masked_entries,
        whole_model=(masked_zeros + other_zeros) / (masked_entries + other_entries),
        per_layer={name: (zeros[name] / entries[name]).tolist() for name in weights},
    )


def _zeros(weight: Tensor) -> Tensor:
    """(G, out, in) -> (G,) float64."""
    return (weight == 0).flatten(1).sum(1).double()
