"""``--workers slurm:8``: where workers run and how many."""

from __future__ import annotations

from dataclasses import dataclass

from harness.cli.common import is_number
from harness.cli.errors import UsageError
from studies.db.storage_url import parse_storage_url

KINDS = ("local", "slurm", "ray")
MOST = 1000
"""Workers that one command starts."""


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


LOCAL = Workers()


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


def check_storage(workers: Workers, storage: str) -> None:
    """Refuse a SQLite file for workers of several machines.

    Raises:
        UsageError: why, and what to give instead.
    """
    if workers.kind != "local" and parse_storage_url(storage).path is not None:
        raise UsageError(
            f"--workers {workers.kind}:{workers.count} needs a PostgreSQL server: a SQLite file relies on file locks, "
            "which do not hold between the machines of a cluster, and lets one process write at a time. "
            "Type: --storage postgresql://user@host/database (make it with: createdb database)"
        )
