"""Results of measurements as plain values, and how a JSON file holds them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harness.speed.storage_formats import BATCHED, DENSE, MASKED
from harness.speed.timing import Timing

DENSE_GRU, MASKED_GRU = "dense", "2:4"
MIXED = "mixed"
"""Format of a whole agent that stores each layer in the format that is fastest for it alone."""
UNCOMPRESSED = (DENSE, MASKED, BATCHED)
STORED_NAMES = {"formats": "ways", "policy_label": "subject"}
"""Attribute -> its key in a stored record, where the two differ: files of earlier versions stay readable."""


@dataclass(frozen=True, kw_only=True)
class Gain:
    """How many times as fast one storage format is as another."""

    times: float
    """of the medians"""
    low: float
    """the other's lower quartile over the own upper one: where the two spreads are least in favour"""
    high: float
    """the other's upper quartile over the own lower one"""

    @property
    def side(self) -> int:
        """Return 1: faster beyond the spread, -1: slower beyond it, or 0: no difference within it."""
        return int(self.low > 1) - int(self.high < 1)


@dataclass(frozen=True, kw_only=True)
class FormatResult:
    """Some work in one storage format: its time in the first rounds, or the reason why there is none."""

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
    """The same work in every storage format."""

    useful_flops: float
    """multiplications and additions of the dense work, no padding"""
    formats: dict[str, FormatResult]
    """``ways`` in stored records"""
    auto: str
    """the fastest format that computes the masked policy, by the first rounds"""
    again: dict[str, Timing] = field(default_factory=dict)
    """``retimed_formats`` -> their times in fresh rounds of their own. The fastest of several was also the luckiest, so
    the readings that chose a format say nothing fair about it: gains come from these"""
    plan: dict[str, str] = field(default_factory=dict)
    """of a whole agent: layer -> the format that is fastest for that layer alone"""

    def first_seconds(self, storage_format: str) -> float | None:
        """Return the median of one call in the first rounds; None where the format was refused or not tried."""
        found = self.formats.get(storage_format)
        return found.seconds if found else None

    def first_gain(self, storage_format: str, over: str = DENSE) -> float | None:
        """Return the gain over another format in the first rounds: for choosing, and beside other formats."""
        mine, theirs = self.first_seconds(storage_format), self.first_seconds(over)
        return theirs / mine if mine and theirs else None

    def seconds(self, storage_format: str) -> float | None:
        """Return the median of one call in the second rounds; None where the format was not timed again."""
        return self.again[storage_format].seconds if storage_format in self.again else None

    def gain(self, storage_format: str, over: str = DENSE) -> Gain | None:
        """Return the gain over another format by the second rounds; None where either was not timed again."""
        if storage_format not in self.again or over not in self.again:
            return None
        mine, theirs = self.again[storage_format], self.again[over]
        return Gain(times=theirs.seconds / mine.seconds, low=theirs.low / mine.high, high=theirs.high / mine.low)

    def retimed_formats(self) -> list[str]:
        """Return the formats that gains are about: dense, masked dense, the fastest backend and ``auto``."""
        chosen = {DENSE, MASKED, self.best_masked(), self.best_sparse(), self.auto}
        return [name for name, found in self.formats.items() if name in chosen and found.seconds is not None]

    def best_masked(self) -> str | None:
        """Return the faster of the two formats that multiply zeros along."""
        return self.fastest((MASKED, BATCHED))

    def best_sparse(self) -> str | None:
        """Return the fastest backend, used throughout."""
        return self.fastest(name for name in self.formats if name not in (*UNCOMPRESSED, MIXED))

    def sparse_gain(self) -> Gain | None:
        """Return the gain over dense of the fastest backend, used throughout."""
        best = self.best_sparse()
        return self.gain(best) if best else None

    def fastest(self, names: Iterable[str]) -> str | None:
        """Return the one of these formats with the smallest median in the first rounds; None where none was timed."""
        timed = {name: seconds for name in names if (seconds := self.first_seconds(name)) is not None}
        return min(timed, key=lambda name: timed[name]) if timed else None

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> WorkResult:
        """Restore what ``to_json`` gave."""
        fields = _attributes(stored)
        formats = {name: FormatResult(**found) for name, found in fields["formats"].items()}
        again = {name: Timing(**found) for name, found in fields["again"].items()}
        return cls(**{**fields, "formats": formats, "again": again})


class GridPoint(NamedTuple):
    """One point of the grid, and the identity of its result."""

    policy_label: str
    hidden: int
    batch: int
    dtype: str


@dataclass(frozen=True, kw_only=True)
class GridPointResult:
    """Everything that was measured at one grid point."""

    policy_label: str = ""
    """``subject`` in stored records"""
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
    """why the grid point could not be measured at all"""

    @property
    def point(self) -> GridPoint:
        """Return where in the grid it was measured."""
        return GridPoint(self.policy_label, self.hidden, self.batch, self.dtype)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> GridPointResult:
        """Restore what ``to_json`` gave."""
        works = {
            kind: {name: WorkResult.from_json(found) for name, found in stored[kind].items()}
            for kind in ("layers", "agents")
        }
        return cls(**{**_attributes(stored), **works})


@dataclass(frozen=True, kw_only=True)
class Peak:
    """One large square product in every storage format."""

    size: int
    """rows, inputs and outputs"""
    dtype: str
    work: WorkResult

    @property
    def flops_per_second(self) -> float | None:
        """Return the rate of the dense product: the measured peak that other rates are compared with."""
        seconds = self.work.seconds(DENSE)
        return self.work.useful_flops / seconds if seconds else None

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Peak:
        """Restore what ``to_json`` gave."""
        return cls(**{**stored, "work": WorkResult.from_json(stored["work"])})


def to_json(result: GridPointResult | Peak) -> dict[str, Any]:
    """Return a result as nested dictionaries with the keys of stored records."""
    return dataclasses.asdict(
        result, dict_factory=lambda fields: {STORED_NAMES.get(name, name): value for name, value in fields}
    )


def _attributes(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored dictionary with the names of attributes as keys."""
    attributes = {stored_name: name for name, stored_name in STORED_NAMES.items()}
    return {attributes.get(key, key): value for key, value in stored.items()}
