"""A policy that is an agent network: how it begins an episode, which rows it acts on, its zeros and its state."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from algorithms.network.agent_net import AgentNet
from algorithms.network.rows import RowPermutation, order_rows
from algorithms.protocol import Algorithm, LayerFlops, PolicyLayers, PolicyState, Sparsity


class AgentNetPolicy(Algorithm):
    """An algorithm that acts with ``net``."""

    net: AgentNet
    _explore_rng: torch.Generator
    _last_order: tuple[Tensor, RowPermutation] | None = None

    def initial_state(self, num_envs: int) -> PolicyState:
        """Return the GRU's state (E, N, H), zeros, and the last action (E, N), -1 for none."""
        shape = (num_envs, self.spec.n_agents)
        return {
            "hidden": torch.zeros(*shape, self.net.hidden_size, device=self.device),
            "last_action": torch.full(shape, -1, device=self.device),
        }

    def acting_order(self, groups: Tensor) -> RowPermutation:
        """Return the rows of a single view of E battles; the same until a battle with other units begins.

        Args:
            groups: (E, N) int64 mask group of each agent, on the CPU.
        """
        if self._last_order is None or not torch.equal(self._last_order[0], groups):
            one_view = torch.ones(len(groups), dtype=torch.int64)
            order = order_rows(one_view, groups, self.net.n_groups, 1).to(self.device)
            self._last_order = groups.clone(), order
        return self._last_order[1]

    @torch.no_grad()
    def masked_weights(self) -> dict[str, Tensor]:
        """Return layer name -> (G, out, in), copies of what ``act`` multiplies with."""
        return {name: weight.clone() for name, weight in self.net.effective_weights().items()}

    def policy_layers(self) -> PolicyLayers | None:
        return self.net.policy_layers()

    @torch.no_grad()
    def sparsity(self) -> Sparsity:
        """Count zeros per layer and mask group, over all prunable layers, and over the whole network of one agent.

        What only decides about masks (thresholds, α) is not a weight of the policy and is left out, and so is padding.
        """
        weights = self.net.effective_weights()
        zeros = {name: (weight == 0).flatten(1).sum(1).double() for name, weight in weights.items()}
        entries = {name: weight[0].numel() for name, weight in weights.items()}
        masked_zeros = torch.stack(list(zeros.values())).sum(0).mean().item()  # an average mask group's
        masked_entries = sum(entries.values())
        matrices = self.net.matrices(weights)
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

    @torch.no_grad()
    def flops(self) -> dict[str, LayerFlops]:
        """Count each matrix of one decision, in the order of the forward pass.

        Only products are counted; biases, activations and gates are a few thousandths of them at the usual sizes.
        ``kept`` is what the zeros leave, not what a machine saves: 2:4 zeros are skipped by sparse tensor cores,
        unstructured ones are not.
        """
        return {
            name: LayerFlops(dense=2 * weights[0].numel(), kept=2 * int((weights != 0).sum()) / len(weights))
            for name, (weights, _) in self.net.matrices(self.net.effective_weights()).items()
        }

    def parts(self) -> dict[str, Any]:
        """Return everything that has a state of its own, by its name in ``state_dict``."""
        return {"net": self.net}

    def state_dict(self) -> dict[str, Any]:
        """Return everything a continuation needs, generators included; a snapshot that further updates leave alone."""
        live = {name: part.state_dict() for name, part in self.parts().items()}
        return {**copy.deepcopy(live), "env_steps": self.env_steps, "explore": self._explore_rng.get_state()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        for name, part in self.parts().items():
            part.load_state_dict(copy.deepcopy(saved[name]))  # Adam would go on in the caller's tensors otherwise
        self.env_steps = saved["env_steps"]
        self._explore_rng.set_state(saved["explore"].cpu())
