"""The flags of ``harness.leaderboard``."""

from __future__ import annotations

from harness.cli.common import Parser
from studies.db.storage_url import DEFAULT_STORAGE


def parser() -> Parser:
    found = Parser("leaderboard", "Write the results of databases as one page with filters.")
    add = found.add_argument
    add("--storage", action="append", metavar="URL", help=f"a database; may be repeated (default: {DEFAULT_STORAGE})")
    add("--study", metavar="A,B", help="only these studies (default: all but the runs of searches, NAME-runs)")
    add("--out", default="leaderboard.html", metavar="FILE", help="the page (default: %(default)s)")
    return found
