"""What the numbers say: where compression begins to pay, and whether the marks set for it are met."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.throughput.record import Record
from harness.throughput.results import MASKED_GRU, NO_SPARSE_WAYS, CellResult, WorkResult

NEVER_BELOW = 0.98
"""Share of the dense rate that ``auto`` shall not fall below."""
LARGE_HIDDEN = 2048
"""Hidden sizes from which the whole agent shall gain like its best product."""
SHARE_OF_PRODUCT = 0.9
"""Of the best single product's gain, that the whole agent shall reach there."""


def conclusions(record: Record) -> list[str]:
    """Sentences about the record; none about what was not measured."""
    return [*crossings(record.cells), *auto_marks(record.cells), *agent_marks(record)]


def crossings(cells: Sequence[CellResult]) -> list[str]:
    """For each dtype, GRU and batch: from which hidden size on the compressed agent beats the dense one."""
    told = []
    for dtype, gru, batch in _lines(cells):
        gains = [(cell.hidden, gain) for cell, work in _agents(cells, dtype, gru, batch) if (gain := sparse_gain(work))]
        if gains:
            told.append(f"{dtype}, {gru} GRU, batch {batch:,}: compressed {_crossing(sorted(gains))}")
    return told


def auto_marks(cells: Sequence[CellResult]) -> list[str]:
    """How often ``auto`` falls below the dense rate, and below the masked dense one, which computes the same."""
    found = [
        (cell, gru, work, gain)
        for cell in cells
        for gru, work in cell.agents.items()
        if (gain := work.gain(work.auto)) is not None
    ]
    if not found:
        return []
    told = []
    below = [each for each in found if each[3] < NEVER_BELOW]
    words = f"auto reaches {NEVER_BELOW:g} × dense in {len(found) - len(below)} of {len(found)} agents"
    if below:
        cell, gru, _, gain = min(below, key=lambda each: each[3])
        words += f"; lowest {gain:.2f} × (hidden {cell.hidden}, batch {cell.batch:,}, {cell.dtype}, {gru} GRU)"
    told.append(words)
    over_masked = [work.gain(work.auto, over=work.best_masked() or work.auto) for _, _, work, _ in found]
    lowest = min(gain for gain in over_masked if gain is not None)
    told.append(f"auto against masked dense, which computes the same: never below {lowest:.2f} ×")
    return told


def agent_marks(record: Record) -> list[str]:
    """For each dtype: the whole agent's gain beside the best single product's of the same run."""
    told = []
    for dtype in dict.fromkeys(cell.dtype for cell in record.cells):
        cells = [cell for cell in record.cells if cell.dtype == dtype and cell.hidden >= LARGE_HIDDEN]
        agents = [
            (gain, cell)
            for cell in cells
            if MASKED_GRU in cell.agents and (gain := cell.agents[MASKED_GRU].gain(cell.agents[MASKED_GRU].auto))
        ]
        products = [
            (gain, f"{name}, hidden {cell.hidden}, batch {cell.batch:,}")
            for cell in cells
            for name, work in cell.layers.items()
            if (gain := product_gain(work))
        ]
        if dtype in record.peaks and (gain := product_gain(record.peaks[dtype].work)):
            products.append((gain, f"{record.peaks[dtype].size}³"))
        if agents and products:
            (whole, cell), (single, where) = max(agents, key=lambda each: each[0]), max(products)
            met = "met" if whole >= SHARE_OF_PRODUCT * single else "not met"
            told.append(
                f"{dtype}: whole agent {whole:.2f} × dense (hidden {cell.hidden}, batch {cell.batch:,}, 2:4 GRU), best "
                f"single product {single:.2f} × ({where}): {whole / single:.2f} of it, mark {SHARE_OF_PRODUCT:g} {met}"
            )
    return told


def sparse_gain(work: WorkResult) -> float | None:
    """Of the fastest backend, used throughout, over dense."""
    best = work.best_sparse()
    return work.gain(best) if best else None


def product_gain(work: WorkResult) -> float | None:
    """Of the fastest compressed product over the dense one, whatever its layout."""
    gains = [gain for way in work.ways if way not in NO_SPARSE_WAYS and (gain := work.gain(way))]
    return max(gains, default=None)


def _crossing(gains: Sequence[tuple[int, float]]) -> str:
    """In words, for (hidden, gain) in the order of hidden."""
    path = ", ".join(f"{hidden}: {gain:.2f} ×" for hidden, gain in gains)
    slow = [hidden for hidden, gain in gains if gain < 1]
    fast = [hidden for hidden, gain in gains if gain >= 1 and all(hidden > each for each in slow)]
    if not slow:
        return f"pays at every hidden size measured ({path})"
    if not fast:
        paying = [str(hidden) for hidden, gain in gains if gain >= 1]
        return f"pays at {' and '.join(paying) + ' only' if paying else 'none measured'} ({path})"
    return f"pays from between {max(slow)} and {min(fast)} hidden units on ({path})"


def _lines(cells: Sequence[CellResult]) -> Iterator[tuple[str, str, int]]:
    yield from sorted({(cell.dtype, gru, cell.batch) for cell in cells for gru in cell.agents})


def _agents(cells: Sequence[CellResult], dtype: str, gru: str, batch: int) -> Iterator[tuple[CellResult, WorkResult]]:
    for cell in cells:
        if (cell.dtype, cell.batch) == (dtype, batch) and gru in cell.agents:
            yield cell, cell.agents[gru]
