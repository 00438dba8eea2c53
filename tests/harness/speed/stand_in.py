"""What tests of speed share: stand-ins for compressed products that run without a card, made-up times, policies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.sparse._semi_structured_conversions import (
    sparse_semi_structured_from_dense_cutlass,
    sparse_semi_structured_to_dense_cutlass,
)

from algorithms.q_learning.learner import QLearner
from envs.spec import EnvSpec
from harness.speed import compare_kernels
from harness.speed.kernels import Backend, Product
from harness.speed.timing import Timing
from tests.algorithms.worlds import SPEC, batch, learner

SPARSE_CORES = torch.cuda.is_available() and torch.cuda.get_device_capability() >= (8, 0)


class ReferenceCutlass(Backend):
    """PyTorch's own reference of the CUTLASS format: two values of each four, and metadata that says where they stood.

    The dense product is made from the compressed form alone.
    """

    name = "reference"
    row_multiple, column_multiple = 32, 64

    def unavailable(self, device: torch.device) -> str | None:
        return None

    def compress(self, padded: Tensor) -> Any:
        return sparse_semi_structured_from_dense_cutlass(padded)

    def product(self, stored: Any, bias: Tensor, rows: int) -> Product:
        weight = sparse_semi_structured_to_dense_cutlass(*stored)
        return Product(multiply=lambda x: functional.linear(x, weight, bias), setting="by reference")

    def nbytes(self, stored: Any) -> int:
        return sum(part.nbytes for part in stored)


class ReferenceFeatures(ReferenceCutlass):
    """The same on transposed activations."""

    name = "reference-features"
    feature_major = True

    def product(self, stored: Any, bias: Tensor, rows: int) -> Product:
        weight = sparse_semi_structured_to_dense_cutlass(*stored)
        return Product(multiply=lambda x: torch.addmm(bias.unsqueeze(1), weight, x))


class StandIn(Backend):
    """Keeps the weight as a test's function gives it back, and remembers the shapes that arrived."""

    name = "stand-in"
    row_multiple, column_multiple = 32, 64

    def __init__(self, compress: Callable[[Tensor], Tensor] = lambda padded: padded) -> None:
        self._compress = compress
        self.shapes: list[tuple[int, ...]] = []

    def unavailable(self, device: torch.device) -> str | None:
        return None

    def compress(self, padded: Tensor) -> Any:
        self.shapes.append(tuple(padded.shape))
        return self._compress(padded)

    def product(self, stored: Any, bias: Tensor, rows: int) -> Product:
        assert rows > 0
        return Product(multiply=lambda x: functional.linear(x, stored, bias))


def trained(id: str, spec: EnvSpec = SPEC, **changes: object) -> QLearner:
    """A learner after a few updates, so that no two parameters are alike."""
    made = learner(id, spec, **changes)
    for i in range(3):
        made.update(batch(seed=i, spec=spec), 0)
    return made


def timing(seconds: float, spread: float = 0.1) -> Timing:
    return Timing(seconds=seconds, low=(1 - spread) * seconds, high=(1 + spread) * seconds, repeats=5, inner=1)


class Clock:
    """Time that passes only where a piece of work says so."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        patch.setattr("harness.speed.timing.time", self)

    def perf_counter(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


def script_rounds(
    monkeypatch: pytest.MonkeyPatch, seconds: Callable[[set[str]], Mapping[str, float]], *, others: float = 1.0
) -> None:
    """Let the competitors of each round take the seconds that a test says for their names."""

    def scripted(works: dict[str, object], device: torch.device, **how: object) -> dict[str, Timing]:
        said = seconds(set(works))
        return {name: timing(said.get(name, others)) for name in works}

    monkeypatch.setattr(compare_kernels, "time_in_turn", scripted)


def kept_half(padded: Tensor) -> Tensor:
    """Return a weight as the compressed form keeps it: two values of each four, and no more."""
    groups = padded.unflatten(1, (-1, 4))
    where = (groups != 0).int().topk(2, dim=-1).indices
    return torch.zeros_like(groups).scatter(-1, where, groups.gather(-1, where)).flatten(1)
