"""Compare storage formats on the same work: check each against masked dense, time all in turn, retime the best."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from harness.speed.kernels import REFUSALS, first_line
from harness.speed.results import FormatResult, WorkResult
from harness.speed.storage_formats import DENSE, MASKED, relative_error
from harness.speed.timing import WORTHWHILE, Timing, TimingContext, Work, time_in_turn, wait

TOLERANCE = {torch.bfloat16: 5e-2}
"""Largest error relative to the largest value; bf16 keeps between two and three digits, all others three and more."""
DEFAULT_TOLERANCE = 2e-2
READINGS_AGAIN = 5
"""Readings of each retimed format in the second rounds, at least: gains and their spread come from them."""


class DeviceLost(RuntimeError):
    """A kernel has left the device unusable for the rest of this process."""


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


def compare_kernels(
    formats: Collection[str],
    make: Callable[[str], Candidate],
    dtype: torch.dtype,
    context: TimingContext,
    *,
    useful_flops: float,
    usable: Callable[[str], bool],
) -> WorkResult:
    """Check and time all storage formats, choose, and time the chosen ones again.

    ``masked`` is the reference: the others must give its output, all but ``dense``, which is another function.

    Args:
        formats: the storage formats, the reference among them.
        make: makes the candidate of a format, or raises ``Refused`` or any of ``REFUSALS``.
        dtype: what was computed in; it decides how far results may lie apart.
        context: device and duration.
        useful_flops: of the dense work.
        usable: whether ``auto`` may be this format.

    Raises:
        DeviceLost: a kernel broke the device.
    """
    device, seconds = context.device, context.seconds
    accepted, results = _check(formats, make, TOLERANCE.get(dtype, DEFAULT_TOLERANCE), device)
    works = {name: candidate.work for name, candidate in accepted.items()}
    eager = time_in_turn(works, device, seconds=seconds) if works else {}
    recorded = {}
    for name, candidate in accepted.items():
        short = eager[name].seconds < WORTHWHILE
        if short and (replay := context.record(works[name], candidate.layer_formats)):
            recorded[name] = replay
    graphs = time_in_turn(recorded, device, seconds=seconds) if recorded else {}
    timed = {name: _timed(results[name], eager[name], graphs.get(name)) for name in accepted}
    first = WorkResult(useful_flops=useful_flops, formats={name: (results | timed)[name] for name in formats}, auto="")
    first = replace(first, auto=first.fastest(filter(usable, formats)) or "")
    chosen = {name: recorded[name] if first.formats[name].graph else works[name] for name in first.retimed_formats()}
    again = time_in_turn(chosen, device, seconds=seconds, fewest=READINGS_AGAIN) if chosen else {}
    return replace(first, again=again)


def _check(
    formats: Collection[str], make: Callable[[str], Candidate], tolerance: float, device: torch.device
) -> tuple[dict[str, Candidate], dict[str, FormatResult]]:
    """Run every candidate once; one whose output differs from the reference is refused.

    Returns:
        Those that gave the right output, and the result of every format, without times.
    """
    accepted: dict[str, Candidate] = {}
    results: dict[str, FormatResult] = {}
    expected: list[Tensor] = []
    for name in (MASKED, *(name for name in formats if name != MASKED)):
        try:
            candidate = make(name)
            outputs, peak_bytes = _run_once(candidate, device)
            if name == MASKED:
                expected = outputs
            error = None if name in (MASKED, DENSE) else _error(outputs, expected)
            del outputs
        except REFUSALS as refusal:
            still_alive(device, first_line(refusal))
            results[name] = FormatResult(refused=first_line(refusal))
            if name == MASKED:  # nothing to compare with, so nothing is timed
                missing = FormatResult(refused=f"the {MASKED} result is missing ({first_line(refusal)})")
                return {}, dict.fromkeys(formats, missing) | results
            continue
        if error is not None and not error <= tolerance:  # a NaN is no agreement
            why = f"its output is off by {error:.3g} of the largest value (allowed {tolerance:g})"
            results[name] = FormatResult(refused=why)
            continue
        accepted[name] = candidate
        results[name] = FormatResult(
            error=error,
            flops=candidate.flops,
            nbytes=candidate.nbytes,
            peak_bytes=peak_bytes,
            setting=candidate.setting,
        )
    return accepted, results


def _run_once(candidate: Candidate, device: torch.device) -> tuple[list[Tensor], int]:
    """Return the outputs of a candidate, and the largest memory that it used on a card."""
    if device.type != "cuda":
        return candidate.outputs(), 0
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    outputs = candidate.outputs()
    return outputs, torch.cuda.max_memory_allocated(device) - before


def _error(arrived: list[Tensor], expected: list[Tensor]) -> float:
    """Return the largest error of all blocks; blocks may be cut differently."""
    if [each.shape for each in arrived] != [each.shape for each in expected]:
        arrived, expected = [torch.cat(arrived)], [torch.cat(expected)]
    errors = [relative_error(*pair) for pair in zip(arrived, expected, strict=True)]
    return float(torch.tensor(errors).max())  # Python's own max would lose a NaN


def _timed(found: FormatResult, eager: Timing, graph: Timing | None) -> FormatResult:
    better = graph if graph is not None and graph.seconds < eager.seconds else eager
    return replace(
        found,
        seconds=better.seconds,
        low=better.low,
        high=better.high,
        graph=better is graph,
        eager_seconds=eager.seconds,
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
