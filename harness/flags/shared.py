"""Flags that several commands have: a study in its database, and the folder of its runs."""

from __future__ import annotations

from harness.cli.common import Parser
from harness.runs.budget import default_study
from studies.db.storage_url import DEFAULT_STORAGE


def add_study(parser: Parser, study: str = "which study", storage: str = "its database") -> None:
    """Add ``--study`` and ``--storage`` with these words of help."""
    add = parser.add_argument
    add("--study", default=default_study("quick", None), metavar="NAME", help=f"{study} (default: %(default)s)")
    add("--storage", default=DEFAULT_STORAGE, metavar="URL", help=f"{storage} (default: %(default)s)")


def add_runs(parser: Parser) -> None:
    """Add ``--runs``."""
    parser.add_argument(
        "--runs", default="runs", metavar="FOLDER", help="--out of harness.compare (default: %(default)s)"
    )
