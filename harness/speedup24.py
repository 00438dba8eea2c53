"""2:4 speed-up: compressed against dense products on sparse tensor cores, measured or not given at all.

Source: PyTorch's ``torch.sparse.to_sparse_semi_structured``. Three products of each masked weight stand side by side:
dense (the same shape without zeros), masked dense (the zeros multiplied along) and compressed (only the kept half).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from algorithms.protocol import Algorithm
from harness.throughput import median_seconds

ROW_MULTIPLE = 32
"""Output features: the stricter of what the two backends ask in fp16 (CUTLASS 32, cuSPARSELt 16)."""
COLUMN_MULTIPLE = 64
"""Input features: likewise (CUTLASS 64, cuSPARSELt 16)."""
BATCH_MULTIPLE = 8
"""Rows of the batch, for both backends."""
TOLERANCE = 2e-2
"""Largest error of the compressed product, relative to the largest output; fp16 keeps about three digits."""
INNER = 50
"""Products between two readings of the clock; one alone is shorter than the wait for the device."""


@dataclass(frozen=True, kw_only=True)
class LayerTiming:
    """One weight, three ways."""

    layer: str
    group: int
    """Mask group: a unit type, or an agent."""
    out_features: int
    in_features: int
    dense_seconds: float
    """One fp16 product at the layer's own size."""
    masked_dense_seconds: float
    """The same with the masked weights' zeros in it."""
    compressed_seconds: float
    """The compressed product at the padded size the backend needs."""
    conversion_seconds: float
    """Compressing the weight once; not part of the speed-up, since a trained policy is compressed once."""
    largest_error: float
    """|compressed − masked dense|, relative to the largest masked dense output."""


@dataclass(frozen=True, kw_only=True)
class Speedup24:
    """The measured speed-up, or the reason why there is none."""

    speedup: float | None
    """Dense seconds / compressed seconds, both summed over layers and groups; None: not measured."""
    reason: str | None
    """Why there is no number; None where there is one."""
    rows: int = 0
    """Rows of the batch that every product multiplied."""
    layers: tuple[LayerTiming, ...] = ()


def measure_speedup24(algorithm: Algorithm, *, rows: int = 8192) -> Speedup24:
    """Compare the three products on the policy's masked weights, output checked first.

    Args:
        algorithm: the trained policy, on its device.
        rows: size of the batch, a multiple of ``BATCH_MULTIPLE``.

    Returns:
        The speed-up with its timings, or the reason why it cannot be measured here. Never an estimate.
    """
    weights = algorithm.masked_weights()
    reason = no_speedup_reason(algorithm.device, weights)
    if reason is not None:
        return Speedup24(speedup=None, reason=reason)
    layers = []
    for name, stacked in weights.items():
        for group, weight in enumerate(stacked):
            try:
                timing = _time_layer(name, group, weight, rows)
            except RuntimeError as error:  # a GPU that this build of PyTorch has no sparse kernel for
                told = str(error).strip().splitlines()[0]
                return Speedup24(speedup=None, reason=f"PyTorch cannot compress {name} here: {told}")
            if timing.largest_error > TOLERANCE:
                return Speedup24(
                    speedup=None,
                    reason=f"compressed output of {name}, group {group}, is off by {timing.largest_error:.3g} "
                    f"of the largest value (allowed {TOLERANCE:g})",
                )
            layers.append(timing)
    dense = sum(timing.dense_seconds for timing in layers)
    compressed = sum(timing.compressed_seconds for timing in layers)
    return Speedup24(speedup=dense / compressed, reason=None, rows=rows, layers=tuple(layers))


def no_speedup_reason(device: torch.device, weights: dict[str, Tensor]) -> str | None:
    """Why no speed-up can be measured for these weights on this device; None where it can."""
    if not weights:
        return "no masked layers"
    unfit = [name for name, weight in weights.items() if not is_two_of_four(weight)]
    if unfit:
        return f"weights are not 2:4 ({', '.join(unfit)})"
    if device.type != "cuda" or torch.cuda.get_device_capability(device) < (8, 0):
        return "no CUDA device with sparse tensor cores"
    return None


def is_two_of_four(weight: Tensor) -> bool:
    """True where each group of 4 along the last axis, zero-padded at the end, has at most 2 non-zeros.

    Args:
        weight: (..., in), any dtype.
    """
    padded = functional.pad(weight, (0, -weight.shape[-1] % 4))
    return bool(((padded != 0).unflatten(-1, (-1, 4)).sum(-1) <= 2).all())


def pad_to(matrix: Tensor, row_multiple: int, column_multiple: int) -> Tensor:
    """Zero rows and columns at the end until both counts are multiples; (R, C) -> (R', C')."""
    rows, columns = matrix.shape
    return functional.pad(matrix, (0, -columns % column_multiple, 0, -rows % row_multiple))


def _time_layer(name: str, group: int, weight: Tensor, rows: int) -> LayerTiming:
    device = weight.device
    generator = torch.Generator(device).manual_seed(group)
    out_features, in_features = weight.shape
    masked = weight.detach().half()
    dense = torch.randn(weight.shape, generator=generator, device=device).half()
    inputs = torch.randn((rows, in_features), generator=generator, device=device).half()
    padded_inputs = pad_to(inputs, BATCH_MULTIPLE, COLUMN_MULTIPLE)
    padded = pad_to(masked, ROW_MULTIPLE, COLUMN_MULTIPLE).contiguous()
    with warnings.catch_warnings():
        # The tensor subclass announces itself as a prototype once per process; that is known and recorded here.
        warnings.filterwarnings("ignore", message=".*SparseSemiStructuredTensor is in prototype stage.*")
        compressed = torch.sparse.to_sparse_semi_structured(padded)
    expected = functional.linear(inputs, masked)
    arrived = functional.linear(padded_inputs, compressed)[:rows, :out_features]
    error = (arrived - expected).abs().max() / expected.abs().max().clamp_min(torch.finfo(torch.float16).tiny)

    def seconds(x: Tensor, w: Tensor) -> float:
        return median_seconds(lambda: functional.linear(x, w), device, inner=INNER)

    return LayerTiming(
        layer=name,
        group=group,
        out_features=out_features,
        in_features=in_features,
        dense_seconds=seconds(inputs, dense),
        masked_dense_seconds=seconds(inputs, masked),
        compressed_seconds=seconds(padded_inputs, compressed),
        conversion_seconds=median_seconds(lambda: torch.sparse.to_sparse_semi_structured(padded), device),
        largest_error=float(error),
    )
