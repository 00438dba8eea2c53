"""Storage formats: how a policy's weights are stored and multiplied with.

| format | products of a layer | its zeros |
|---|---|---|
| ``dense`` | one over all rows, with the weight before masking: what a dense algorithm pays | – |
| ``masked`` | one per mask group, rows sorted by group | multiplied along |
| ``masked-batched`` | all groups in one batched product | multiplied along |
| a backend's name | one per mask group over the kept half | skipped |

Sizes are padded to what the kernels want, and the padding is counted among the operations that are carried out. Dense
weights are padded as well, to multiples of ``DENSE_MULTIPLE``: tensor cores fall off their fast path on rows that are
not a multiple of 16 bytes, which would flatter the compressed formats.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from algorithms.protocol import PolicyLayer
from algorithms.sparsity.pattern24 import is_24
from harness.speed.kernels import REFUSALS, Backend, Refused, first_line
from harness.speed.timing import wait

Linear = Callable[[Tensor], Tensor]
"""(R, in) -> (R, out), bias added."""

DENSE, MASKED, BATCHED = "dense", "masked", "masked-batched"
DENSE_MULTIPLE = 8


@dataclass(frozen=True, kw_only=True)
class StoredLayer:
    """A layer in one storage format, ready to multiply."""

    linears: list[Linear]
    """one per block of rows: a block for each mask group, or a single one"""
    width: int
    """columns that its input should have; narrower inputs are padded at each call"""
    flops_per_row: float
    """multiplications and additions carried out for one row, padding included"""
    nbytes: int
    """of its weights, metadata included"""
    setting: str = ""
    """what its kernel was set to"""

    def __call__(self, parts: list[Tensor]) -> list[Tensor]:
        """Multiply block by block."""
        return [linear(part) for linear, part in zip(self.linears, parts, strict=True)]


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """A layer compressed for one backend, all mask groups, and the time that took."""

    seconds: float
    compressed: list[Any]


class LayerStore:
    """One layer of a policy in every storage format, compressed once and kept.

    Args:
        layer: on the device where it will be used.
        dtype: number format of weights and inputs.
        backends: those to be tried.
    """

    def __init__(self, layer: PolicyLayer, dtype: torch.dtype, backends: Sequence[Backend]) -> None:
        self.layer, self.dtype = layer, dtype
        self.backends = {backend.name: backend for backend in backends}
        self.out_features, self.in_features = layer.weight.shape
        self.compressible = is_24(layer.masked)
        """whether its masks are of the kind that backends compress"""
        self.conversions: dict[str, Conversion] = {}
        self.refused: dict[str, str] = {}
        """backend -> why it cannot store this layer, found out once"""

    @property
    def groups(self) -> int:
        """Return G, the number of weights that the layer keeps."""
        return len(self.layer.masked)

    def formats(self, *, feature_major: bool = False) -> list[str]:
        """Return the formats that ``stored`` takes: backends only where the layer has compressible masks at all."""
        dense = [DENSE, MASKED, BATCHED] if self.groups > 1 else [DENSE, MASKED]
        backends = self.backends.values() if self.compressible else ()
        return dense + [each.name for each in backends if feature_major or not each.feature_major]

    def stored(self, storage_format: str, rows: int) -> StoredLayer:
        """Return the layer in one format, to multiply with blocks of ``rows`` rows.

        Raises:
            Refused: the format is a backend's, and it cannot store this layer here.
        """
        if storage_format not in (DENSE, MASKED, BATCHED):
            return self._compressed(self.backends[storage_format], rows)
        weights = [self.layer.weight] if storage_format == DENSE else self.layer.masked
        padded = [self._padded(weight, DENSE_MULTIPLE, DENSE_MULTIPLE) for weight in weights]
        bias, width = self._padded_bias(DENSE_MULTIPLE), padded[0].shape[1]
        products = [partial(functional.linear, weight=weight, bias=bias) for weight in padded]
        if storage_format == BATCHED:
            products = [partial(_batched_product, torch.stack(padded).transpose(1, 2), bias)]
        return StoredLayer(
            linears=[self._fitted(product, width) for product in products],
            width=width,
            flops_per_row=2 * padded[0].numel(),
            nbytes=sum(weight.nbytes for weight in padded),
        )

    def _compressed(self, backend: Backend, rows: int) -> StoredLayer:
        bias = self._padded_bias(backend.row_multiple)
        compressed = self.convert(backend).compressed
        try:
            products = [backend.product(each, bias, rows) for each in compressed]
        except REFUSALS as error:
            raise Refused(first_line(error)) from error
        out, width = (-(-n // m) * m for n, m in zip(self.layer.weight.shape, _multiples(backend), strict=True))
        fit = self._fitted_features if backend.feature_major else partial(self._fitted, width=width)
        return StoredLayer(
            linears=[fit(product.multiply) for product in products],
            width=width,
            flops_per_row=out * width,  # half of 2 · out · in
            nbytes=sum(backend.nbytes(each) for each in compressed),
            setting=products[0].setting,
        )

    def convert(self, backend: Backend) -> Conversion:
        """Compress all mask groups at the first call; return the same result afterwards.

        Raises:
            Refused: why the backend cannot store this layer.
        """
        name, device = backend.name, self.layer.bias.device
        if name not in self.conversions and name not in self.refused:
            try:
                if reason := backend.unavailable(device):
                    raise Refused(reason)
                backend.compress(self._padded(self.layer.masked[0], *_multiples(backend)))  # sets up its library
                wait(device)
                begun = time.perf_counter()
                made = [backend.compress(self._padded(each, *_multiples(backend))) for each in self.layer.masked]
                wait(device)
                self.conversions[name] = Conversion(seconds=time.perf_counter() - begun, compressed=made)
            except REFUSALS as error:
                self.refused[name] = first_line(error)
        if name in self.refused:
            raise Refused(self.refused[name])
        return self.conversions[name]

    def _padded(self, weight: Tensor, row_multiple: int, column_multiple: int) -> Tensor:
        return pad_to(weight.to(self.dtype), row_multiple, column_multiple).contiguous()

    def _padded_bias(self, multiple: int) -> Tensor:
        return functional.pad(self.layer.bias.to(self.dtype), (0, -self.out_features % multiple))

    def _fitted(self, product: Linear, width: int) -> Linear:
        """Give a padded product the layer's own sizes; kernels get contiguous rows only."""
        out_features = self.out_features

        def linear(x: Tensor) -> Tensor:
            if x.shape[1] < width:
                x = functional.pad(x, (0, width - x.shape[1]))
            found = product(x.contiguous())
            return found if found.shape[1] == out_features else found[:, :out_features]

        return linear

    def _fitted_features(self, product: Linear) -> Linear:
        """Do the same for (in, R) -> (out, R); the input must have the padded number of rows."""
        return lambda x: product(x)[: self.out_features]


def _batched_product(factor: Tensor, bias: Tensor, x: Tensor) -> Tensor:
    """(G, in, out) and the rows of all groups (G · R, in) -> (G · R, out)."""
    return torch.baddbmm(bias, x.reshape(len(factor), -1, x.shape[1]), factor).flatten(0, 1)


def pad_to(matrix: Tensor, row_multiple: int, column_multiple: int) -> Tensor:
    """Append zero rows and columns until both counts are multiples; (R, C) -> (R', C')."""
    rows, columns = matrix.shape
    return functional.pad(matrix, (0, -columns % column_multiple, 0, -rows % row_multiple))


def relative_error(arrived: Tensor, expected: Tensor) -> float:
    """Return the largest difference, relative to the largest expected value; NaN where either holds one."""
    arrived, expected = arrived.float(), expected.float()
    largest = expected.abs().max().clamp_min(torch.finfo(torch.float32).tiny)
    return float(((arrived - expected).abs().max() / largest).item())


def _multiples(backend: Backend) -> tuple[int, int]:
    return backend.row_multiple, backend.column_multiple
