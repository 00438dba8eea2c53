"""The flags of ``harness.push`` and ``harness.pull``."""

from __future__ import annotations

from harness.cli.common import Parser, add_import
from harness.flags.study import add_runs, add_study


def push_parser() -> Parser:
    found = Parser("push", "Upload a trained policy with its settings, result and model card.")
    add = found.add_argument
    add("run", metavar="RUN", help="folder of a run, or the number of its trial")
    add("name", metavar="USER/NAME", nargs="?", help="where on the hub; made where missing")
    add("--pack-only", metavar="FOLDER", help="write the folder that would be uploaded, and upload nothing")
    add("--private", action="store_true", help="make a new one private")
    add_study(found, "of the trial", "database with the result")
    add_runs(found)
    add_import(found)
    return found


def pull_parser() -> Parser:
    found = Parser("pull", "Download a trained policy from the hub.")
    add = found.add_argument
    add("name", metavar="USER/NAME", help="where on the hub")
    add("--out", metavar="FOLDER", help="where to (default: NAME)")
    add("--revision", metavar="NAME", help="a branch, tag or commit (default: the newest)")
    return found
