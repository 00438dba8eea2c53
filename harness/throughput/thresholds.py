"""What the numbers say: where compression begins to pay, and whether the marks set for it are met.

What is said to be the best was chosen by the first rounds, and its gain is that of the second (``compare_kernels.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.throughput.record import Record
from harness.throughput.results import MASKED_GRU, CellResult, Gain, WorkResult

NEVER_BELOW = 0.98
"""Share of the dense rate that ``auto`` shall not fall below."""
LARGE_HIDDEN = 2048
"""Hidden sizes from which the whole agent shall gain like its best product."""
SHARE_OF_PRODUCT = 0.9
"""Of the best single product's gain, that the whole agent shall reach there."""

Found = tuple[Gain, str]
"""A gain, and what it is of."""


def conclusions(record: Record) -> list[str]:
    """Sentences about each subject of the record, named where there are several; none about what was not measured."""
    parts = record.by_subject()
    return [
        f"{subject}: {line}" if len(parts) > 1 else line
        for subject, part in parts.items()
        for line in (*crossings(part.cells), *auto_marks(part.cells), *agent_marks(part))
    ]


def crossings(cells: Sequence[CellResult]) -> list[str]:
    """For each dtype, GRU and batch: from which hidden size on the compressed agent beats the dense one."""
    message = []
    for dtype, gru, batch in _lines(cells):
        gains = [(cell.hidden, gain) for cell, work in _agents(cells, dtype, gru, batch) if (gain := sparse_gain(work))]
        if gains:
            gains.sort(key=lambda point: point[0])
            message.append(f"{dtype}, {gru} GRU, batch {batch:,}: compressed {_crossing(gains)}")
    return message


def auto_marks(cells: Sequence[CellResult]) -> list[str]:
    """How often ``auto`` falls below the dense rate, and how it does against masked dense, which computes the same."""
    agents = [(_where(cell, gru), work) for cell in cells for gru, work in cell.agents.items()]
    over_dense = [(gain, where) for where, work in agents if (gain := work.gain(work.auto))]
    message = []
    if over_dense:
        reached = [gain for gain, _ in over_dense if gain.times >= NEVER_BELOW]
        words = f"auto reaches {NEVER_BELOW:g} × dense in {len(reached)} of {len(over_dense)} agents"
        message.append(words if len(reached) == len(over_dense) else f"{words}; {_lowest(over_dense)}")
    others = [
        (gain, where)
        for where, work in agents
        if (masked := work.best_masked()) not in (None, work.auto) and (gain := work.gain(work.auto, over=masked))
    ]
    itself = sum(work.auto in work.again and work.auto == work.best_masked() for _, work in agents)
    if others or itself:
        words = f"auto against masked dense, which computes the same: is masked dense itself in {itself} agents"
        if others:
            faster, slower = (sum(gain.side == side for gain, _ in others) for side in (1, -1))
            rest = len(others) - faster - slower
            words += f", faster in {faster}, slower in {slower}, within the spread in {rest}; {_lowest(others)}"
        message.append(words)
    return message


def agent_marks(record: Record) -> list[str]:
    """For each dtype: the whole agent's gain beside the best single product's of the same run."""
    message = []
    for dtype in dict.fromkeys(cell.dtype for cell in record.cells):
        cells = [cell for cell in record.cells if cell.dtype == dtype and cell.hidden >= LARGE_HIDDEN]
        agents = [(work, work.auto, _at(cell)) for cell in cells if (work := cell.agents.get(MASKED_GRU))]
        products = [
            (work, work.best_sparse(), f"{name}, {_at(cell)}") for cell in cells for name, work in cell.layers.items()
        ]
        if dtype in record.peaks:
            peak = record.peaks[dtype]
            products.append((peak.work, peak.work.best_sparse(), f"{peak.size}³"))
        whole, single = _best(agents), _best(products)
        if whole and single:
            share = whole[0].times / single[0].times
            met = "met" if share >= SHARE_OF_PRODUCT else "not met"
            message.append(
                f"{dtype}: whole agent {_told(whole[0])} dense ({whole[1]}, 2:4 GRU), best single product "
                f"{_told(single[0])} ({single[1]}): {share:.2f} of it, mark {SHARE_OF_PRODUCT:g} {met}"
            )
    return message


def sparse_gain(work: WorkResult) -> Gain | None:
    """Of the fastest backend, used throughout, over dense."""
    best = work.best_sparse()
    return work.gain(best) if best else None


def _best(candidates: Iterable[tuple[WorkResult, str | None, str]]) -> Found | None:
    """The largest gain by the first rounds, as it came out in the second: the largest of many is partly luck."""
    ranked = [
        (first, gain, where)
        for work, way, where in candidates
        if way and (first := work.first_gain(way)) and (gain := work.gain(way))
    ]
    return max(ranked, key=lambda each: each[0])[1:] if ranked else None


def _lowest(gains: Sequence[Found]) -> str:
    gain, where = min(gains, key=lambda each: each[0].times)
    return f"lowest {_told(gain)} ({where})"


def _told(gain: Gain) -> str:
    return f"{gain.times:.2f} × [{gain.low:.2f}, {gain.high:.2f}]"


def _at(cell: CellResult) -> str:
    return f"hidden {cell.hidden}, batch {cell.batch:,}"


def _where(cell: CellResult, gru: str) -> str:
    return f"{_at(cell)}, {cell.dtype}, {gru} GRU"


def _crossing(gains: Sequence[tuple[int, Gain]]) -> str:
    """In words, for (hidden, gain) in the order of hidden."""
    path = ", ".join(f"{hidden}: {gain.times:.2f} ×" for hidden, gain in gains)
    pays, open_ = ([hidden for hidden, gain in gains if gain.side == side] for side in (1, 0))
    others = [hidden for hidden, gain in gains if gain.side != 1]
    onwards = [hidden for hidden in pays if all(hidden > each for each in others)]
    if not others:
        words = "pays at every hidden size measured"
    elif onwards:
        words = f"pays from between {max(others)} and {min(onwards)} hidden units on"
    else:
        words = f"pays at {_listed(pays)} only" if pays else "pays at none measured"
    between = f", no difference within the spread at {_listed(open_)}" if open_ else ""
    return f"{words}{between} ({path})"


def _listed(sizes: Sequence[int]) -> str:
    return " and ".join(map(str, sizes))


def _lines(cells: Sequence[CellResult]) -> Iterator[tuple[str, str, int]]:
    yield from sorted({(cell.dtype, gru, cell.batch) for cell in cells for gru in cell.agents})


def _agents(cells: Sequence[CellResult], dtype: str, gru: str, batch: int) -> Iterator[tuple[CellResult, WorkResult]]:
    for cell in cells:
        if (cell.dtype, cell.batch) == (dtype, batch) and gru in cell.agents:
            yield cell, cell.agents[gru]
