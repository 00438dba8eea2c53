"""What is measured, as plain values that a JSON file can hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harness.throughput.storage_formats import BATCHED, DENSE, MASKED
from harness.throughput.timing import Timing

DENSE_GRU, MASKED_GRU = "dense", "2:4"
MIXED = "mixed"
"""Way of a whole agent that stores each layer as is fastest for it alone."""
NO_SPARSE_WAYS = (DENSE, MASKED, BATCHED)


@dataclass(frozen=True, kw_only=True)
class Gain:
    """How many times as fast one way is as another."""

    times: float
    """of the medians"""
    low: float
    """the other's lower quartile over the own upper one: where the two spreads are least in favour"""
    high: float
    """the other's upper quartile over the own lower one"""

    @property
    def side(self) -> int:
        """1: faster beyond the spread, -1: slower beyond it, 0: no difference within it."""
        return int(self.low > 1) - int(self.high < 1)


@dataclass(frozen=True, kw_only=True)
class WayResult:
    """One way to do some work: its time in the first rounds, or the reason why there is none."""

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
    """the fastest way that computes the masked policy, by the first rounds"""
    again: dict[str, Timing] = field(default_factory=dict)
    """``retimed_ways`` -> their times in fresh rounds of their own. The fastest of several was also the luckiest, so
    the readings that chose a way say nothing fair about it: gains come from these"""
    plan: dict[str, str] = field(default_factory=dict)
    """of a whole agent: layer -> way, as the fastest of each layer alone"""

    def first_seconds(self, way: str) -> float | None:
        """Median of one call in the first rounds; None where the way was refused or not tried."""
        found = self.ways.get(way)
        return found.seconds if found else None

    def first_gain(self, way: str, over: str = DENSE) -> float | None:
        """How many times as fast as another way in the first rounds: for choosing, and beside other ways."""
        mine, theirs = self.first_seconds(way), self.first_seconds(over)
        return theirs / mine if mine and theirs else None

    def seconds(self, way: str) -> float | None:
        """Median of one call in the second rounds; None where the way was not timed again."""
        return self.again[way].seconds if way in self.again else None

    def gain(self, way: str, over: str = DENSE) -> Gain | None:
        """How many times as fast as another way, by the second rounds; None where either was not timed again."""
        if way not in self.again or over not in self.again:
            return None
        mine, theirs = self.again[way], self.again[over]
        return Gain(times=theirs.seconds / mine.seconds, low=theirs.low / mine.high, high=theirs.high / mine.low)

    def retimed_ways(self) -> list[str]:
        """The ways that gains are about: dense, masked dense, the fastest backend and ``auto``."""
        wanted = {DENSE, MASKED, self.best_masked(), self.best_sparse(), self.auto}
        return [way for way, found in self.ways.items() if way in wanted and found.seconds is not None]

    def best_masked(self) -> str | None:
        """The faster of the two ways that multiply zeros along."""
        return self._fastest([MASKED, BATCHED])

    def best_sparse(self) -> str | None:
        """The fastest backend, used throughout."""
        return self._fastest([way for way in self.ways if way not in (*NO_SPARSE_WAYS, MIXED)])

    def sparse_gain(self) -> Gain | None:
        """Gain over dense of the fastest backend, used throughout."""
        best = self.best_sparse()
        return self.gain(best) if best else None

    def _fastest(self, ways: Sequence[str]) -> str | None:
        timed = {way: seconds for way in ways if (seconds := self.first_seconds(way)) is not None}
        return min(timed, key=lambda way: timed[way]) if timed else None


class Key(NamedTuple):
    """Identity of a cell."""

    subject: str
    hidden: int
    batch: int
    dtype: str


@dataclass(frozen=True, kw_only=True)
class CellResult:
    """One cell of the grid."""

    subject: str = ""
    """label of the policy"""
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
    def key(self) -> Key:
        """Identity of a cell."""
        return Key(self.subject, self.hidden, self.batch, self.dtype)


def cell_from(record: Mapping[str, Any]) -> CellResult:
    """The inverse of ``dataclasses.asdict``."""
    works = {kind: {name: work_from(found) for name, found in record[kind].items()} for kind in ("layers", "agents")}
    return CellResult(**{**record, **works})


def work_from(record: Mapping[str, Any]) -> WorkResult:
    """The inverse of ``dataclasses.asdict``."""
    ways = {way: WayResult(**found) for way, found in record["ways"].items()}
    again = {way: Timing(**found) for way, found in record["again"].items()}
    return WorkResult(**{**record, "ways": ways, "again": again})
