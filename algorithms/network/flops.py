"""What one decision costs: multiplications and additions of every matrix, all of them and those that masks keep.

Only products are counted; biases, activations and gates are a few thousandths of them at the usual sizes. ``kept`` is
what the zeros leave, not what a machine saves: 2:4 zeros are skipped by sparse tensor cores, unstructured ones are not.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

from algorithms.network.agent_net import AgentNet
from algorithms.protocol import LayerFlops


@torch.no_grad()
def count_flops(net: AgentNet) -> dict[str, LayerFlops]:
    """Count each matrix of the agent network, in the order of the forward pass.

    Args:
        net: the agent network whose acting weights are looked at.
    """
    return {
        name: LayerFlops(dense=2 * weights[0].numel(), kept=2 * int((weights != 0).sum()) / len(weights))
        for name, (weights, _) in net.matrices(net.effective_weights()).items()
    }


def total(layers: Iterable[LayerFlops]) -> LayerFlops:
    """Add up the work of all layers."""
    found = list(layers)
    return LayerFlops(dense=sum(each.dense for each in found), kept=sum(each.kept for each in found))
