"""One greedy decision of a policy for many rows at once, written once over "linear" callables.

Which callable a layer is given decides how its weight is stored, and nothing else: dense, masked dense or compressed.
Rows are sorted by mask group, so each group's rows are contiguous and a layer is one product per group.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

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
Gru = Callable[[list[Tensor], Tensor], Tensor]
"""Blocks of (R_b, in) and hidden (R, H) -> next hidden (R, H)."""
Compress = Callable[[Tensor], Tensor]
"""A padded 2:4 weight (out, in) -> its compressed form, which ``torch.nn.functional.linear`` takes as a weight."""


@dataclass(frozen=True, kw_only=True)
class PolicyPass:
    """A policy in one storage, ready to decide."""

    before: dict[str, list[Linear]]
    """Layer name -> one callable per block of rows."""
    gru: Gru
    after: dict[str, list[Linear]]
    """Layer name -> one callable per block of rows."""
    layers: dict[str, list[Linear]]
    """All prunable layers likewise, those of the GRU too where it is masked."""
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
        next_hidden = self.gru(parts, hidden)
        *rectified, to_q = self.after.values()
        parts = list(next_hidden.split(self.block_sizes))
        for linears in rectified:
            parts = [functional.relu(part) for part in _apply(linears, parts)]
        q = _join(_apply(to_q, parts))
        return q.masked_fill(~action_mask, -torch.inf).argmax(1), q, next_hidden

    def products(self, name: str, x: Tensor) -> list[Tensor]:
        """One layer's products alone, block by block: (R, in) -> blocks of (R_b, out)."""
        return _apply(self.layers[name], list(x.split(self.block_sizes)))


def dense_pass(policy: PolicyLayers, group_sizes: list[int], dtype: torch.dtype) -> PolicyPass:
    """The policy before masking: one weight a layer and one product over all rows, as a dense algorithm has it."""
    fused = _fused_gru([side.weight for side in policy.gru], policy, dtype)
    return _build(policy, [sum(group_sizes)], lambda layer: [_plain(layer.weight, layer.bias, dtype)], fused)


def masked_pass(policy: PolicyLayers, group_sizes: list[int], dtype: torch.dtype) -> PolicyPass:
    """The masked policy stored densely: one product per mask group, zeros multiplied along."""

    def linears(layer: PolicyLayer) -> list[Linear]:
        return [_plain(weight, layer.bias, dtype) for weight in layer.masked]

    return _build(policy, _blocks(policy, group_sizes), linears, _dense_gru(policy, dtype))


def compressed_pass(policy: PolicyLayers, group_sizes: list[int], dtype: torch.dtype, compress: Compress) -> PolicyPass:
    """The masked policy compressed: one product per mask group over the kept half of the weights."""

    def linears(layer: PolicyLayer) -> list[Linear]:
        return [compressed_linear(weight, layer.bias, dtype, compress) for weight in layer.masked]

    return _build(policy, _blocks(policy, group_sizes), linears, _dense_gru(policy, dtype))


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
    policy: PolicyLayers, block_sizes: list[int], linears: Callable[[PolicyLayer], list[Linear]], gru: Gru | None
) -> PolicyPass:
    """Give every prunable layer its callables; ``gru`` runs the whole GRU where it is given."""
    layers = {name: linears(layer) for name, layer in policy.prunable().items()}
    return PolicyPass(
        before={name: layers[name] for name in policy.before},
        gru=gru or partial(_block_gru, layers["gru_ih"], layers["gru_hh"], block_sizes),
        after={name: layers[name] for name in policy.after},
        layers=layers,
        block_sizes=block_sizes,
    )


def _dense_gru(policy: PolicyLayers, dtype: torch.dtype) -> Gru | None:
    """The GRU as PyTorch runs it, where no mask is on it."""
    return None if policy.gru_masked else _fused_gru([side.masked[0] for side in policy.gru], policy, dtype)


def _fused_gru(weights: list[Tensor], policy: PolicyLayers, dtype: torch.dtype) -> Gru:
    tensors = [tensor.to(dtype) for tensor in (*weights, *(side.bias for side in policy.gru))]
    return lambda parts, hidden: torch.gru_cell(_join(parts), hidden, *tensors)


def _block_gru(
    input_side: list[Linear], recurrent_side: list[Linear], block_sizes: list[int], parts: list[Tensor], hidden: Tensor
) -> Tensor:
    """A GRU of one product per side and block; gates in the order reset, update, new."""
    from_input = _join(_apply(input_side, parts))
    from_hidden = _join(_apply(recurrent_side, list(hidden.split(block_sizes))))
    size = hidden.shape[1]
    reset, update = (from_input[:, : 2 * size] + from_hidden[:, : 2 * size]).sigmoid().chunk(2, 1)
    new = torch.addcmul(from_input[:, 2 * size :], reset, from_hidden[:, 2 * size :]).tanh()
    return torch.lerp(new, hidden, update)


def _blocks(policy: PolicyLayers, group_sizes: list[int]) -> list[int]:
    """A dense algorithm has one group, whatever the rows are sorted by."""
    n_groups = len(next(iter(policy.after.values())).masked)
    return [sum(group_sizes)] if n_groups == 1 else group_sizes


def _apply(linears: list[Linear], parts: list[Tensor]) -> list[Tensor]:
    return [linear(part) for linear, part in zip(linears, parts, strict=True)]


def _join(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)
