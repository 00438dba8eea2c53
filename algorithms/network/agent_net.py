"""The agent network "1R3" (``n_rnn_1R3``): one layer before the GRU, three after it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from algorithms.episode import EpisodeBatch
from algorithms.kernels.agent_layout import Sizes, padded
from algorithms.network.gru import SequenceGRU, unroll_groups
from algorithms.network.layers import GroupLinear, LinearFactory, grouped_linear
from algorithms.network.rows import PackedBatch, RowPermutation, order_rows
from algorithms.protocol import PolicyLayer, PolicyLayers
from envs.spec import EnvSpec

MASKED_LAYERS = ("fc1", "fc2", "fc3", "fc4")
"""The layers that the published algorithms mask, in the order of the forward pass; the GRU stays dense."""
GRU_LAYERS = ("gru_ih", "gru_hh")
"""The GRU's two matrices, input and recurrent side, where they are prunable layers as well."""

LayerInputs = dict[str, list[Tensor]]
"""Layer name -> its inputs of one pass, one tensor (R_g, in) per mask group."""


class AgentNet(nn.Module):
    """``fc1 → ReLU → GRU → fc2 → ReLU → fc3 → ReLU → fc4 → Q``, shared by all agents.

    The network is handed the weights to multiply with, so that masks are decided once per update, not once per call,
    and the same pass serves training, the target network and acting.

    Args:
        spec: counts and sizes of the world.
        hidden_size: H.
        n_groups: G, mask groups; 1 for a dense network.
        linear: makes the prunable layers.
        generator: draws the GRU's initial parameters where it is dense.
        last_action: whether the input holds the last action.
        agent_id: whether the input holds the agent's number.
        grouped_gru: make the GRU's two matrices prunable layers too, with a weight for each mask group.
        head_layers: layers after the GRU; 3 is ``n_rnn_1R3``, 1 is ``n_rnn``, where fc2 gives Q.

    Source: PyMARL2's ``n_rnn`` with the two further layers that Kaleidoscope (NeurIPS 2024) adds to it.
    """

    def __init__(
        self,
        spec: EnvSpec,
        hidden_size: int,
        n_groups: int,
        linear: LinearFactory,
        generator: torch.Generator,
        *,
        last_action: bool = True,
        agent_id: bool = True,
        grouped_gru: bool = False,
        head_layers: int = 3,
    ) -> None:
        super().__init__()
        self.spec, self.n_groups, self.hidden_size = spec, n_groups, hidden_size
        self.last_action, self.agent_id, self.grouped_gru = last_action, agent_id, grouped_gru
        self.fc1 = linear(spec.obs_size + last_action * spec.n_actions + agent_id * spec.n_agents, hidden_size)
        if grouped_gru:
            self.gru_ih, self.gru_hh = (linear(hidden_size, 3 * hidden_size) for _ in GRU_LAYERS)
        else:
            self.gru = SequenceGRU(hidden_size, hidden_size, generator)
        self.head = MASKED_LAYERS[1 : head_layers + 1]
        for name in self.head:
            setattr(self, name, linear(hidden_size, spec.n_actions if name == self.head[-1] else hidden_size))

    def prunable(self) -> dict[str, GroupLinear]:
        """Return the prunable layers by name, in the order of the forward pass."""
        names = ("fc1", *(GRU_LAYERS if self.grouped_gru else ()), *self.head)
        return {name: getattr(self, name) for name in names}

    def effective_weights(self) -> dict[str, Tensor]:
        """Return layer name -> (G, out, in) weights that acting, evaluation and the target network use."""
        return {name: layer.effective_weights() for name, layer in self.prunable().items()}

    def matrices(self, weights: dict[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
        """Return all matrices by name, in the order of the forward pass: those of the GRU too where it is dense.

        Args:
            weights: layer name -> (G, out, in) of the prunable layers.

        Returns:
            name -> weight (G or 1, out, in) and bias (G or 1, out).
        """
        found = {name: (weights[name], torch.atleast_2d(layer.bias)) for name, layer in self.prunable().items()}
        if self.grouped_gru:
            return found
        sides = (self.gru.weight_ih, self.gru.bias_ih), (self.gru.weight_hh, self.gru.bias_hh)
        gru = {name: (weight[None], bias[None]) for name, (weight, bias) in zip(GRU_LAYERS, sides, strict=True)}
        return {"fc1": found["fc1"], **gru, **found}

    def kernel_sizes(self) -> Sizes:
        """Return the widths of this network for the compiled passes."""
        return Sizes(
            obs=self.spec.obs_size,
            last_actions=self.spec.n_actions * self.last_action,
            agent_ids=self.spec.n_agents * self.agent_id,
            agents=self.spec.n_agents,
            actions=self.spec.n_actions,
            hidden=self.hidden_size,
            hidden_padded=padded(self.hidden_size),
            actions_padded=padded(self.spec.n_actions),
            heads=len(self.head),
            noop_means_dead=int(self.spec.only_noop_means_dead),
        )

    def kernel_weights(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return all weights and biases as the compiled passes name them (``algorithms/kernels``).

        Args:
            weights: layer name -> (G, out, in) of the prunable layers.

        Returns:
            layer name -> (G or 1, out, in), and its name with ``_bias`` behind it -> (G or 1, out).
        """
        matrices = self.matrices(weights)
        biases = {f"{name}_bias": bias for name, (_, bias) in matrices.items()}
        return {name: weight for name, (weight, _) in matrices.items()} | biases

    @torch.no_grad()
    def policy_layers(self) -> PolicyLayers:
        """Return copies of all tensors that acting uses, in the order of the forward pass."""
        unmasked = {name: layer.weight for name, layer in self.prunable().items()}
        layers = {
            name: PolicyLayer(weight=unmasked.get(name, weight[0]).clone(), masked=weight.clone(), bias=bias[0].clone())
            for name, (weight, bias) in self.matrices(self.effective_weights()).items()
        }
        gru = layers.pop("gru_ih"), layers.pop("gru_hh")
        return PolicyLayers(before={"fc1": layers.pop("fc1")}, gru=gru, after=layers, gru_masked=self.grouped_gru)

    def inputs(self, obs: Tensor, last_action: Tensor, order: RowPermutation) -> Tensor:
        """Assemble obs ⊕ one-hot last action ⊕ one-hot agent id for the real rows, as far as the network takes them.

        Args:
            obs: (…, N, D) float32, padded or not; flattened rows are picked by ``order``.
            last_action: (…, N) int64, −1 for none.
            order: which rows are real, and their group order.

        Returns:
            (R, D + A + N) in group order.
        """
        x = obs.new_zeros(order.rows.numel(), self.fc1.in_features)
        x[:, : self.spec.obs_size] = obs.reshape(-1, self.spec.obs_size).index_select(0, order.rows)
        if self.last_action:
            last = last_action.flatten()[order.rows].unsqueeze(1)
            # no last action: a zero is written where action 0 would be
            x.scatter_(1, self.spec.obs_size + last.clamp(min=0), (last >= 0).to(x.dtype))
        if self.agent_id:
            agent_at = self.fc1.in_features - self.spec.n_agents
            x.scatter_(1, agent_at + (order.rows % self.spec.n_agents).unsqueeze(1), 1.0)
        return x

    def pack(self, batch: EpisodeBatch) -> PackedBatch:
        """Drop a batch's padding, bring it to this network's device and sort the rows by mask group.

        What is real is found out on the CPU.
        """
        spec, device = self.spec, self.fc1.weight.device
        filled = batch.filled.cpu()
        groups = mask_groups(batch.unit_type.cpu(), spec, self.n_groups)
        order = order_rows(filled.sum(1) + 1, groups, self.n_groups, filled.shape[1] + 1)
        steps = torch.cat([filled, filled.new_zeros(len(filled), 1)], 1).flatten()
        is_step, of_rows = steps[order.views].float(), steps[order.rows // spec.n_agents]
        order = order.to(device)
        actions = batch.actions.to(device)
        none = actions.new_full((actions.shape[0], 1, actions.shape[2]), -1)
        action_mask = batch.action_mask.to(device).reshape(-1, spec.n_actions)[order.rows]
        inputs = self.inputs(batch.obs.to(device), torch.cat([none, actions], 1), order)
        living = action_mask[:, 1:].any(1) | (not spec.only_noop_means_dead)
        return PackedBatch(
            order=order,
            inputs=inputs,
            action_mask=action_mask,
            action=torch.cat([actions, torch.zeros_like(none)], 1).flatten()[order.rows].unsqueeze(1),
            state=batch.state.to(device).reshape(-1, spec.state_size).index_select(0, order.views),
            is_step=is_step.to(device, non_blocking=True),
            living=living.to(inputs.dtype),
            living_steps=(living & of_rows.to(device, non_blocking=True)).to(inputs.dtype),
        )

    def forward(
        self,
        inputs: Tensor,
        order: RowPermutation,
        weights: dict[str, Tensor],
        hidden: Tensor | None = None,
        layer_inputs: LayerInputs | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Compute the Q-values of all rows.

        Args:
            inputs: (R, D + A + N) in group order.
            order: row tables of the batch.
            weights: layer name -> (G, out, in).
            hidden: (rows of the first step, H) in time order; zeros when left out.
            layer_inputs: an empty dict that receives the inputs of the masked layers.

        Returns:
            Q (R, A) in group order and hidden states (R, H) in time order.
        """

        def layer(name: str, parts: list[Tensor]) -> list[Tensor]:
            if layer_inputs is not None:
                layer_inputs[name] = [part.detach() for part in parts]
            return grouped_linear(parts, weights[name], getattr(self, name).bias)

        parts = [F.relu_(part) for part in layer("fc1", list(inputs.split(order.group_sizes)))]
        if self.grouped_gru:
            before_gru = parts
            biases = self.gru_ih.bias, self.gru_hh.bias
            parts, earlier = unroll_groups(parts, weights["gru_ih"], weights["gru_hh"], *biases, order, hidden)
            if layer_inputs is not None:
                layer_inputs |= {"gru_ih": [part.detach() for part in before_gru], "gru_hh": earlier}
            states = order.to_time_order(_join(parts))
        else:
            states = self.gru(order.to_time_order(_join(parts)), order.step_sizes, hidden)
            parts = list(order.to_group_order(states).split(order.group_sizes))
        *hidden_layers, last = self.head
        for name in hidden_layers:
            parts = [F.relu_(part) for part in layer(name, parts)]
        return _join(layer(last, parts)), states


def _join(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def mask_group_names(spec: EnvSpec, n_groups: int) -> tuple[str, ...]:
    """Return the mask groups' names: unit types, or agents below two types; ``all`` where there is only one group."""
    if n_groups == 1:
        return ("all",)
    return spec.unit_types if len(spec.unit_types) >= 2 else tuple(f"agent_{i}" for i in range(spec.n_agents))


def mask_groups(unit_type: Tensor, spec: EnvSpec, n_groups: int) -> Tensor:
    """Return the mask group of each agent: its unit type, or itself where the world has fewer than two types.

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
