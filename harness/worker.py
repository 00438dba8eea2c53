"""Joins work that waits in a database: runs of a comparison, or trials of a search.

    python -m harness.worker --storage postgresql://user@host/database --study compare-standard

As many as one likes, on as many machines as reach the database; each takes what nobody else works on, and what a dead
process left. It ends when nothing is left to take.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.cli.common import (
    ALL_DONE,
    SOME_MISSING,
    Parser,
    command,
    import_user_code,
    log,
    make_folder,
)
from harness.cli.errors import UsageError, unknown_name
from harness.compare import complete
from harness.runs.files import run_folder, study_folder
from harness.runs.plan import RunPlan
from harness.runs.process import prepare_process, resolve_device
from harness.tune import count_trials, join_search
from studies.db.storage_url import without_passwords
from studies.search import SearchStudy, search_names
from studies.store import DEFAULT_STORAGE, StudyStore, study_names


@command("what is done is kept, and others go on")
def main(argv: Sequence[str]) -> int:
    """Work; returns the exit code: 0 nothing left, 1 runs are missing, 2 a mistake in the command, 130 Ctrl-C."""
    console = Console(highlight=False, width=200, force_terminal=False)  # lines: bars of several workers would collide
    flags = _parser().parse_args(argv)
    for target in flags.imports:
        import_user_code(target)
    resolve_device(flags.device)
    study = choose_study(flags.storage, flags.study)
    study_folder(Path(flags.out), study)  # an error before anything is claimed
    make_folder(Path(flags.out))
    if study in search_names(flags.storage):
        with SearchStudy.open(flags.storage, study) as search:
            join_search(console, search, storage=flags.storage, out=Path(flags.out), device=flags.device)
            log(console, f"nothing left to take in search {study}: {count_trials(search)}")
        return ALL_DONE
    return join_comparison(console, flags, study)


def choose_study(storage: str, study: str | None) -> str:
    """The study to join: the one that is named, or the only one there is.

    Raises:
        UsageError: it is not in the database, or it must be named.
        StorageError: the database is not there or cannot be used.
    """
    searches = search_names(storage)
    own = {f"{name}-runs" for name in searches}  # the runs of a search's trials belong to its workers
    known = [*searches, *(name for name in study_names(storage) if name not in own)]
    if study is None and len(known) == 1:
        return known[0]
    if study is None:
        raise UsageError(
            f"--storage {without_passwords(storage)} holds {len(known)} studies, name one: --study {' | '.join(known)}"
        )
    if study not in known:
        raise unknown_name("study", study, known, hint="Ask for its runs first: python -m harness.compare --study NAME")
    return study


def join_comparison(console: Console, flags: argparse.Namespace, study: str) -> int:
    """Take runs until none is left."""
    only = None if flags.only is None else ids_in(flags.only)
    passed_over: dict[str, None] = {}  # each reason once, in order

    def fits(job: dict[str, Any]) -> bool:
        try:
            RunPlan.from_json(job, flags.device)
        except UsageError as reason:
            passed_over[str(reason)] = None
            return False
        return True

    with StudyStore.open(flags.storage, study) as store:
        while (job := store.claim_next(only=only, fits=fits)) is not None:
            plan = RunPlan.from_json(job, flags.device)
            prepare_process(deterministic=job["deterministic"])
            complete(console, store, plan, run_folder(Path(flags.out), study, plan.key))
        states = store.states()
    for reason in passed_over:
        log(console, f"passed over: {reason}")
    counted = Counter(state for run, state in states.items() if only is None or run in only)
    message = ", ".join(f"{number} {state}" for state, number in counted.items())
    log(console, f"nothing left to take in study {study}: {message or 'no runs'}")
    return ALL_DONE if set(counted) <= {"finished"} else SOME_MISSING


def ids_in(text: str, flag: str = "--only") -> set[int]:
    """Return the ids of runs that a flag lists.

    Raises:
        UsageError: it is no list of numbers.
    """
    try:
        return {int(number) for number in text.split(",")}
    except ValueError:
        raise UsageError(f"{flag} {text!r}: ids of runs, separated by commas, such as 3,7") from None


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m harness.worker",
        description="Take runs of a comparison, or trials of a search, that wait in a database.",
        allow_abbrev=False,
    )
    add = parser.add_argument
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
    add(
        "--import",
        dest="imports",
        action="append",
        default=[],
        metavar="MODULE_OR_FILE",
        help="your own code, as given to the command that planned the runs",
    )
    add("--only", metavar="ID,ID", help="runs to take, by their ids (default: any of the study)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
