"""The final table: on the terminal, and as Markdown, CSV and JSON files."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.cli.console import log, print_table, table_of
from harness.cli.progress import duration
from harness.results.aggregates import AlgorithmRow, ScenarioAggregates
from harness.results.findings import ComparisonReport
from harness.results.footnotes import footnotes
from harness.runs.process import LOADED
from harness.stats.interval import Interval, format_interval

Cell = Callable[[AlgorithmRow], str]

COLUMNS: dict[str, Cell] = {
    "algorithm": lambda row: row.algorithm,
    "scenario": lambda row: row.scenario,
    "seeds": lambda row: str(len(row.seeds)),
    "win rate [95%]": lambda row: win_rate(row),
    "interval": lambda row: short_kind(row.interval_kind) if row.can_be_won else "–",
    "return": lambda row: f"{row.return_mean:.2f}",
    "sparsity masked / model": lambda row: f"{row.sparsity_masked:.1%} / {row.sparsity_model:.1%}",
    "FLOPs kept": lambda row: "n/a" if row.flops_kept is None else f"{row.flops_kept:.1%}",
    "decisions/s": lambda row: decisions(row),
    "2:4 speed-up": lambda row: "n/a" if row.speedup_24 is None else f"{row.speedup_24:.2f}×",
    "env steps/s": lambda row: f"{row.env_steps_per_second:,.0f}{' ‡' if row.load > LOADED else ''}",
    "wall time": lambda row: duration(row.wall_seconds),
}
AGGREGATE_COLUMNS: dict[str, Callable[[ScenarioAggregates], str]] = {
    "algorithm": lambda each: each.algorithm,
    "scenarios": lambda each: str(len(each.scenarios)),
    "seeds of each": lambda each: str(each.seeds),
    "IQM [95%]": lambda each: between(each.aggregates.iqm),
    "median [95%]": lambda each: between(each.aggregates.median),
    "mean [95%]": lambda each: between(each.aggregates.mean),
    "optimality gap [95%]": lambda each: between(each.aggregates.optimality_gap),
}
"""Columns of the table over several scenarios."""
HEADS = {
    "win rate [95%]": "win rate\n[95%]",
    "sparsity masked / model": "sparsity\nmasked / model",
    "2:4 speed-up": "2:4\nspeed-up",
    "env steps/s": "env\nsteps/s",
    "wall time": "wall\ntime",
}
"""Column heads broken in two on the terminal, where width is scarce."""
JSON_KEYS = {"scenario_aggregates": "overall", "legend": "meanings"}
"""Fields of ``ComparisonReport`` whose keys in ``table.json`` keep the names that other programs read."""
IN_FILES_ONLY = ("scenario", "FLOPs kept")
"""Columns that a terminal is too narrow for, or that stand in its title."""
LEFT = ("algorithm", "policy", "scenario", "interval")


def win_rate(row: AlgorithmRow) -> str:
    """Estimate and interval, or ``n/a`` where the scenario has no winners."""
    return format_interval(row.win_rate, row.win_low, row.win_high) if row.can_be_won else "n/a"


def decisions(row: AlgorithmRow) -> str:
    """Median of the decisions/s; ``†`` where they were measured under load."""
    if row.throughput is None:
        return "n/a"
    return f"{row.throughput:,.0f}{'' if row.throughput_quiet else ' †'}"


def between(interval: Interval | None) -> str:
    """Estimate and interval; ``n/a`` where there are too few seeds."""
    return "n/a" if interval is None else format_interval(interval.estimate, interval.low, interval.high)


def short_kind(kind: str) -> str:
    """``95% Wilson over battles`` -> ``Wilson, battles``; ``mean, 95% t over seeds`` -> ``mean, t``."""
    return kind.replace("95% ", "").replace(" over battles", ", battles").replace(" over seeds", "")


def show_table(console: Console, findings: ComparisonReport) -> None:
    """Print a table for each scenario and one over several, what they say in words, then the footnotes of all."""
    markers, notes = footnotes(findings)
    for scenario in findings.scenarios:
        columns = [name for name in columns_of(findings.rows) if name not in IN_FILES_ONLY]
        table = empty_table(f"{scenario} · {findings.title}", columns)
        for row in findings.rows:
            if row.scenario == scenario:
                cells = cells_of(row, markers)
                table.add_row(*(Text(cells[name]) for name in columns))
        print_table(console, table)
    if findings.over_several:
        table = empty_table("win rate over several scenarios", AGGREGATE_COLUMNS)
        for texts in aggregate_rows(findings):
            table.add_row(*map(Text, texts))
        print_table(console, table)
    for line in [*sentences(findings), *notes]:
        log(console, line)


def empty_table(title: str, columns: Iterable[str]) -> Table:
    """A table for the terminal with its heads; words stand on the left, numbers on the right."""
    return table_of((HEADS.get(name, name) for name in columns), words=LEFT, title=title, padding=0)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]], fields: Sequence[str] = ()) -> None:
    """Write rows under a line of ``fields``; without those, of the keys that all rows have."""
    path.write_text(csv_text(rows, fields), encoding="utf-8", newline="")


def csv_text(rows: Sequence[Mapping[str, Any]], fields: Sequence[str] = ()) -> str:
    """Return what ``write_csv`` writes."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fields or list(rows[0]))
    writer.writeheader()
    writer.writerows({name: csv_cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def csv_cell(value: Any) -> Any:
    """A value as other programs read it: ``true``, nothing for ``None``, numbers with spaces between them."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return json.dumps(value)
    if isinstance(value, list | tuple):
        words = [str(csv_cell(each)) for each in value]
        return ("; " if any(isinstance(each, str) for each in value) else " ").join(words)
    return value


def write_table(folder: Path, findings: ComparisonReport) -> list[Path]:
    """Write ``table.md``, ``table.csv`` and ``table.json``; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    markdown, table_csv, table_json = (folder / f"table.{suffix}" for suffix in ("md", "csv", "json"))
    markdown.write_text(as_markdown(findings), encoding="utf-8")
    write_csv(table_csv, csv_rows(findings))
    table_json.write_text(as_json(findings), encoding="utf-8")
    return [markdown, table_csv, table_json]


def csv_rows(findings: ComparisonReport) -> list[dict[str, Any]]:
    """The table's rows for ``write_csv``."""
    return [dataclasses.asdict(row) for row in findings.rows]


def as_json(findings: ComparisonReport) -> str:
    """Return all findings for machines, curves and profiles among them."""
    content = {JSON_KEYS.get(name, name): value for name, value in dataclasses.asdict(findings).items()}
    return json.dumps(content, indent=2, default=np.ndarray.tolist, allow_nan=False) + "\n"


def as_markdown(findings: ComparisonReport) -> str:
    """The tables, what they say in words, and the footnotes, as Markdown."""
    markers, notes = footnotes(findings)
    columns = columns_of(findings.rows)
    rows = ([cells_of(row, markers)[name] for name in columns] for row in findings.rows)
    lines = [f"# {findings.title}", "", *_markdown(columns, rows), ""]
    if findings.over_several:
        aggregates = _markdown(AGGREGATE_COLUMNS, aggregate_rows(findings))
        lines += ["Win rate over several scenarios:", "", *aggregates, ""]
    lines += [f"- {line}" for line in [*sentences(findings), *notes]]
    return "\n".join(lines) + "\n"


def sentences(findings: ComparisonReport) -> list[str]:
    """Explain each name with a digest, and say who wins more, a line for each pair of algorithms and each scenario."""
    legend = [f"{name}: {text}" for name, text in findings.legend.items()]
    return legend + [f"{each.scenario}: {each.verdict}" for each in findings.comparisons]


def aggregate_rows(findings: ComparisonReport) -> list[list[str]]:
    """Return the cells of the table over several scenarios, by ``AGGREGATE_COLUMNS``."""
    return [[cell(each) for cell in AGGREGATE_COLUMNS.values()] for each in findings.scenario_aggregates]


def _markdown(columns: Iterable[str], rows: Iterable[Sequence[str]]) -> list[str]:
    names = list(columns)
    return [
        f"| {' | '.join(names)} |",
        f"|{'|'.join('---' if name in LEFT else '---:' for name in names)}|",
        *(f"| {' | '.join(cells)} |" for cells in rows),
    ]


def cells_of(row: AlgorithmRow, markers: Mapping[str, str]) -> dict[str, str]:
    """Column -> the row's text; ``markers`` as ``footnotes`` gives them."""
    cells = {name: cell(row) for name, cell in COLUMNS.items()}
    if row.speedup_24 is None:
        cells["2:4 speed-up"] += markers.get(row.speedup_24_reason, "")
    return cells


def columns_of(rows: Sequence[AlgorithmRow]) -> list[str]:
    """The columns that have something to say; one whose cells are all ``n/a`` is left out, and a note says why."""
    silent = ("n/a", "–")
    return [name for name, cell in COLUMNS.items() if not all(cell(row) in silent for row in rows)]
