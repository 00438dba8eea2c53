"""The runs of a study for other programs: CSV or Parquet of runs, curves and battles, marl-eval's JSON, findings.

    python -m harness.export --study compare-quick --format curves --out curves.csv
    python -m harness.export --study compare-quick --format marl-eval --out runs.json

``runs`` is a row for each run with its result and every setting, ``curves`` one for each evaluation, ``battles`` one
for each battle of the final evaluations; with ``--out FILE.parquet`` they are written as Parquet.
``csv`` and ``markdown`` are the table of ``harness.compare`` over everything that the study holds; ``json`` adds
aggregates, performance profiles, learning curves with their bands, and the differences between algorithms.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from harness.cli.common import ALL_DONE, command, listed
from harness.cli.console import log, make_console
from harness.cli.errors import UsageError, check_known
from harness.cli.progress import with_bar
from harness.flags.study import MARL_EVAL, RECORD_FORMATS, export_parser
from harness.results.findings import ComparisonReport, compute_report
from harness.results.grouping import group_runs_by_config
from harness.results.marl_eval import marl_eval_layout
from harness.results.records import Records, curve_records, outcome_records, run_records
from harness.results.study_data import StudyData, collect
from harness.results.tables import as_json, as_markdown, csv_cell, csv_rows, csv_text
from studies.reader import StudyReader

R = TypeVar("R")
PARQUET = ".parquet"
"""Ending of files that are written as Parquet."""


@command("nothing was written")
def main(argv: Sequence[str]) -> int:
    """Export; returns the exit code: 0, or 2 for a mistake in the command."""
    console = make_console(stderr=True)
    flags = export_parser().parse_args(argv)
    if flags.out is not None and Path(flags.out).suffix == PARQUET and flags.format not in RECORD_FORMATS:
        raise UsageError(
            f"--out {flags.out}: --format {flags.format} is written as text; Parquet is for {', '.join(RECORD_FORMATS)}"
        )
    with StudyReader.open_existing(flags.storage, flags.study) as store:
        algos, scenarios = listed(flags.algos), listed(flags.scenarios)
        if flags.format in RECORDS:
            records = RECORDS[flags.format](chosen_data(store, flags.study, algos, scenarios))
            if not records:
                raise UsageError(f"study {flags.study} holds none of these {flags.format} yet")
            return _finish(console, flags.out, csv_text(records), records)
        grouped = choose(group_runs_by_config(store.rows()), flags.study, algos, scenarios)
        if flags.format == MARL_EVAL:
            layout, left_out = marl_eval_layout(grouped, store.curve_points)
            for note in left_out:
                log(console, f"left out: {note}")
            return _finish(console, flags.out, json.dumps(layout, indent=2) + "\n")
        track = partial(with_bar, console, "learning curves")
        findings = compute_report(grouped, store, title=flags.study, track=track)
    return _finish(console, flags.out, FORMATS[flags.format](findings))


def chosen_data(store: StudyReader, study: str, algos: Sequence[str], scenarios: Sequence[str]) -> StudyData:
    """Read some algorithms and scenarios of a study, with runs that have no result."""
    data = collect(store, study)
    places = choose(dict.fromkeys([*data.groups, *data.under_way]), study, algos, scenarios)
    groups = {place: runs for place, runs in data.groups.items() if place in places}
    under_way = {place: runs for place, runs in data.under_way.items() if place in places}
    return dataclasses.replace(data, groups=groups, under_way=under_way)


def _finish(console: Console, out: str | None, text: str, records: Records | None = None) -> int:
    """Write a text to a file or standard output, or the records that it shows as Parquet."""
    if out is None:
        print(text, end="")
        return ALL_DONE
    path = Path(out)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if records is not None and path.suffix == PARQUET:
            write_parquet(path, records)
        else:
            path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"--out {path} cannot be written to ({error.strerror}); name another file") from error
    log(console, f"written: {out}" + ("" if records is None else f" ({len(records):,} rows)"))
    return ALL_DONE


def write_parquet(path: Path, records: Records) -> None:
    """Write records as Parquet; lists and mappings become texts, as in CSV.

    Raises:
        UsageError: pyarrow is not installed.
        OSError: the file cannot be written.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise UsageError(
            f"--out {path} needs pyarrow ({error}). Type: pip install 'k24-harness[data]'; or write CSV: "
            f"--out {path.with_suffix('.csv')}"
        ) from error
    columns = {
        name: [csv_cell(row[name]) if isinstance(row[name], list | tuple | dict) else row[name] for row in records]
        for name in records[0]
    }
    pyarrow.parquet.write_table(pyarrow.table({name: _column(values) for name, values in columns.items()}), path)


def _column(values: list[Any]) -> list[Any]:
    """One type in a column: whole and broken numbers become floats, anything else that is mixed becomes text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return [None if value is None else float(value) for value in values]
    return values if len(kinds) <= 1 else [None if value is None else str(value) for value in values]


def choose(
    grouped: Mapping[tuple[str, str], R], study: str, algos: Sequence[str], scenarios: Sequence[str]
) -> dict[tuple[str, str], R]:
    """The groups asked for; none asked: all.

    Raises:
        UsageError: a name that the study does not hold, or no finished run at all.
    """
    if not grouped:
        raise UsageError(f"study {study} holds no finished run; see how far they are by typing its command again")
    for place, kind, asked in ((0, "algorithm", algos), (1, "scenario", scenarios)):
        check_known(f"{kind} of study {study}", asked, dict.fromkeys(key[place] for key in grouped))
    chosen = {
        (algorithm, scenario): runs
        for (algorithm, scenario), runs in grouped.items()
        if (not algos or algorithm in algos) and (not scenarios or scenario in scenarios)
    }
    if not chosen:
        raise UsageError(f"study {study} holds no finished run of {', '.join(algos)} on {', '.join(scenarios)}")
    return chosen


RECORDS: dict[str, Callable[[StudyData], Records]] = {
    "runs": run_records,
    "curves": curve_records,
    "battles": outcome_records,
}
FORMATS: dict[str, Callable[[ComparisonReport], str]] = {
    "csv": lambda findings: csv_text(csv_rows(findings)),
    "markdown": as_markdown,
    "json": as_json,
}


if __name__ == "__main__":
    sys.exit(main())
