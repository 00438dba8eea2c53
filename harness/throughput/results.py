"""What is measured, as plain values that a JSON file can hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.throughput.ways import BATCHED, DENSE, MASKED

DENSE_GRU, MASKED_GRU = "dense", "2:4"
MIXED = "mixed"
"""Way of a whole agent that stores each layer as is fastest for it alone."""
NO_SPARSE_WAYS = (DENSE, MASKED, BATCHED)


@dataclass(frozen=True, kw_only=True)
class WayResult:
    """One way to do some work: its time, or the reason why there is none."""

    refused: str = ""
    """why it was not timed; empty where it was"""
    seconds: float | None = None
    """median of one call; launched as a CUDA graph where that was faster"""
    low: float | None = None
    """lower quartile"""
    high: float | None = None
    """upper quartile"""
    graph: bool = False
    """whether these are the times of a CUDA graph"""
    eager_seconds: float | None = None
    """median of one call launched kernel by kernel"""
    error: float | None = None
    """largest difference from ``masked``, relative to the largest value; none for ``masked``
    itself and for ``dense``, which is another function"""
    flops: float = 0.0
    """multiplications and additions carried out by one call, padding included"""
    nbytes: int = 0
    """of the stored weights"""
    peak_bytes: int = 0
    """largest memory in use beside weights and inputs; 0 where it was not looked at"""
    setting: str = ""
    """what the kernel was set to"""


@dataclass(frozen=True, kw_only=True)
class WorkResult:
    """The same work in every way."""

    useful_flops: float
    """multiplications and additions of the dense work, no padding"""
    ways: dict[str, WayResult]
    auto: str
    """the fastest way that computes the masked policy"""
    plan: dict[str, str] = field(default_factory=dict)
    """of a whole agent: layer -> way, as the fastest of each layer alone"""

    def seconds(self, way: str) -> float | None:
        """Median of one call; None where the way was refused or not tried."""
        found = self.ways.get(way)
        return found.seconds if found else None

    def gain(self, way: str, over: str = DENSE) -> float | None:
        """How many times as fast as another way."""
        mine, theirs = self.seconds(way), self.seconds(over)
        return theirs / mine if mine and theirs else None

    def best_masked(self) -> str | None:
        """The faster of the two ways that multiply zeros along."""
        return self._fastest([MASKED, BATCHED])

    def best_sparse(self) -> str | None:
        """The fastest backend, used throughout."""
        return self._fastest([way for way in self.ways if way not in (*NO_SPARSE_WAYS, MIXED)])

    def _fastest(self, ways: Sequence[str]) -> str | None:
        timed = {way: seconds for way in ways if (seconds := self.seconds(way)) is not None}
        return min(timed, key=lambda way: timed[way]) if timed else None


@dataclass(frozen=True, kw_only=True)
class CellResult:
    """One cell of the grid."""

    hidden: int
    batch: int
    """agent decisions asked for"""
    rows: int
    """agent decisions of one call: the same number for each mask group, a multiple of eight"""
    slices: int
    """pieces that the rows go through the network in, one after the other, so that activations fit into memory"""
    dtype: str
    layers: dict[str, WorkResult] = field(default_factory=dict)
    agents: dict[str, WorkResult] = field(default_factory=dict)
    """``dense`` or ``2:4``, the GRU -> the whole agent"""
    conversion_seconds: dict[str, float] = field(default_factory=dict)
    """backend -> compressing all weights once; no part of any other time"""
    problem: str = ""
    """why the cell could not be measured at all"""

    @property
    def key(self) -> tuple[int, int, str]:
        """What tells cells apart."""
        return self.hidden, self.batch, self.dtype


def cell_from(record: Mapping[str, Any]) -> CellResult:
    """The inverse of ``dataclasses.asdict``."""
    works = {kind: {name: work_from(found) for name, found in record[kind].items()} for kind in ("layers", "agents")}
    return CellResult(**{**record, **works})


def work_from(record: Mapping[str, Any]) -> WorkResult:
    """The inverse of ``dataclasses.asdict``."""
    return WorkResult(**{**record, "ways": {way: WayResult(**found) for way, found in record["ways"].items()}})
