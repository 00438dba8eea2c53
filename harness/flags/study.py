"""Flags that name a stored study, and the commands on one: ``harness.delete``, ``.patterns`` and ``.measure``."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli.common import Parser, add_import, is_number
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


def folder_of_run(flags: argparse.Namespace) -> Path:
    """Return where a run lies that is named by its folder or by its trial's number, with the flags above.

    Raises:
        UsageError: no such database, study or finished trial.
        StorageError: the database cannot be used.
    """
    from harness.policies.trained import folder_of_trial  # heavier than a parser may be

    if not is_number(flags.run):
        return Path(flags.run)
    return folder_of_trial(int(flags.run), study=flags.study, storage=flags.storage, out=Path(flags.runs))


def delete_parser() -> Parser:
    found = Parser("delete", "Delete runs of a study from the database.")
    add = found.add_argument
    add("--study", required=True, metavar="NAME", help="which study")
    add("--storage", default=DEFAULT_STORAGE, metavar="URL", help="its database (default: %(default)s)")
    add("--runs", metavar="ID,ID", help="ids of runs; without --yes they are listed")
    add("--all", action="store_true", help="every run, and the study itself")
    add("--yes", action="store_true", help="delete them (default: list them)")
    return found


def patterns_parser() -> Parser:
    found = Parser("patterns", "Show how the masks of a study's finished runs are used: tables, CSV and pictures.")
    add = found.add_argument
    add_study(found)
    add("--algos", metavar="A,B", help="only these algorithms (default: all that have masks)")
    add("--scenarios", metavar="A,B", help="only these scenarios (default: all)")
    add("--out", default="runs", metavar="FOLDER", help="pictures and CSV go to FOLDER/STUDY/patterns")
    return found


def measure_parser() -> Parser:
    found = Parser("measure", "Measure the decisions/s of a study's finished runs, all in turn.")
    add = found.add_argument
    add_study(found)
    add_runs(found)
    add("--device", metavar="cpu|cuda", help="where to measure (default: where each run was trained)")
    add_import(found)
    return found
