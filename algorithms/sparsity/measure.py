"""Sparsity as it is: zeros counted on the weights that the policy multiplies with."""

from __future__ import annotations

import torch
from torch import Tensor

from algorithms.agent_net import AgentNet
from algorithms.protocol import Sparsity


@torch.no_grad()
def measure(net: AgentNet) -> Sparsity:
    """Count zeros per layer and mask group, over all prunable layers, and over the whole network of one agent.

    What only decides about masks (thresholds, α) is not a weight of the policy and is left out, and so is padding.

    Args:
        net: the agent network whose acting weights are looked at.
    """
    weights = net.group_weights()
    zeros = {name: _zeros(weight) for name, weight in weights.items()}
    entries = {name: weight[0].numel() for name, weight in weights.items()}
    masked_zeros = torch.stack(list(zeros.values())).sum(0).mean().item()  # an average mask group's
    masked_entries = sum(entries.values())
    others = [*net.gru.parameters(), *(getattr(net, name).bias for name in weights)]
    other_zeros = sum(int((p == 0).sum()) for p in others)
    return Sparsity(
        masked_layers=masked_zeros / masked_entries,
        whole_model=(masked_zeros + other_zeros) / (masked_entries + sum(p.numel() for p in others)),
        per_layer={name: (zeros[name] / entries[name]).tolist() for name in weights},
    )


def _zeros(weight: Tensor) -> Tensor:
    """(G, out, in) -> (G,) float64."""
    return (weight == 0).flatten(1).sum(1).double()
