"""The flags of ``harness.worker``."""

from __future__ import annotations

from harness.cli.common import Parser, add_import
from studies.db.storage_url import DEFAULT_STORAGE


def parser() -> Parser:
    found = Parser("worker", "Take runs of a comparison, or trials of a search, that wait in a database.")
    add = found.add_argument
    add("--storage", default=DEFAULT_STORAGE, metavar="URL", help="the database (default: %(default)s)")
    add("--study", metavar="NAME", help="name of the study; may be left out where there is only one")
    add(
        "--out",
        default="runs",
        metavar="FOLDER",
        help="checkpoints; shared with the others, a run that one of them "
        "left goes on from its checkpoint, else it starts again (default: %(default)s)",
    )
    add(
        "--device",
        default="auto",
        metavar="auto|cpu|cuda",
        help="take what was planned for this kind of device, and do it there (default: all that this machine has)",
    )
    add_import(found, "your own code, as given to the command that planned the runs", metavar="MODULE_OR_FILE")
    add("--log", metavar="A,B", help="loggers that follow each run, as of harness.compare")
    add("--linger", action="store_true", help="before ending, wait for a heartbeat of every other run, or take it over")
    add("--lifeline", action="store_true", help="save and stop when standard input closes: the parent process is gone")
    add("--only", metavar="ID,ID", help="runs to take, by their ids, such as 3,7 or 3-9 (default: any of the study)")
    return found
