"""2:4 speed-up: compressed against dense decisions/s on sparse tensor cores, measured or not given at all.

A whole greedy pass of the agent network (``policy_pass.py``) is timed in three storages side by side: dense (the
policy before masking), masked dense (zeros multiplied along) and compressed (only the kept half). Masked products, the
GRU, biases, ReLUs and the choice among legal actions are part of it; building the inputs and sorting rows by mask
group, which all three share, are not.

Source: PyTorch's ``torch.sparse.to_sparse_semi_structured``. The passes are tested on the CPU, with a stand-in for the
compressed product; the CUDA path itself has not yet run on a card.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from algorithms.protocol import Algorithm, PolicyLayers
from algorithms.sparsity.verify import Pattern24Error, verify_weight24
from harness.policy_pass import (
    BATCH_MULTIPLE,
    COLUMN_MULTIPLE,
    ROW_MULTIPLE,
    Compress,
    PolicyPass,
    compressed_pass,
    dense_pass,
    masked_pass,
    pad_to,
)
from harness.throughput import median_seconds

DECISIONS = 131_072
"""Rows of the batch: enough that the device's work takes the time, not the launching of it."""
TOLERANCE = 2e-2
"""Largest error of the compressed pass, relative to the largest value; fp16 keeps about three digits."""
INNER = 10
"""Passes between two readings of the clock; one alone may be shorter than the wait for the device."""


@dataclass(frozen=True, kw_only=True)
class LayerTiming:
    """One masked layer, three ways: its products for all rows, biases added."""

    out_features: int
    in_features: int
    dense_seconds: float
    """One product with the weight before masking."""
    masked_dense_seconds: float
    """One product per mask group."""
    compressed_seconds: float
    """The same at the padded size that the backend needs."""


@dataclass(frozen=True, kw_only=True)
class Speedup24:
    """The measured speed-up, or the reason why there is none."""

    speedup: float | None
    """Compressed against dense decisions/s; None: not measured."""
    reason: str | None
    """Why there is no number; None where there is one."""
    decisions: int = 0
    """Rows of one pass, the same number for each mask group."""
    dtype: str = ""
    """Number format of all three passes."""
    dense_seconds: float = 0.0
    """Median of one pass of the policy before masking."""
    masked_dense_seconds: float = 0.0
    """Median of one pass of the masked policy stored densely."""
    compressed_seconds: float = 0.0
    """Median of one pass of the compressed policy."""
    conversion_seconds: float = 0.0
    """Compressing all weights once; no part of the speed-up, since a trained policy is compressed once."""
    largest_error: float = 0.0
    """|compressed − masked dense| of Q-values and hidden states, relative to the largest of each."""
    layers: dict[str, LayerTiming] = field(default_factory=dict)
    """Details: each layer's products alone."""


def measure_speedup24(algorithm: Algorithm, *, decisions: int = DECISIONS) -> Speedup24:
    """Compare the three passes of a trained policy, output checked first.

    Args:
        algorithm: the trained policy, on its device.
        decisions: rows of one pass, rounded up to a multiple of ``BATCH_MULTIPLE`` for each mask group.

    Returns:
        The speed-up with its timings, or the reason why it cannot be measured here. Never an estimate.
    """
    reason = no_speedup_reason(algorithm.device, algorithm.masked_weights())
    policy = algorithm.policy_layers()
    if reason is None and policy is None:
        reason = "the policy is not given layer by layer"
    if reason is not None or policy is None:
        return Speedup24(speedup=None, reason=reason)
    try:
        return compare_passes(policy, decisions=decisions, dtype=torch.float16, compress=compress24)
    except (RuntimeError, AssertionError) as error:  # how PyTorch's prototype refuses a GPU, a build or a shape
        told = (str(error).strip() or type(error).__name__).splitlines()[0]
        return Speedup24(speedup=None, reason=f"PyTorch cannot run 2:4 products here: {told}")


def no_speedup_reason(device: torch.device, weights: dict[str, Tensor]) -> str | None:
    """Why no speed-up can be measured for these weights on this device; None where it can."""
    if not weights:
        return "no masked layers"
    unfit = [name for name, weight in weights.items() if not _is_two_of_four(weight)]
    if unfit:
        return f"weights are not 2:4 ({', '.join(unfit)})"
    if device.type != "cuda" or torch.cuda.get_device_capability(device) < (8, 0):
        return "no CUDA device with sparse tensor cores"
    return None


def compress24(padded: Tensor) -> Tensor:
    """Compress a padded 2:4 weight for the device's sparse tensor cores."""
    with warnings.catch_warnings():
        # The tensor subclass announces itself as a prototype once per process; that is known and recorded here.
        warnings.filterwarnings("ignore", message=".*SparseSemiStructuredTensor is in prototype stage.*")
        compressed: Tensor = torch.sparse.to_sparse_semi_structured(padded)
    return compressed


