"""What the card itself can do: one large product, dense and 2:4, measured in the same run as everything else."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from algorithms.protocol import PolicyLayer
from harness.throughput.backends import Backend, drawn_rows
from harness.throughput.cell import measure_layer
from harness.throughput.race import Bench
from harness.throughput.results import WorkResult
from harness.throughput.ways import DENSE, LayerStore

GPU_SIZE, CPU_SIZE = 8192, 1024
"""Rows, inputs and outputs. 8192³ is the product that the kernels' makers quote."""


@dataclass(frozen=True, kw_only=True)
class Peak:
    """One large product in every way."""

    size: int
    dtype: str
    work: WorkResult

    @property
    def flops_per_second(self) -> float | None:
        """Of the dense product: the measured peak that others are held against."""
        seconds = self.work.seconds(DENSE)
        return self.work.useful_flops / seconds if seconds else None


@torch.no_grad()
def measure_peak(dtype: torch.dtype, backends: tuple[Backend, ...], at: Bench) -> Peak:
    """Time the product size × size × size of a weight that keeps the first two of every four inputs."""
    size = GPU_SIZE if at.device.type == "cuda" else CPU_SIZE
    weight = drawn_rows(size, size, dtype, at.device) / size**0.5
    kept = torch.arange(size, device=at.device) % 4 < 2
    bias = torch.zeros(size, dtype=dtype, device=at.device)
    layer = PolicyLayer(weight=weight, masked=(weight * kept).unsqueeze(0), bias=bias)
    work = measure_layer(LayerStore(layer, dtype, backends), [size], 1, at)
    return Peak(size=size, dtype=str(dtype).removeprefix("torch."), work=work)
