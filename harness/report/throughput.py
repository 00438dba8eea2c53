"""Where 2:4 sparsity begins to pay: gains over hidden size and batch, as ``harness.throughput`` measured them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import rich.table

from common.errors import quoted
from harness.cli.errors import UsageError
from harness.plots.figure import Plot
from harness.report.page import Details, Section, Table
from harness.speed.record import Record, read_record
from harness.throughput.tables import SPREAD, agents_table, conclusions, reasons, versions

NOT_MEASURED = (
    "Not measured with this study. On a card with sparse tensor cores this command measures from which hidden size and "
    "batch on 2:4 pays; a report made after it shows the result:"
)


def find_records(given: Path | None, folder: Path) -> tuple[list[Record], list[str]]:
    """The file that was named, or else those that lie in the study's folder.

    Returns:
        What they hold, and why some of those that were only found could not be read: they must not prevent the report.

    Raises:
        UsageError: the file that was named holds something else.
    """
    if given:
        return [read_record(given)], []
    records, unread = [], []
    for path in sorted(folder.glob("throughput*.json")):
        try:
            records.append(read_record(path))
        except UsageError as error:
            unread.append(str(error))
    return records, unread


def throughput_section(records: Sequence[Record], plots: Sequence[Plot], folder: Path) -> Section:
    """What was measured, what follows from it, and the pictures; ``folder``: of the study, where results are read."""
    return Section(
        id="throughput",
        title="2:4 throughput and its crossings",
        lead=[_header_line(record) for record in records],
        verdicts=[f"{line}." for record in records for line in conclusions(record)],
        tables=[
            _table(f"{subject}, whole agent: {SPREAD}", agents_table(part))
            for record in records
            for subject, part in record.by_policy().items()
        ],
        plots=plots,
        details=[Details(summary="What was refused", texts=lines) for record in records if (lines := reasons(record))],
        empty="" if records else NOT_MEASURED,
        code=() if records else [f"python -m harness.throughput --all --out {quoted(folder / 'throughput.json')}"],
    )


def _header_line(record: Record) -> str:
    """What was measured, where, with which versions and when."""
    header = record.header
    provenance = header["provenance"]
    peaks = [
        f"{peak.flops_per_second / 1e12:.3g} TFLOP/s for one dense {peak.size}³ product in {dtype}"
        for dtype, peak in record.peaks.items()
        if peak.flops_per_second
    ]
    subjects = "; ".join(record.by_policy()) or "no policy yet"
    return (
        f"{subjects}, measured on {header['device_name']} with {versions(header)}, "
        f"{str(provenance.get('started', ''))[:10]}, commit {str(provenance.get('commit', 'unknown'))[:10]}, by "
        f"“{provenance.get('command', 'unknown')}”. Peak there: {'; '.join(peaks) or 'not measured'}."
    )


def _table(caption: str, table: rich.table.Table) -> Table:
    """A table of the console as one of the page."""
    heads = [str(column.header) for column in table.columns]
    words = [str(column.header) for column in table.columns if column.justify == "left"]
    rows = zip(*(map(str, column.cells) for column in table.columns), strict=True)
    return Table(caption=caption, heads=heads, words=words, rows=list(rows))
