"""Worker process: claim and execute queued runs of a comparison, or trials of a search.

    python -m harness.worker --storage postgresql://user@host/database --study compare-standard

Start any number, on any machine that reaches the database. Each worker claims unowned runs, including those whose owner
died, and ends when none is left.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from envs.sc2.tether import call_at_end_of
from harness.cli.common import ALL_DONE, SOME_MISSING, command, listed, make_folder, parse_flags
from harness.cli.console import log
from harness.cli.errors import UsageError, check_known
from harness.flags.workers import ids_in, worker_parser
from harness.loggers import check_loggers
from harness.runs.files import run_folder, study_folder
from harness.runs.plan import RunPlan
from harness.runs.process import prepare_process, resolve_device
from harness.training.complete import complete_run
from harness.tune import count_trials, join_search
from studies.db.storage_url import without_passwords
from studies.search import SearchStudy, search_names
from studies.store import StudyStore, study_names

LOOK_EVERY = 5.0
"""Seconds between two looks for runs whose owner died."""


@command("what is done is kept, and others go on")
def main(argv: Sequence[str]) -> int:
    """Work; returns the exit code: 0 nothing left, 1 runs are missing, 2 a mistake in the command, 130 Ctrl-C."""
    console = Console(highlight=False, width=200, force_terminal=False)  # lines: bars of several workers would collide
    flags = parse_flags(worker_parser, argv)
    if flags.lifeline:
        call_at_end_of(sys.stdin.fileno(), lambda: os.kill(os.getpid(), signal.SIGTERM))
    resolve_device(flags.device)
    study = choose_study(flags.storage, flags.study)
    study_folder(Path(flags.out), study)  # an error before anything is claimed
    make_folder(Path(flags.out))
    if study in search_names(flags.storage):
        if flags.only is not None or flags.log is not None:
            unfit = "--only" if flags.only is not None else "--log"
            raise UsageError(f"{unfit} is for the runs of a comparison, and {study} is a search; leave it out")
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
    own = {f"{name}-runs" for name in searches}  # the runs of its trials belong to its workers
    known = [*searches, *(name for name in study_names(storage) if name not in own)]
    if study is None and len(known) == 1:
        return known[0]
    if study is None:
        raise UsageError(
            f"--storage {without_passwords(storage)} holds {len(known)} studies, name one: --study {' | '.join(known)}"
        )
    check_known("study", [study], known, hint="Ask for its runs first: python -m harness.compare --study NAME")
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

    loggers = check_loggers(listed(flags.log))
    with StudyStore.open(flags.storage, study) as store:
        while (
            job := store.claim_next(only=only, fits=fits) or wait_for_orphan(store, flags.linger, only, fits)
        ) is not None:
            plan = RunPlan.from_json(job, flags.device)
            prepare_process(deterministic=job["deterministic"])
            complete_run(console, store, plan, run_folder(Path(flags.out), study, plan.key), loggers)
        states = store.states()
    for reason in passed_over:
        log(console, f"passed over: {reason}")
    counted = Counter(state for run, state in states.items() if only is None or run in only)
    message = ", ".join(f"{number} {state}" for state, number in counted.items())
    log(console, f"nothing left to take in study {study}: {message or 'no runs'}")
    return ALL_DONE if set(counted) <= {"finished"} else SOME_MISSING


def wait_for_orphan(
    store: StudyStore, linger: bool, only: Collection[int] | None, fits: Callable[[dict[str, Any]], bool]
) -> dict[str, Any] | None:
    """Wait until the owner of every other run has given a heartbeat; returns the job of one whose owner died.

    A node that has just failed looks alive for some minutes. Without this the worker that a cluster starts in its
    place would find nothing to do and end.
    """
    began = store.now()
    while linger and any(only is None or run in only for run in store.silent_since(began)):
        time.sleep(LOOK_EVERY)
        if (job := store.claim_next(only=only, fits=fits)) is not None:
            return job
    return None


if __name__ == "__main__":
    sys.exit(main())
