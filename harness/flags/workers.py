"""Workers: the flags that say where they run and how many (``--workers slurm:8``), and those of ``harness.worker``."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.cli.common import Parser, add_import, add_repeated, at_least, is_number
from harness.cli.errors import UsageError
from studies.db.storage_url import DEFAULT_STORAGE, parse_storage_url

CLUSTERS = ("slurm", "ray")
KINDS = ("local", *CLUSTERS)
MOST = 1000
"""Workers that one command starts."""
MOST_IDS = 1_000_000
"""Runs that a flag can name at once."""


@dataclass(frozen=True, kw_only=True)
class Workers:
    """The workers of a comparison."""

    kind: str = "local"
    """``local``, processes of this machine; ``slurm``, an array job; ``ray``, tasks of a running Ray cluster."""
    count: int = 1
    cpus: int = 1
    """Cores of each, with ``slurm`` and ``ray``."""
    gpus: float = 0.0
    """GPUs of each, with ``slurm`` and ``ray``; Ray also shares one: 0.5."""
    sbatch: tuple[str, ...] = ()
    """Further arguments of ``sbatch``, for example ``--partition=gpu``."""


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Add flags that say where runs are trained."""
    add = parser.add_argument
    add("--n-jobs", type=int, metavar="N", help="runs that go on at the same time on this machine (default: 1)")
    add(
        "--workers",
        metavar="WHERE:N",
        help="where runs go on, and how many at a time: local:2, slurm:8 (an array job) or ray:4 (a running cluster); "
        "slurm and ray need a PostgreSQL --storage and an --out that all machines share",
    )
    add("--worker-cpus", type=int, metavar="N", help="cores of a slurm or ray worker (default: 1)")
    add("--worker-gpus", type=float, metavar="N", help="GPUs of each, likewise (default: 0)")
    text = "a further argument of sbatch, such as --sbatch=--partition=gpu; may be repeated"
    add_repeated(parser, "--sbatch", "sbatch", "ARGUMENT", text)


def read_workers(flags: argparse.Namespace) -> Workers:
    """Return the workers that the flags of ``add_workers`` ask for.

    Raises:
        UsageError: a malformed value, a flag that their place would ignore, or a storage that they could not share.
    """
    kind, count = ("local", 1) if flags.workers is None else parse_workers(flags.workers)
    _check_flags_of(kind, flags)
    if flags.n_jobs is not None:
        count = at_least(1, "--n-jobs", flags.n_jobs, most=MOST)
    if kind in CLUSTERS and parse_storage_url(flags.storage).path is not None:
        raise UsageError(
            f"--workers {kind}:{count} needs a PostgreSQL server: a SQLite file relies on file locks, "
            "which do not hold between the machines of a cluster, and lets one process write at a time. "
            "Type: --storage postgresql://user@host/database (make it with: createdb database)"
        )
    cpus = 1 if flags.worker_cpus is None else at_least(1, "--worker-cpus", flags.worker_cpus)
    return Workers(kind=kind, count=count, cpus=cpus, gpus=flags.worker_gpus or 0.0, sbatch=tuple(flags.sbatch))


def _check_flags_of(kind: str, flags: argparse.Namespace) -> None:
    if flags.workers is not None and flags.n_jobs is not None:
        raise UsageError("--workers and --n-jobs both say how many workers there are; give one of them")
    for flag, value, places in (
        ("--worker-cpus", flags.worker_cpus, CLUSTERS),
        ("--worker-gpus", flags.worker_gpus, CLUSTERS),
        ("--sbatch", flags.sbatch or None, ("slurm",)),
        ("--no-wait", flags.no_wait or None, ("local", "slurm")),  # Ray's tasks end with this command
    ):
        if value is not None and kind not in places:
            allowed = " or ".join(f"--workers {place}:N" for place in places)
            raise UsageError(f"{flag} does not go with --workers {kind}, it is for {allowed}")
    if not 0 <= (flags.worker_gpus or 0) < math.inf:  # NaN is neither
        raise UsageError(f"--worker-gpus is {flags.worker_gpus:g}, it must be a finite number, at least 0")


def parse_workers(text: str) -> tuple[str, int]:
    """Read ``slurm:8`` as kind and count; a number alone means ``local``.

    Raises:
        UsageError: another form, an unknown kind, or a count below 1.
    """
    kind, colon, number = text.partition(":")
    if not colon and is_number(text):
        kind, number = "local", text
    if kind not in KINDS or not is_number(number) or not 1 <= int(number) <= MOST:
        raise UsageError(
            f"--workers {text[:40]!r}: give where and how many (1 to {MOST:,}), such as local:2, slurm:8 or ray:4; "
            f"known places: {', '.join(KINDS)}"
        )
    return kind, int(number)


def worker_parser() -> Parser:
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


def ids_in(text: str, flag: str = "--only") -> set[int]:
    """Return the ids of runs that a flag lists.

    Raises:
        UsageError: it is no list of numbers.
    """
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        try:
            ids = range(int(first), int(last if dash else first) + 1)
            count = len(ids)
        except (ValueError, OverflowError):
            raise UsageError(f"{flag} {text!r}: ids of runs, separated by commas, such as 3,7 or 3-9") from None
        if count == 0:
            raise UsageError(f"{flag} {part}: no ids lie there; the lower one stands first: {last}-{first}")
        if count > MOST_IDS:
            raise UsageError(f"{flag} {part}: these are {count:,} ids, at most {MOST_IDS:,} can be named at once")
        found.update(ids)
    return found


def compact(ids: Sequence[int]) -> str:
    """Return ids as ``ids_in`` reads them, ``3-7,9``; a thousand ids in a row stay one short argument."""
    parts: list[list[int]] = []
    for number in sorted(ids):
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)
