"""The flags of ``harness.push`` and ``harness.pull``."""

from __future__ import annotations

from harness.cli.common import Parser
from harness.runs.budget import default_study
from studies.db.storage_url import DEFAULT_STORAGE


def push_parser() -> Parser:
    """Return the parser of ``harness.push``."""
    found = Parser(
        prog="python -m harness.push",
        description="Upload a trained policy with its settings, result and model card.",
        allow_abbrev=False,
    )
    add = found.add_argument
    add("run", metavar="RUN", help="folder of a run, or the number of its trial")
    add("name", metavar="USER/NAME", nargs="?", help="where on the hub; made where missing")
    add("--pack-only", metavar="FOLDER", help="write the folder that would be uploaded, and upload nothing")
    add("--private", action="store_true", help="make a new one private")
    add("--study", default=default_study("quick", None), metavar="NAME", help="of the trial (default: %(default)s)")
    add("--storage", default=DEFAULT_STORAGE, metavar="URL", help="database with the result (default: %(default)s)")
    add("--runs", default="runs", metavar="FOLDER", help="--out of harness.compare (default: %(default)s)")
    return found


def pull_parser() -> Parser:
    """Return the parser of ``harness.pull``."""
    found = Parser(
        prog="python -m harness.pull",
        description="Download a trained policy from the hub.",
        allow_abbrev=False,
    )
    add = found.add_argument
    add("name", metavar="USER/NAME", help="where on the hub")
    add("--out", metavar="FOLDER", help="where to (default: NAME)")
    add("--revision", metavar="NAME", help="a branch, tag or commit (default: the newest)")
    return found
