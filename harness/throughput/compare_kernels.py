"""Ways to do the same work: held against the masked dense result, timed against each other, the best timed again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from harness.throughput.kernels import REFUSALS, first_line
from harness.throughput.results import WayResult, WorkResult
from harness.throughput.storage_formats import relative_error
from harness.throughput.timing import WORTHWHILE, Recorder, Timing, Work, time_in_turn, wait

TOLERANCE = {torch.bfloat16: 5e-2}
"""Largest error relative to the largest value; bf16 keeps between two and three digits, all others three and more."""
DEFAULT_TOLERANCE = 2e-2
READINGS_AGAIN = 5
"""Of each finalist in the second rounds, at least: gains and their spread come from them."""


class DeviceLost(RuntimeError):
    """A kernel has left the device unusable for the rest of this process."""


@dataclass(frozen=True, kw_only=True)
class TimingContext:
    """Where and how thoroughly is timed."""

    device: torch.device
    seconds: float
    """that the rounds of one race shall take, beside the least number of rounds"""
    recorder: Recorder


def timing_context(device: torch.device, *, seconds: float) -> TimingContext:
    """A bench with a recorder of its own."""
    return TimingContext(device=device, seconds=seconds, recorder=Recorder(device))


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One way, ready to run."""

    work: Work
    outputs: Callable[[], list[Tensor]]
    """what it computes, to be compared; run once"""
    kernels: tuple[str, ...]
    """ways of the layers in it"""
    flops: float
    nbytes: int
    setting: str = ""
    comparable: bool = True
    """whether it computes the masked policy; the dense one is another function"""


EntryFactory = Callable[[], Entry]
"""Makes an entry, or raises ``Refused`` or any of ``REFUSALS``."""


@dataclass
class _Candidates:
    """Those that take part, and those that do not."""

    entries: dict[str, Entry] = field(default_factory=dict)
    errors: dict[str, float | None] = field(default_factory=dict)
    peaks: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def compare_kernels(
    factories: Mapping[str, EntryFactory],
    reference: str,
    dtype: torch.dtype,
    at: TimingContext,
    *,
    useful_flops: float,
    usable: Callable[[str], bool],
) -> WorkResult:
    """Check and time all ways, choose, and time the chosen ones again.

    Args:
        enters: way -> what makes its entry, the reference among them.
        reference: the way whose output the others must give.
        dtype: what was computed in; it decides how far results may lie apart.
        at: where.
        useful_flops: of the dense work.
        usable: the ways that ``auto`` is chosen among.

    Raises:
        DeviceLost: a kernel broke the device.
    """
    found = _qualify(factories, reference, TOLERANCE.get(dtype, DEFAULT_TOLERANCE), at.device)
    works = {way: entry.work for way, entry in found.entries.items()}
    eager = time_in_turn(works, at.device, seconds=at.seconds) if works else {}
    recorded = {}
    for way, work in works.items():
        if eager[way].seconds < WORTHWHILE and (replay := at.recorder.record(work, set(found.entries[way].kernels))):
            recorded[way] = replay
    graphs = time_in_turn(recorded, at.device, seconds=at.seconds) if recorded else {}
    results = {way: WayResult(refused=why) for way, why in found.refused.items()}
    for way in found.entries:
        results[way] = _result(found, way, eager[way], graphs.get(way))
    ways = {way: results[way] for way in factories}
    chosen = WorkResult(useful_flops=useful_flops, ways=ways, auto=fastest(ways, usable))
    final = {way: recorded[way] if ways[way].graph else works[way] for way in chosen.retimed_ways()}
    again = time_in_turn(final, at.device, seconds=at.seconds, fewest=READINGS_AGAIN) if final else {}
    return replace(chosen, again=again)


def fastest(results: Mapping[str, WayResult], among: Callable[[str], bool]) -> str:
    """The way with the smallest median; empty where none was timed."""
    timed = {way: found.seconds for way, found in results.items() if found.seconds is not None and among(way)}
    return min(timed, key=lambda way: timed[way]) if timed else ""


def _qualify(
    factories: Mapping[str, EntryFactory], reference: str, tolerance: float, device: torch.device
) -> _Candidates:
    """Run every way once; who answers otherwise than the reference is not timed."""
    found = _Candidates()
    expected: list[Tensor] = []
    for way in (reference, *(way for way in factories if way != reference)):
        try:
            entry = factories[way]()
            before = _peak_from_here(device)
            outputs = entry.outputs()
            found.peaks[way] = _peak_since(before, device)
            if way == reference:
                expected = outputs
            error = _error(outputs, expected) if entry.comparable and way != reference else None
            del outputs
        except REFUSALS as refusal:
            still_alive(device, first_line(refusal))
            found.refused[way] = first_line(refusal)
            if way == reference:  # nothing to compare with, so nothing is timed
                why = f"the {reference} result is missing ({found.refused[way]})"
                return _Candidates(refused={each: why if each != way else found.refused[way] for each in factories})
            continue
        if error is not None and not error <= tolerance:  # a NaN is no agreement
            found.refused[way] = f"its output is off by {error:.3g} of the largest value (allowed {tolerance:g})"
            continue
        found.entries[way], found.errors[way] = entry, error
    return found


def _error(arrived: list[Tensor], expected: list[Tensor]) -> float:
    """The largest of all blocks; blocks may be cut differently."""
    if [each.shape for each in arrived] != [each.shape for each in expected]:
        arrived, expected = [torch.cat(arrived)], [torch.cat(expected)]
    errors = [relative_error(*pair) for pair in zip(arrived, expected, strict=True)]
    return float(torch.tensor(errors).max())  # Python's own max would lose a NaN


def _result(found: _Candidates, way: str, eager: Timing, graph: Timing | None) -> WayResult:
    entry = found.entries[way]
    better = graph if graph is not None and graph.seconds < eager.seconds else eager
    return WayResult(
        seconds=better.seconds,
        low=better.low,
        high=better.high,
        graph=better is graph,
        eager_seconds=eager.seconds,
        error=found.errors[way],
        flops=entry.flops,
        nbytes=entry.nbytes,
        peak_bytes=found.peaks[way],
        setting=entry.setting,
    )


def still_alive(device: torch.device, why: str) -> None:
    """Tell a refusal from a broken device, and give back what a failed attempt has reserved.

    Args:
        device: where something was refused.
        why: its message.

    Raises:
        DeviceLost: the device does nothing any more.
    """
    try:
        wait(device)
        if device.type == "cuda":
            torch.cuda.empty_cache()
    except RuntimeError as error:
        raise DeviceLost(f"{why}; the device does not answer any more: {first_line(error)}") from error


def _peak_from_here(device: torch.device) -> int:
    if device.type != "cuda":
        return 0
    torch.cuda.reset_peak_memory_stats(device)
    return torch.cuda.memory_allocated(device)


def _peak_since(before: int, device: torch.device) -> int:
    return torch.cuda.max_memory_allocated(device) - before if device.type == "cuda" else 0
