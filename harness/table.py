"""The final table: on the terminal, and as Markdown, CSV and JSON files."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.summary import Improvement, Row

Cell = Callable[[Row], str]

COLUMNS: dict[str, Cell] = {
    "algorithm": lambda row: row.algorithm,
    "scenario": lambda row: row.scenario,
    "seeds": lambda row: str(len(row.seeds)),
    "win rate [95%]": lambda row: win_rate(row),
    "interval": lambda row: short_kind(row.interval_kind) if row.can_be_won else "–",
    "return": lambda row: f"{row.return_mean:.2f}",
    "sparsity masked / model": lambda row: f"{row.sparsity_masked:.1%} / {row.sparsity_model:.1%}",
    "decisions/s": lambda row: f"{row.throughput:,.0f}",
    "2:4 speed-up": lambda row: "n/a" if row.speedup_24 is None else f"{row.speedup_24:.2f}×",
    "env steps/s": lambda row: f"{row.env_steps_per_second:,.0f}",
    "wall time": lambda row: clock(row.wall_seconds),
}
HEADS = {
    "win rate [95%]": "win rate\n[95%]",
    "sparsity masked / model": "sparsity\nmasked / model",
    "2:4 speed-up": "2:4\nspeed-up",
    "env steps/s": "env\nsteps/s",
    "wall time": "wall\ntime",
}
"""Column heads broken in two on the terminal, where width is scarce."""
LEFT = ("algorithm", "policy", "scenario", "interval")


def win_rate(row: Row) -> str:
    """Estimate and interval, or ``n/a`` where the scenario has no winners."""
    return f"{row.win_rate:.3f} [{row.win_low:.3f}, {row.win_high:.3f}]" if row.can_be_won else "n/a"


def short_kind(kind: str) -> str:
    """``95% Wilson over battles`` -> ``Wilson, battles``; ``IQM, 95% bootstrap over seeds`` -> ``IQM, bootstrap``."""
    return kind.replace("95% ", "").replace(" over battles", ", battles").replace(" over seeds", "")


def clock(seconds: float) -> str:
    """Hours, minutes and seconds: ``3:07``, ``1:03:07``."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def show_table(console: Console, rows: Sequence[Row], improvements: Sequence[Improvement], *, title: str) -> None:
    """Print a table for each scenario, then the footnotes of all."""
    markers, notes = footnotes(rows, improvements)
    for scenario in dict.fromkeys(row.scenario for row in rows):
        table = empty_table(f"{scenario} · {title}", (name for name in COLUMNS if name != "scenario"))
        for row in rows:
            if row.scenario == scenario:
                cells = dict(zip(COLUMNS, _cells(row, markers), strict=True))
                table.add_row(*(Text(cell) for name, cell in cells.items() if name != "scenario"))
        console.print(table)
    for note in notes:
        console.print(Text(note), soft_wrap=True)


def empty_table(title: str, columns: Iterable[str]) -> Table:
    """A table for the terminal with its heads; words stand on the left, numbers on the right."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 0))
    for name in columns:
        table.add_column(HEADS.get(name, name), justify="left" if name in LEFT else "right")
    return table


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write at least one row, all with the same keys, under a line of those keys."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_table(folder: Path, rows: Sequence[Row], improvements: Sequence[Improvement], *, title: str) -> list[Path]:
    """Write ``table.md``, ``table.csv`` and ``table.json``; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    markdown, table_csv, table_json = (folder / f"table.{suffix}" for suffix in ("md", "csv", "json"))
    markdown.write_text(as_markdown(rows, improvements, title=title))
    listed = [{name: " ".join(map(str, getattr(row, name))) for name in ("seeds", "resumes")} for row in rows]
    write_csv(table_csv, [{**dataclasses.asdict(row), **lists} for row, lists in zip(rows, listed, strict=True)])
    content = {
        "title": title,
        "rows": [dataclasses.asdict(row) for row in rows],
        "improvements": [dataclasses.asdict(improvement) for improvement in improvements],
    }
    table_json.write_text(json.dumps(content, indent=2) + "\n")
    return [markdown, table_csv, table_json]


def as_markdown(rows: Sequence[Row], improvements: Sequence[Improvement], *, title: str) -> str:
    """The table and its footnotes as Markdown."""
    markers, notes = footnotes(rows, improvements)
    lines = [f"# {title}", "", f"| {' | '.join(COLUMNS)} |"]
    lines.append(f"|{'|'.join('---' if name in LEFT else '---:' for name in COLUMNS)}|")
    lines += [f"| {' | '.join(_cells(row, markers))} |" for row in rows]
    lines += ["", *(f"- {note}" for note in notes)]
    return "\n".join(lines) + "\n"


def footnotes(rows: Sequence[Row], improvements: Sequence[Improvement]) -> tuple[dict[str, str], list[str]]:
    """Conditions and reasons that do not fit into cells.

    Returns:
        A marker for each reason why a speed-up is missing, and all notes, one a line.
    """
    reasons = dict.fromkeys(row.speedup_24_reason for row in rows if row.speedup_24 is None)
    markers = {reason: f" ({number})" for number, reason in enumerate(reasons, start=1)}
    notes = [f"({number}) no 2:4 speed-up: {reason}" for number, reason in enumerate(reasons, start=1)]
    conditions = dict.fromkeys((row.throughput_batch, row.throughput_dtype, row.device) for row in rows)
    notes += [
        f"decisions/s: agent decisions of the trained policy, greedy, {batch} agents a call, {dtype}, on {device}"
        for batch, dtype, device in conditions
    ]
    notes += [
        f"{scenario}: no one wins or loses there, so algorithms are compared by their return"
        for scenario in dict.fromkeys(row.scenario for row in rows if not row.can_be_won)
    ]
    notes += [
        f"{row.algorithm} on {row.scenario}: {row.aborted} evaluation battles aborted and are not counted"
        for row in rows
        if row.aborted
    ]
    notes += [
        f"{row.algorithm} on {row.scenario}, seed {seed}: resumed {times} time{'s' if times > 1 else ''} without "
        f"its replay, which refilled, so an uninterrupted run would differ"
        for row in rows
        for seed, times in zip(row.seeds, row.resumes, strict=True)
        if times
    ]
    notes += [
        f"probability of improvement, {each.better} over {each.baseline}: "
        f"{each.probability:.2f} [{each.low:.2f}, {each.high:.2f}]"
        for each in improvements
    ]
    return markers, notes


def _cells(row: Row, markers: dict[str, str]) -> list[str]:
    cells = {name: cell(row) for name, cell in COLUMNS.items()}
    if row.speedup_24 is None:
        cells["2:4 speed-up"] += markers[row.speedup_24_reason]
    return list(cells.values())
