"""The flags of ``harness.report``."""

from __future__ import annotations

from harness.cli.common import Parser, add_import
from harness.flags.study import add_runs, add_study


def parser() -> Parser:
    found = Parser("report", "Write a study as one HTML page, with its plots as PNG and SVG beside it.")
    add = found.add_argument
    add_import(found)
    add_study(found)
    add_runs(found)
    add("--out", metavar="FILE", help="the page (default: RUNS/STUDY/report.html)")
    add("--throughput", metavar="FILE", help="results of harness.throughput (default: those in RUNS/STUDY, if any)")
    add("--clips", metavar="SCENARIO|none", help="where battles are played (default: where most can play)")
    add("--clip-seed", type=int, default=0, metavar="S", help="which battle (default: %(default)s)")
    add("--json", action="store_true", help="for machines: all findings as JSON on standard output")
    return found
