"""The flags of ``harness.export``."""

from __future__ import annotations

from harness.cli.common import Parser
from harness.flags.study import add_study

RECORD_FORMATS = ("runs", "curves", "battles")
FINDING_FORMATS = ("csv", "markdown", "json")
MARL_EVAL = "marl-eval"


def parser() -> Parser:
    found = Parser("export", "Write the finished runs of a study for other programs.")
    add = found.add_argument
    add(
        "--format",
        required=True,
        choices=[*RECORD_FORMATS, MARL_EVAL, *FINDING_FORMATS],
        help="runs, curves, battles: rows as CSV or Parquet; csv, markdown: the table; json: all findings; "
        "marl-eval: its JSON layout",
    )
    add_study(found)
    add("--algos", metavar="A,B", help="only these algorithms (default: all)")
    add("--scenarios", metavar="A,B", help="only these scenarios (default: all)")
    add("--out", metavar="FILE", help="where to write (default: standard output)")
    return found
