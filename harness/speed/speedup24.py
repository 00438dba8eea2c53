"""2:4 speed-up of one trained policy: compressed against dense decisions/s, measured or not given at all.

A whole greedy pass of the agent network is timed in every storage format (``grid_point.py``): the speed-up is that of
the fastest backend, used for all masked layers, over the policy before masking. Masked products, the GRU, biases, ReLUs
and the choice among legal actions are part of it; building the inputs and sorting rows by mask group, which all formats
share, are not. A backend's output is compared with the masked dense one before it is timed.

The passes are tested on the CPU, with a stand-in for the compressed product; docs/throughput.md says whether the
kernels themselves have run on a card.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from algorithms.protocol import Algorithm, PolicyLayers
from algorithms.sparsity.pattern24 import is_24
from harness.speed.grid_point import PolicyMeasurement
from harness.speed.kernels import Backend, all_backends, first_line, no_sparse_cores
from harness.speed.results import WorkResult
from harness.speed.storage_formats import DENSE, MASKED, LayerStore
from harness.speed.timing import TimingContext

DECISIONS = 131_072
"""Rows of the batch: enough that the device's work takes the time, not the launching of it."""
SECONDS = 0.2
"""For the rounds of one comparison."""


@dataclass(frozen=True, kw_only=True)
class LayerTiming:
    """One layer of the policy: its products for all rows, biases added; all formats in the same rounds."""

    out_features: int
    in_features: int
    dense_seconds: float | None
    """One product with the weight before masking."""
    masked_dense_seconds: float | None
    """One product per mask group."""
    compressed_seconds: float | None
    """The same at the padded size that the backend needs; None where the layer is not masked."""
    auto: str
    """The storage format that multiplies fastest with its masked weights."""


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
    """Number format of all passes."""
    backend: str = ""
    """The backend whose compressed products were fastest."""
    dense_seconds: float = 0.0
    """Median of one pass of the policy before masking; this and the next three from the second rounds."""
    masked_dense_seconds: float = 0.0
    """Median of one pass of the masked policy stored densely, a product per mask group."""
    compressed_seconds: float = 0.0
    """Median of one pass of the compressed policy."""
    auto: str = ""
    """The storage format that runs the masked policy fastest; ``mixed``: some layers compressed, some not."""
    auto_seconds: float = 0.0
    """Median of one pass in that format."""
    conversion_seconds: float = 0.0
    """Compressing all weights once; no part of the speed-up, since a trained policy is compressed once."""
    largest_error: float = 0.0
    """|compressed − masked dense| of Q-values and hidden states, relative to the largest of each."""
    layers: dict[str, LayerTiming] = field(default_factory=dict)
    """Details: each layer's products alone."""


def measure_speedup24(algorithm: Algorithm, *, decisions: int = DECISIONS) -> Speedup24:
    """Compare the storage formats of a trained policy, output checked first.

    Args:
        algorithm: the trained policy, on its device.
        decisions: rows of one pass, see ``PolicyMeasurement.measure``.

    Returns:
        The speed-up with its timings, or the reason why it cannot be measured here. Never an estimate.
    """
    reason = no_speedup_reason(algorithm.device, algorithm.masked_weights())
    policy = algorithm.policy_layers()
    if reason is None and policy is None:
        reason = "the policy is not given layer by layer"
    if reason is not None or policy is None:
        return Speedup24(speedup=None, reason=reason)
    return compare_formats(policy, decisions=decisions, dtype=torch.float16, backends=all_backends())


def no_speedup_reason(device: torch.device, weights: dict[str, Tensor]) -> str | None:
    """Return why no speed-up can be measured for these weights on this device; None where it can."""
    if not weights:
        return "no masked layers"
    unfit = [name for name, weight in weights.items() if not is_24(weight)]
    if unfit:
        return f"weights are not 2:4 ({', '.join(unfit)})"
    return no_sparse_cores(device)


def compare_formats(
    policy: PolicyLayers, *, decisions: int, dtype: torch.dtype, backends: tuple[Backend, ...], seconds: float = SECONDS
) -> Speedup24:
    """Time all storage formats on drawn inputs, each after its output was found equal to the masked one.

    Args:
        policy: on the device that is to be timed; every masked weight 2:4.
        decisions: see ``measure_speedup24``.
        dtype: number format of weights and inputs.
        backends: those to be tried.
        seconds: for the rounds of one comparison.
    """
    context = TimingContext(next(iter(policy.after.values())).bias.device, seconds=seconds)
    try:
        measurement = PolicyMeasurement(policy, dtype, backends, context)
        result = measurement.measure(decisions)
    except RuntimeError as error:  # memory, or a broken device
        return Speedup24(speedup=None, reason=f"the comparison broke off: {first_line(error)}")
    (agent,) = result.agents.values()
    backend = agent.best_sparse()
    dense, masked = agent.seconds(DENSE), agent.seconds(MASKED)
    compressed = agent.seconds(backend) if backend else None
    if backend is None or dense is None or masked is None or compressed is None:
        message = "; ".join(dict.fromkeys(found.refused for found in agent.formats.values() if found.refused))
        return Speedup24(speedup=None, reason=f"PyTorch cannot run 2:4 products here: {message}")
    return Speedup24(
        speedup=dense / compressed,
        reason=None,
        decisions=result.rows,
        dtype=result.dtype,
        backend=backend,
        dense_seconds=dense,
        masked_dense_seconds=masked,
        compressed_seconds=compressed,
        auto=agent.auto,
        auto_seconds=agent.seconds(agent.auto) or 0.0,
        conversion_seconds=result.conversion_seconds.get(backend, 0.0),
        largest_error=agent.formats[backend].error or 0.0,
        layers={name: _timing(measurement.layers[name], work, backend) for name, work in result.layers.items()},
    )


def _timing(store: LayerStore, work: WorkResult, backend: str) -> LayerTiming:
    return LayerTiming(
        out_features=store.out_features,
        in_features=store.in_features,
        dense_seconds=work.first_seconds(DENSE),
        masked_dense_seconds=work.first_seconds(MASKED),
        compressed_seconds=work.first_seconds(backend),
        auto=work.auto,
    )
