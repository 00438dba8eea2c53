"""What an update needs of the agent networks: values of the actions taken, and the target network's of the best ones.

On a processor the compiled passes of ``algorithms/kernels`` compute them; elsewhere, and in other formats than
float32, PyTorch's operations do. Tests hold the two equal.
"""

from __future__ import annotations

import torch
from torch import Tensor

from algorithms.episode import EpisodeBatch
from algorithms.network.agent_net import AgentNet, LayerInputs


def agent_values(
    net: AgentNet,
    target_net: AgentNet,
    batch: EpisodeBatch,
    online: dict[str, Tensor],
    target: dict[str, Tensor],
    *,
    count_use: bool,
) -> tuple[Tensor, Tensor, tuple[dict[str, Tensor], Tensor] | None]:
    """Value a batch with PyTorch's operations.

    Args:
        net, target_net: the two networks.
        batch: B episodes.
        online, target: layer name -> (G, out, in) that each multiplies with.
        count_use: whether to measure the inputs of the layers.

    Returns:
        (B, T+1, N) differentiable values of the actions taken, the same of the target network's values of the legal
        actions that the online network values most, and how the inputs were used, as ``QLearner.observe_inputs`` takes
        it; values of padding have no meaning.
    """
    packed = net.pack(batch)
    layer_inputs: LayerInputs | None = {} if count_use else None
    q, _ = net(packed.inputs, packed.order, online, layer_inputs=layer_inputs)
    best = q.detach().masked_fill(~packed.action_mask, -torch.inf).argmax(1, keepdim=True)
    with torch.no_grad():
        target_q, _ = target_net(packed.inputs, packed.order, target)
    shape = batch.action_mask.shape[:3]

    def padded(values: Tensor) -> Tensor:
        rows = values.new_zeros(shape.numel())
        return rows.index_copy(0, packed.order.rows, values.squeeze(1)).view(shape)

    use = None if layer_inputs is None else _input_use(layer_inputs, packed.living_steps, packed.order.group_sizes)
    return padded(q.gather(1, packed.action)), padded(target_q.gather(1, best)), use


def _input_use(layer_inputs: LayerInputs, counted: Tensor, group_sizes: list[int]) -> tuple[dict[str, Tensor], Tensor]:
    """Add up magnitudes of each layer's inputs over the rows that count."""
    weights = counted.split(group_sizes)
    sums = {
        name: torch.stack([weight @ rows.abs() for rows, weight in zip(parts, weights, strict=True)])
        for name, parts in layer_inputs.items()
    }
    return sums, torch.stack([weight.sum() for weight in weights])
