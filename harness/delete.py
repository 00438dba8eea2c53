"""Delete runs of a study, or all of it, from the database.

    python -m harness.delete --study compare-quick --runs 3,7
    python -m harness.delete --study compare-quick --all

Without ``--yes`` it only lists what would go. The files of the runs (checkpoints, tables) stay where they are. What is
deleted in Optuna's dashboard alone comes back at the next command, since results are kept beside Optuna's tables; this
command deletes both. A search of ``harness.tune`` goes as a whole, its runs apart from it.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from rich.console import Console

from harness.cli.common import ALL_DONE, SOME_MISSING, command
from harness.cli.console import log, make_console
from harness.cli.errors import UsageError
from harness.flags.study import delete_parser
from harness.flags.workers import ids_in
from studies.reader import StudyReader
from studies.search import SearchStudy, search_names
from studies.store import StudyStore


@command("runs that were deleted stay deleted")
def main(argv: Sequence[str]) -> int:
    """Delete; returns the exit code: 0 done or listed, 1 some runs are worked on and stay, 2 a mistake."""
    flags, console = delete_parser().parse_args(argv), make_console()
    if flags.all == bool(flags.runs):
        raise UsageError("name the runs (--runs 3,7) or all of them (--all)")
    if flags.study in search_names(flags.storage):
        return delete_search(flags, console)
    with StudyReader.open_existing(flags.storage, flags.study) as reader:
        found = {row.run_id: (row.algorithm, row.scenario, row.seed, "finished") for row in reader.rows()}
        found |= {run.run_id: (run.algorithm, run.scenario, run.seed, run.state) for run in reader.unfinished()}
    wanted = set(found) if flags.all else ids_in(flags.runs, flag="--runs")
    if unknown := wanted - set(found):
        raise UsageError(
            f"--runs {', '.join(map(str, sorted(unknown)))}: study {flags.study} has no such run; it has "
            f"{', '.join(map(str, sorted(found))) or 'none'}"
        )
    for run in sorted(wanted):
        log(console, f"run {run}: {' '.join(map(str, found[run]))}")
    if not flags.yes:
        log(console, f"{len(wanted)} runs would be deleted for good; type the same with --yes")
        return ALL_DONE
    with StudyStore.open(flags.storage, flags.study) as store:
        deleted = store.delete_runs(wanted, whole_study=flags.all)
    log(console, f"deleted {len(deleted)} runs; their files stay")
    for run in sorted(wanted - deleted):
        log(console, f"run {run} stays: a process works on it; stop that first, or try again")
    return ALL_DONE if deleted == wanted else SOME_MISSING


def delete_search(flags: Namespace, console: Console) -> int:
    """Delete a search of ``harness.tune`` with its trials; their runs are a study of their own."""
    if not flags.all:
        raise UsageError(f"{flags.study} is a search, whose trials go together: --all instead of --runs")
    runs = f"the runs of its trials are in {flags.study}-runs"
    with SearchStudy.open(flags.storage, flags.study) as search:
        if not flags.yes:
            trials = len(search.optuna.get_trials(deepcopy=False))
            log(console, f"a search of {trials} trials would be deleted for good; type the same with --yes ({runs})")
            return ALL_DONE
        if not search.delete():
            log(console, f"search {flags.study} stays: a worker is at one of its trials; stop that first")
            return SOME_MISSING
    log(console, f"deleted the search {flags.study}; {runs}, and stay")
    return ALL_DONE


if __name__ == "__main__":
    raise SystemExit(main())