@torch.no_grad()
def compare_passes(
    policy: PolicyLayers, *, decisions: int, dtype: torch.dtype, compress: Compress, inner: int = INNER
) -> Speedup24:
    """Time the three passes on drawn inputs, once the compressed one has been found equal to the masked one.

    Args:
        policy: on the device that is to be timed; every masked weight 2:4.
        decisions: see ``measure_speedup24``.
        dtype: number format of weights and inputs.
        compress: makes the compressed form of a padded weight.
        inner: passes between two readings of the clock.
    """
    first, last = next(iter(policy.before.values())), list(policy.after.values())[-1]
    n_groups = len(last.masked)
    per_group = -(-decisions // (n_groups * BATCH_MULTIPLE)) * BATCH_MULTIPLE
    sizes = [per_group] * n_groups
    device = last.bias.device
    hidden, inputs = (
        _drawn(per_group * n_groups, width, dtype, device, seed)
        for seed, width in enumerate((policy.gru[1].weight.shape[1], first.weight.shape[1]))
    )
    padded_inputs = pad_to(inputs, 1, COLUMN_MULTIPLE)  # as the code that builds them would lay them out
    legal = torch.ones((len(inputs), len(last.bias)), dtype=torch.bool, device=device)
    dense, masked = dense_pass(policy, sizes, dtype), masked_pass(policy, sizes, dtype)
    compressed = compressed_pass(policy, sizes, dtype, compress)

    expected, arrived = masked(inputs, hidden, legal), compressed(padded_inputs, hidden, legal)
    errors = [_relative_error(*pair) for pair in zip(arrived[1:], expected[1:], strict=True)]
    error = torch.stack(errors).max().item()  # Python's own max would lose a NaN
    if not error <= TOLERANCE:  # and a NaN is no agreement
        told = f"compressed output is off by {error:.3g} of the largest value (allowed {TOLERANCE:g})"
        return Speedup24(speedup=None, reason=told, largest_error=error)

    def seconds(decide: PolicyPass, rows: Tensor) -> float:
        return median_seconds(lambda: decide(rows, hidden, legal), device, inner=inner)

    dense_seconds, compressed_seconds = seconds(dense, inputs), seconds(compressed, padded_inputs)
    return Speedup24(
        speedup=dense_seconds / compressed_seconds,
        reason=None,
        decisions=len(inputs),
        dtype=str(dtype).removeprefix("torch."),
        dense_seconds=dense_seconds,
        masked_dense_seconds=seconds(masked, inputs),
        compressed_seconds=compressed_seconds,
        conversion_seconds=median_seconds(lambda: _convert(policy, dtype, compress), device),
        largest_error=error,
        layers=_layer_timings(policy, (dense, masked, compressed), len(inputs), dtype, inner),
    )


def _layer_timings(
    policy: PolicyLayers, passes: tuple[PolicyPass, PolicyPass, PolicyPass], rows: int, dtype: torch.dtype, inner: int
) -> dict[str, LayerTiming]:
    """Each layer's products alone; the compressed one's inputs have its padded width."""
    timings = {}
    for name, layer in policy.prunable().items():
        out_features, in_features = layer.weight.shape
        device = layer.weight.device
        inputs = _drawn(rows, in_features, dtype, device, seed=0)
        dense, masked, compressed = (
            median_seconds(partial(each.products, name, x), device, inner=inner)
            for each, x in zip(passes, (inputs, inputs, pad_to(inputs, 1, COLUMN_MULTIPLE)), strict=True)
        )
        timings[name] = LayerTiming(
            out_features=out_features,
            in_features=in_features,
            dense_seconds=dense,
            masked_dense_seconds=masked,
            compressed_seconds=compressed,
        )
    return timings


def _convert(policy: PolicyLayers, dtype: torch.dtype, compress: Compress) -> None:
    for layer in policy.prunable().values():
        for weight in layer.masked:
            compress(pad_to(weight.to(dtype), ROW_MULTIPLE, COLUMN_MULTIPLE).contiguous())


def _drawn(rows: int, width: int, dtype: torch.dtype, device: torch.device, seed: int) -> Tensor:
    """Numbers in [-1, 1), the range of hidden states and of most inputs."""
    generator = torch.Generator(device).manual_seed(seed)
    return (2 * torch.rand((rows, width), generator=generator, device=device) - 1).to(dtype)


def _relative_error(arrived: Tensor, expected: Tensor) -> Tensor:
    arrived, expected = arrived.float(), expected.float()
    return (arrived - expected).abs().max() / expected.abs().max().clamp_min(torch.finfo(torch.float32).tiny)


def _is_two_of_four(weight: Tensor) -> bool:
    try:
        verify_weight24(weight)
    except Pattern24Error:
        return False
    return True
