"""Where 2:4 sparsity begins to pay: gains over hidden size and batch, as ``harness.throughput`` measured them."""

from __future__ import annotations

from pathlib import Path

from harness.report.collect import StudyData
from harness.report.page import Section


def throughput_section(folder: Path, data: StudyData, given: Path | None, runs_folder: Path) -> Section:
    """The section."""
    return Section(id="throughput", short="Throughput", title="2:4 throughput", empty="none")
