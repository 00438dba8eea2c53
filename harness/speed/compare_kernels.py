"""Compare storage formats on the same work: check each against masked dense, time all in turn, retime the best."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from harness.speed.kernels import REFUSALS, first_line
from harness.speed.results import FormatResult, WorkResult
from harness.speed.storage_formats import relative_error
from harness.speed.timing import WORTHWHILE, Recorder, Timing, Work, time_in_turn, wait

TOLERANCE = {torch.bfloat16: 5e-2}
"""Largest error relative to the largest value; bf16 keeps between two and three digits, all others three and more."""
DEFAULT_TOLERANCE = 2e-2
READINGS_AGAIN = 5
"""Readings of each retimed format in the second rounds, at least: gains and their spread come from them."""


class DeviceLost(RuntimeError):
    """A kernel has left the device unusable for the rest of this process."""


@dataclass(frozen=True, kw_only=True)
class TimingContext:
    """The device, how long a comparison takes, and what is known of the kernels that refuse CUDA graphs."""

    device: torch.device
    seconds: float
    """for the rounds of one comparison, beside the least number of rounds"""
    recorder: Recorder


def timing_context(device: torch.device, *, seconds: float) -> TimingContext:
    """Return a context with a recorder of its own."""
    return TimingContext(device=device, seconds=seconds, recorder=Recorder(device))


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """The work in one storage format, ready to run."""

    work: Work
    outputs: Callable[[], list[Tensor]]
    """computes the outputs to be compared; called once"""
    layer_formats: tuple[str, ...]
    """storage formats of the layers in it, whose kernels a CUDA graph has to hold"""
    flops: float
    nbytes: int
    setting: str = ""
    comparable: bool = True
    """whether it computes the masked policy; the dense one is another function"""


CandidateFactory = Callable[[], Candidate]
"""Makes a candidate, or raises ``Refused`` or any of ``REFUSALS``."""


@dataclass
class _CheckedCandidates:
    """Candidates that gave the right output, and those that were refused; by storage format."""

    accepted: dict[str, Candidate] = field(default_factory=dict)
    errors: dict[str, float | None] = field(default_factory=dict)
    peak_bytes: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def compare_kernels(
    factories: Mapping[str, CandidateFactory],
    reference: str,
    dtype: torch.dtype,
    context: TimingContext,
    *,
    useful_flops: float,
    usable: Callable[[str], bool],
) -> WorkResult:
    """Check and time all storage formats, choose, and time the chosen ones again.

    Args:
        factories: storage format -> what makes its candidate, the reference among them.
        reference: the format whose output the others must give.
        dtype: what was computed in; it decides how far results may lie apart.
        context: device and duration.
        useful_flops: of the dense work.
        usable: whether ``auto`` may be this format.

    Raises:
        DeviceLost: a kernel broke the device.
    """
    device, seconds = context.device, context.seconds
    checked = _check(factories, reference, TOLERANCE.get(dtype, DEFAULT_TOLERANCE), device)
    works = {name: candidate.work for name, candidate in checked.accepted.items()}
    eager = time_in_turn(works, device, seconds=seconds) if works else {}
    recorded = {}
    for name, candidate in checked.accepted.items():
        layer_formats = set(candidate.layer_formats)
        if eager[name].seconds < WORTHWHILE and (replay := context.recorder.record(works[name], layer_formats)):
            recorded[name] = replay
    graphs = time_in_turn(recorded, device, seconds=seconds) if recorded else {}
    results = {name: FormatResult(refused=why) for name, why in checked.refused.items()}
    for name in checked.accepted:
        results[name] = _result(checked, name, eager[name], graphs.get(name))
    formats = {name: results[name] for name in factories}
    first = WorkResult(useful_flops=useful_flops, formats=formats, auto=fastest(formats, usable))
    chosen = {name: recorded[name] if formats[name].graph else works[name] for name in first.retimed_formats()}
    again = time_in_turn(chosen, device, seconds=seconds, fewest=READINGS_AGAIN) if chosen else {}
    return replace(first, again=again)


def fastest(results: Mapping[str, FormatResult], usable: Callable[[str], bool]) -> str:
    """Return the usable storage format with the smallest median; empty where none was timed."""
    timed = {name: found.seconds for name, found in results.items() if found.seconds is not None and usable(name)}
    return min(timed, key=lambda name: timed[name]) if timed else ""


def _check(
    factories: Mapping[str, CandidateFactory], reference: str, tolerance: float, device: torch.device
) -> _CheckedCandidates:
    """Run every candidate once; one whose output differs from the reference is refused."""
    checked = _CheckedCandidates()
    expected: list[Tensor] = []
    for name in (reference, *(name for name in factories if name != reference)):
        try:
            candidate = factories[name]()
            before = _peak_from_here(device)
            outputs = candidate.outputs()
            checked.peak_bytes[name] = _peak_since(before, device)
            if name == reference:
                expected = outputs
            error = _error(outputs, expected) if candidate.comparable and name != reference else None
            del outputs
        except REFUSALS as refusal:
            still_alive(device, first_line(refusal))
            checked.refused[name] = first_line(refusal)
            if name == reference:  # nothing to compare with, so nothing is timed
                own = checked.refused[name]
                why = f"the {reference} result is missing ({own})"
                return _CheckedCandidates(refused={each: own if each == name else why for each in factories})
            continue
        if error is not None and not error <= tolerance:  # a NaN is no agreement
            checked.refused[name] = f"its output is off by {error:.3g} of the largest value (allowed {tolerance:g})"
            continue
        checked.accepted[name], checked.errors[name] = candidate, error
    return checked


def _error(arrived: list[Tensor], expected: list[Tensor]) -> float:
    """Return the largest error of all blocks; blocks may be cut differently."""
    if [each.shape for each in arrived] != [each.shape for each in expected]:
        arrived, expected = [torch.cat(arrived)], [torch.cat(expected)]
    errors = [relative_error(*pair) for pair in zip(arrived, expected, strict=True)]
    return float(torch.tensor(errors).max())  # Python's own max would lose a NaN


def _result(checked: _CheckedCandidates, name: str, eager: Timing, graph: Timing | None) -> FormatResult:
    candidate = checked.accepted[name]
    better = graph if graph is not None and graph.seconds < eager.seconds else eager
    return FormatResult(
        seconds=better.seconds,
        low=better.low,
        high=better.high,
        graph=better is graph,
        eager_seconds=eager.seconds,
        error=checked.errors[name],
        flops=candidate.flops,
        nbytes=candidate.nbytes,
        peak_bytes=checked.peak_bytes[name],
        setting=candidate.setting,
    )


def still_alive(device: torch.device, why: str) -> None:
    """Tell a refusal from a broken device, and free the memory that a failed attempt has reserved.

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
