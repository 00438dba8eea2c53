"""One greedy decision of a policy for many rows at once, in any storage format.

Rows are sorted by mask group and stay so from decision to decision, hidden states too: each group's rows are a block of
their own, every layer is one product per block, and no layer concatenates or splits blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from algorithms.protocol import PolicyLayer, PolicyLayers
from harness.speed.kernels import Backend
from harness.speed.storage_formats import BATCHED, DENSE, MASKED, LayerStore, StoredLayer

GRU_SIDES = ("gru_ih", "gru_hh")
Gru = Callable[[list[Tensor], list[Tensor]], list[Tensor]]
"""Blocks of (R_b, in) and of hidden states (R_b, H) -> blocks of next hidden states (R_b, H)."""


@dataclass(frozen=True, kw_only=True)
class PolicyPass:
    """A policy with its layers stored, ready to decide."""

    before: list[StoredLayer]
    """layers before the GRU, a ReLU after each"""
    gru: Gru
    after: list[StoredLayer]
    """layers after it, ReLUs between; the last one gives Q-values"""
    block_sizes: list[int]
    """Rows of each block: those of each mask group, or all of them in one."""
    prunable: list[StoredLayer]
    """all prunable layers, those of the GRU too where it is masked"""

    def decide(
        self, parts: list[Tensor], hidden: list[Tensor], masks: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Decide greedily for every row of every block.

        Args:
            parts: blocks of inputs (R_b, in).
            hidden: blocks of (R_b, H).
            masks: blocks of legal actions (R_b, A) bool.

        Returns:
            blocks of actions (R_b,) int64, of Q-values (R_b, A) and of the next hidden states (R_b, H).
        """
        for layer in self.before:
            parts = [functional.relu_(part) for part in layer(parts)]
        next_hidden = parts = self.gru(parts, hidden)
        *rectified, to_q = self.after
        for layer in rectified:
            parts = [functional.relu_(part) for part in layer(parts)]
        q = to_q(parts)
        actions = [each.masked_fill(~legal, -torch.inf).argmax(1) for each, legal in zip(q, masks, strict=True)]
        return actions, q, next_hidden


def stores(policy: PolicyLayers, dtype: torch.dtype, backends: tuple[Backend, ...]) -> dict[str, LayerStore]:
    """Return a store for every matrix of the policy, in the order of the forward pass, both of the GRU included."""
    layers = replace(policy, gru_masked=True).prunable()
    return {name: LayerStore(layer, dtype, backends) for name, layer in layers.items()}


def with_dense_gru(policy: PolicyLayers) -> PolicyLayers:
    """Return the same policy without the masks of its GRU."""
    sides = (PolicyLayer(weight=side.weight, masked=side.weight.unsqueeze(0), bias=side.bias) for side in policy.gru)
    input_side, recurrent_side = sides
    return replace(policy, gru=(input_side, recurrent_side), gru_masked=False)


def policy_pass(
    policy: PolicyLayers, layers: Mapping[str, LayerStore], plan: Mapping[str, str], group_sizes: list[int]
) -> PolicyPass:
    """Build a pass that stores each layer as the plan says.

    Args:
        policy: which layers there are, and whether the GRU is masked.
        layers: those of ``stores``.
        plan: layer name -> storage format; ``dense`` and ``masked-batched`` take all rows in one block, so
            they go with all layers or none.
        group_sizes: rows of each mask group; equal ones for ``masked-batched``.

    Raises:
        Refused: a layer cannot be stored like that here.
    """
    single = all(storage_format in (DENSE, BATCHED) for storage_format in plan.values()) or groups_of(policy) == 1
    block_sizes = [sum(group_sizes)] if single else list(group_sizes)

    def stored(name: str) -> StoredLayer:
        unbatched = plan[name] == BATCHED and layers[name].groups == 1
        return layers[name].stored(MASKED if unbatched else plan[name], block_sizes[0])

    made = {name: stored(name) for name in policy.prunable()}
    own_gru = policy.gru_masked and plan["gru_ih"] != DENSE
    return PolicyPass(
        before=[made[name] for name in policy.before],
        gru=_gru_of(made["gru_ih"], made["gru_hh"]) if own_gru else _shared_gru(layers),
        after=[made[name] for name in policy.after],
        block_sizes=block_sizes,
        prunable=list(made.values()),
    )


def groups_of(policy: PolicyLayers) -> int:
    """Return G, the number of mask groups; a dense algorithm has one, whatever its rows are sorted by."""
    return len(next(iter(policy.after.values())).masked)


def _shared_gru(layers: Mapping[str, LayerStore]) -> Gru:
    """A GRU that all groups share, as PyTorch runs it."""
    sides, dtype = [layers[name].layer for name in GRU_SIDES], layers[GRU_SIDES[0]].dtype
    tensors = [tensor.to(dtype) for tensor in (*(side.weight for side in sides), *(side.bias for side in sides))]
    return lambda parts, hidden: [torch.gru_cell(x, h, *tensors) for x, h in zip(parts, hidden, strict=True)]


def _gru_of(input_side: StoredLayer, recurrent_side: StoredLayer) -> Gru:
    """A GRU of one product per side and block."""

    def gru(parts: list[Tensor], hidden: list[Tensor]) -> list[Tensor]:
        sums = zip(input_side(parts), recurrent_side(hidden), hidden, strict=True)
        return [gates(from_input, from_hidden, state) for from_input, from_hidden, state in sums]

    return gru


def gates(from_input: Tensor, from_hidden: Tensor, hidden: Tensor) -> Tensor:
    """Finish a GRU cell after its two products; gates in the order reset, update, new.

    Args:
        from_input: (R, 3H), biases added.
        from_hidden: (R, 3H), biases added.
        hidden: (R, H).

    Returns:
        the next hidden states (R, H).
    """
    if hidden.is_cuda:  # the kernel behind torch.gru_cell, so that both kinds of GRU pay the same for their gates
        fused: Tensor = torch.ops.aten._thnn_fused_gru_cell(from_input, from_hidden, hidden)[0]
        return fused
    size = hidden.shape[1]
    reset, update = (from_input[:, : 2 * size] + from_hidden[:, : 2 * size]).sigmoid().chunk(2, 1)
    new = torch.addcmul(from_input[:, 2 * size :], reset, from_hidden[:, 2 * size :]).tanh()
    return torch.lerp(new, hidden, update)
