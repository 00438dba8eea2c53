"""The flags of ``harness.report``."""

from __future__ import annotations

from harness.cli.common import Parser, add_import
from harness.runs.budget import default_study
from studies.db.storage_url import DEFAULT_STORAGE


def parser() -> Parser:
    """Return the parser."""
    found = Parser(
        prog="python -m harness.report",
        description="Write a study as one HTML page, with its plots as PNG and SVG beside it.",
        allow_abbrev=False,
    )
    add = found.add_argument
    add_import(found)
    add("--study", default=default_study("quick", None), metavar="NAME", help="which study (default: %(default)s)")
    add("--storage", default=DEFAULT_STORAGE, metavar="URL", help="its database (default: %(default)s)")
    add("--runs", default="runs", metavar="FOLDER", help="--out of harness.compare (default: %(default)s)")
    add("--out", metavar="FILE", help="the page (default: RUNS/STUDY/report.html)")
    add("--throughput", metavar="FILE", help="results of harness.throughput (default: those in RUNS/STUDY, if any)")
    add("--clips", metavar="SCENARIO|none", help="where battles are played (default: where most can play)")
    add("--clip-seed", type=int, default=0, metavar="S", help="which battle (default: %(default)s)")
    add("--json", action="store_true", help="for machines: all findings as JSON on standard output")
    return found
