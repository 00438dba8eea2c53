"""The flags of ``harness.export``."""

from __future__ import annotations

from harness.cli.common import Parser
from harness.runs.budget import default_study
from studies.db.storage_url import DEFAULT_STORAGE

RECORD_FORMATS = ("runs", "curves", "battles")
FINDING_FORMATS = ("csv", "markdown", "json")
MARL_EVAL = "marl-eval"


def parser() -> Parser:
    """Return the parser."""
    found = Parser(
        prog="python -m harness.export",
        description="Write the finished runs of a study for other programs.",
        allow_abbrev=False,
    )
    add = found.add_argument
    add(
        "--format",
        required=True,
        choices=[*RECORD_FORMATS, MARL_EVAL, *FINDING_FORMATS],
        help="runs, curves, battles: rows as CSV or Parquet; csv, markdown: the table; json: all findings; "
        "marl-eval: its JSON layout",
    )
    add("--study", default=default_study("quick", None), metavar="NAME", help="which study (default: %(default)s)")
    add("--storage", default=DEFAULT_STORAGE, metavar="URL", help="its database (default: %(default)s)")
    add("--algos", metavar="A,B", help="only these algorithms (default: all)")
    add("--scenarios", metavar="A,B", help="only these scenarios (default: all)")
    add("--out", metavar="FILE", help="where to write (default: standard output)")
    return found
