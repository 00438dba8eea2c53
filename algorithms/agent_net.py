"""The agent network "1R3" (``n_rnn_1R3``): one layer before the GRU, three after it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from algorithms.gru import SequenceGRU
from algorithms.layers import GroupLinear, LinearFactory, grouped_linear
from algorithms.protocol import PolicyLayer, PolicyLayers
from algorithms.rows import RowOrder
from envs.spec import EnvSpec

MASKED_LAYERS = ("fc1", "fc2", "fc3", "fc4")
"""The prunable layers, in the order of the forward pass; the GRU stays dense."""

Taps = dict[str, list[Tensor]]
"""Layer name -> its inputs of one pass, one tensor (R_g, in) per mask group."""


class AgentNet(nn.Module):
    """``fc1 → ReLU → GRU → fc2 → ReLU → fc3 → ReLU → fc4 → Q``, shared by all agents.

    The network is handed the weights to multiply with, so that masks are decided once per update, not once per call,
    and the same pass serves training, the target network and acting.

    Args:
        spec: counts and sizes of the world.
        hidden_size: H.
        n_groups: G, mask groups; 1 for a dense network.
        linear: makes the four prunable layers.
        generator: draws the GRU's initial parameters.

    Source: PyMARL2's ``n_rnn`` with the two further layers that Kaleidoscope (NeurIPS 2024) adds to it.
    """

    def __init__(
        self, spec: EnvSpec, hidden_size: int, n_groups: int, linear: LinearFactory, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.obs_size = spec.obs_size
        self.n_actions = spec.n_actions
        self.n_agents = spec.n_agents
        self.n_groups = n_groups
        self.hidden_size = hidden_size
        self.fc1 = linear(spec.obs_size + spec.n_actions + spec.n_agents, hidden_size)
        self.gru = SequenceGRU(hidden_size, hidden_size, generator)
        self.fc2 = linear(hidden_size, hidden_size)
        self.fc3 = linear(hidden_size, hidden_size)
        self.fc4 = linear(hidden_size, spec.n_actions)

    def prunable(self) -> dict[str, GroupLinear]:
        """The prunable layers by name."""
        return {name: getattr(self, name) for name in MASKED_LAYERS}

    def group_weights(self) -> dict[str, Tensor]:
        """Layer name -> (G, out, in) weights that acting, evaluation and the target network use."""
        return {name: layer.group_weights() for name, layer in self.prunable().items()}

    @torch.no_grad()
    def policy_layers(self) -> PolicyLayers:
        """Copies of all tensors that acting uses, in the order of the forward pass."""
        layers = {
            name: PolicyLayer(weight=each.weight.clone(), masked=each.group_weights().clone(), bias=each.bias.clone())
            for name, each in self.prunable().items()
        }
        gru = (self.gru.weight_ih, self.gru.weight_hh, self.gru.bias_ih, self.gru.bias_hh)
        weight_ih, weight_hh, bias_ih, bias_hh = (tensor.clone() for tensor in gru)
        return PolicyLayers(
            before={"fc1": layers.pop("fc1")}, gru=(weight_ih, weight_hh, bias_ih, bias_hh), after=layers
        )

    def inputs(self, obs: Tensor, last_action: Tensor, order: RowOrder) -> Tensor:
        """Assemble obs ⊕ one-hot last action ⊕ one-hot agent id for the real rows.

        Args:
            obs: (…, N, D) float32, padded or not; flattened rows are picked by ``order``.
            last_action: (…, N) int64, −1 for none.
            order: which rows are real, and their group order.

        Returns:
            (R, D + A + N) in group order.
        """
        action_at, agent_at = self.obs_size, self.obs_size + self.n_actions
        x = obs.new_zeros(order.rows.numel(), agent_at + self.n_agents)
        x[:, :action_at] = obs.reshape(-1, self.obs_size).index_select(0, order.rows)
        last = last_action.flatten()[order.rows].unsqueeze(1)
        # no last action: a zero is written where action 0 would be
        x.scatter_(1, action_at + last.clamp(min=0), (last >= 0).to(x.dtype))
        return x.scatter_(1, agent_at + (order.rows % self.n_agents).unsqueeze(1), 1.0)

    def forward(
        self,
        inputs: Tensor,
        order: RowOrder,
        weights: dict[str, Tensor],
        hidden: Tensor | None = None,
        taps: Taps | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Q-values of all rows.

        Args:
            inputs: (R, D + A + N) in group order.
            order: row tables of the batch.
            weights: layer name -> (G, out, in).
            hidden: (rows of the first step, H) in time order; zeros when left out.
            taps: an empty dict that receives the inputs of the masked layers.

        Returns:
            Q (R, A) in group order and hidden states (R, H) in time order.
        """

        def layer(name: str, parts: list[Tensor]) -> list[Tensor]:
            if taps is not None:
                taps[name] = [part.detach() for part in parts]
            return grouped_linear(parts, weights[name], getattr(self, name).bias)

        x = _join(layer("fc1", list(inputs.split(order.group_sizes))))
        states = self.gru(order.timed(F.relu_(x)), order.step_sizes, hidden)
        parts = list(order.grouped(states).split(order.group_sizes))
        parts = [F.relu_(part) for part in layer("fc2", parts)]
        parts = [F.relu_(part) for part in layer("fc3", parts)]
        return _join(layer("fc4", parts)), states


def _join(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def mask_groups(unit_type: Tensor, spec: EnvSpec, n_groups: int) -> Tensor:
    """Which mask group each agent belongs to: its unit type, or itself where the world has fewer than two types.

    Args:
        unit_type: (…, N) int64.
        spec: the world.
        n_groups: 1 puts everyone into one group (a dense network), else ``spec.n_mask_groups``.

    Returns:
        (…, N) int64 in 0..n_groups−1.
    """
    if n_groups == 1:
        return torch.zeros_like(unit_type)
    if len(spec.unit_types) >= 2:
        return unit_type
    return torch.arange(spec.n_agents, device=unit_type.device).expand(unit_type.shape)
