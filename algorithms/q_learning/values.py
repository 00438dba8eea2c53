"""What an update needs of the agent networks: values of the actions taken, and the target network's of the best ones.

On a processor the compiled passes of ``algorithms/kernels`` compute them; elsewhere, and in other formats than
float32, PyTorch's operations do. Tests hold the two equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.episode import EpisodeBatch
from algorithms.input_use import InputUse
from algorithms.network.agent_net import AgentNet, LayerInputs
from algorithms.network.packed_batch import pack_batch
from envs.spec import EnvSpec


@dataclass(frozen=True, kw_only=True)
class AgentValues:
    """Values of every agent in every view; those of padding are of no meaning."""

    taken: Tensor
    """(B, T+1, N) of the action taken, differentiable"""
    best_target: Tensor
    """(B, T+1, N) the target network's value of the legal action that the online network values most"""
    use: InputUse | None
    """how the layers' inputs were used, where it was asked for"""


def agent_values(
    net: AgentNet,
    target_net: AgentNet,
    spec: EnvSpec,
    batch: EpisodeBatch,
    online: dict[str, Tensor],
    target: dict[str, Tensor],
    *,
    device: torch.device,
    count_use: bool,
) -> AgentValues:
    """Value a batch with PyTorch's operations.

    Args:
        net, target_net: the two networks.
        spec: the world.
        batch: B episodes.
        online, target: layer name -> (G, out, in) that each multiplies with.
        device: where the networks lie.
        count_use: whether to measure the inputs of the layers.
    """
    packed = pack_batch(batch, net, spec, device)
    layer_inputs: LayerInputs | None = {} if count_use else None
    q, _ = net(packed.inputs, packed.order, online, layer_inputs=layer_inputs)
    best = q.detach().masked_fill(~packed.action_mask, -torch.inf).argmax(1, keepdim=True)
    with torch.no_grad():
        target_q, _ = target_net(packed.inputs, packed.order, target)
    episodes, steps = batch.filled.shape

    def padded(values: Tensor) -> Tensor:
        rows = values.new_zeros(episodes * (steps + 1) * spec.n_agents)
        return rows.index_copy(0, packed.order.rows, values.squeeze(1)).view(episodes, steps + 1, spec.n_agents)

    return AgentValues(
        taken=padded(q.gather(1, packed.action)),
        best_target=padded(target_q.gather(1, best)),
        use=None if layer_inputs is None else _input_use(layer_inputs, packed.living_steps, packed.order.group_sizes),
    )


def _input_use(layer_inputs: LayerInputs, counted: Tensor, group_sizes: list[int]) -> InputUse:
    """Add up magnitudes of each layer's inputs over the rows that count."""
    weights = counted.split(group_sizes)
    sums = {
        name: torch.stack([weight @ rows.abs() for rows, weight in zip(parts, weights, strict=True)])
        for name, parts in layer_inputs.items()
    }
    return InputUse(sums=sums, rows=torch.stack([weight.sum() for weight in weights]))
