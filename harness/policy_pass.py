"""One greedy decision of a policy for many rows at once, written once over "linear" callables.

Which callable a layer is given decides how its weight is stored, and nothing else: dense, masked dense or compressed.
Rows are sorted by mask group, so each group's rows are contiguous and a layer is one product per group.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from algorithms.protocol import PolicyLayer, PolicyLayers

ROW_MULTIPLE = 32
"""Output features: the stricter of what the two backends of 2:4 products ask in fp16 (CUTLASS 32, cuSPARSELt 16)."""
COLUMN_MULTIPLE = 64
"""Input features: likewise (CUTLASS 64, cuSPARSELt 16)."""
BATCH_MULTIPLE = 8
"""Rows of the batch, for both backends."""

Linear = Callable[[Tensor], Tensor]
"""(R, in) -> (R, out), bias added."""
Compress = Callable[[Tensor], Tensor]
"""A padded 2:4 weight (out, in) -> its compressed form, which ``torch.nn.functional.linear`` takes as a weight."""


@dataclass(frozen=True, kw_only=True)
class PolicyPass:
    """A policy in one storage, ready to decide."""

    before: dict[str, list[Linear]]
    """Layer name -> one callable per block of rows."""
    gru: tuple[Tensor, Tensor, Tensor, Tensor]
    """See ``PolicyLayers``."""
    after: dict[str, list[Linear]]
    """Layer name -> one callable per block of rows."""
    block_sizes: list[int]
    """Rows of each block: those of each mask group, or all of them in one."""

    def __call__(self, inputs: Tensor, hidden: Tensor, action_mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Decide greedily for every row.

        Args:
            inputs: (R, in) sorted by mask group.
            hidden: (R, H).
            action_mask: (R, A) bool.

        Returns:
            actions (R,) int64, Q-values (R, A) and the next hidden (R, H).
        """
        parts = list(inputs.split(self.block_sizes))
        for linears in self.before.values():
            parts = [functional.relu(part) for part in _apply(linears, parts)]
        next_hidden = torch.gru_cell(_join(parts), hidden, *self.gru)
        *rectified, to_q = self.after.values()
        parts = list(next_hidden.split(self.block_sizes))
        for linears in rectified:
            parts = [functional.relu(part) for part in _apply(linears, parts)]
        q = _join(_apply(to_q, parts))
        return q.masked_fill(~action_mask, -torch.inf).argmax(1), q, next_hidden

    def products(self, name: str, x: Tensor) -> list[Tensor]:
        """One layer's products alone, block by block: (R, in) -> blocks of (R_b, out)."""
        return _apply({**self.before, **self.after}[name], list(x.split(self.block_sizes)))


def dense_pass(policy: PolicyLayers, group_sizes: list[int], dtype: torch.dtype) -> PolicyPass:
    """The policy before masking: one weight a layer and one product over all rows, as a dense algorithm has it."""
    return _build(policy, [sum(group_sizes)], dtype, lambda layer: [_plain(layer.weight, layer.bias, dtype)])


def masked_pass(policy: PolicyLayers, group_sizes: list[int], dtype: torch.dtype) -> PolicyPass:
    """The masked policy stored densely: one product per mask group, zeros multiplied along."""

    def linears(layer: PolicyLayer) -> list[Linear]:
        return [_plain(weight, layer.bias, dtype) for weight in layer.masked]

    return _build(policy, _blocks(policy, group_sizes), dtype, linears)


def compressed_pass(policy: PolicyLayers, group_sizes: list[int], dtype: torch.dtype, compress: Compress) -> PolicyPass:
    """The masked policy compressed: one product per mask group over the kept half of the weights."""

    def linears(layer: PolicyLayer) -> list[Linear]:
        return [compressed_linear(weight, layer.bias, dtype, compress) for weight in layer.masked]

    return _build(policy, _blocks(policy, group_sizes), dtype, linears)


def compressed_linear(weight: Tensor, bias: Tensor, dtype: torch.dtype, compress: Compress) -> Linear:
    """A layer whose weight is padded to the backend's multiples, compressed, and never unpacked again.

    Inputs narrower than the padded weight are padded at each call; inputs built at that width already cost nothing.
    """
    out_features = weight.shape[0]
    padded = pad_to(weight.to(dtype), ROW_MULTIPLE, COLUMN_MULTIPLE).contiguous()
    width = padded.shape[1]
    padded_bias = functional.pad(bias.to(dtype), (0, padded.shape[0] - out_features))
    stored = compress(padded)

    def linear(x: Tensor) -> Tensor:
        if x.shape[1] < width:
            x = functional.pad(x, (0, width - x.shape[1]))
        return functional.linear(x, stored, padded_bias)[:, :out_features]

    return linear


def pad_to(matrix: Tensor, row_multiple: int, column_multiple: int) -> Tensor:
    """Zero rows and columns at the end until both counts are multiples; (R, C) -> (R', C')."""
    rows, columns = matrix.shape
    return functional.pad(matrix, (0, -columns % column_multiple, 0, -rows % row_multiple))


def _plain(weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Linear:
    weight, bias = weight.to(dtype), bias.to(dtype)
    return lambda x: functional.linear(x, weight, bias)


def _build(
    policy: PolicyLayers, block_sizes: list[int], dtype: torch.dtype, linears: Callable[[PolicyLayer], list[Linear]]
) -> PolicyPass:
    weight_ih, weight_hh, bias_ih, bias_hh = (tensor.to(dtype) for tensor in policy.gru)
    return PolicyPass(
        before={name: linears(layer) for name, layer in policy.before.items()},
        gru=(weight_ih, weight_hh, bias_ih, bias_hh),
        after={name: linears(layer) for name, layer in policy.after.items()},
        block_sizes=block_sizes,
    )


def _blocks(policy: PolicyLayers, group_sizes: list[int]) -> list[int]:
    """A dense algorithm has one group, whatever the rows are sorted by."""
    n_groups = len(next(iter(policy.after.values())).masked)
    return [sum(group_sizes)] if n_groups == 1 else group_sizes


def _apply(linears: list[Linear], parts: list[Tensor]) -> list[Tensor]:
    return [linear(part) for linear, part in zip(linears, parts, strict=True)]


def _join(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)
