"""One process writes a run's folder: the same comparison with another ``--storage`` would write the same files."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from harness.cli.errors import UsageError
from harness.runs.files import atomic_write
from studies.queue.owner import Owner

OWNER = "owner.json"


def take_folder(folder: Path) -> None:
    """Note that this process writes the folder.

    Raises:
        UsageError: another living process of this machine does. The database lets only one at a run, so that one works
            on the record of another database.
    """
    me, held = Owner.myself(), _read(folder / OWNER)
    if held is not None and held.pid != me.pid and held.look_up():
        raise UsageError(
            f"{folder} is in use by process {held.pid}, which trains the same run for another --storage. Give one of "
            "the two commands its own --out, or wait until the other has finished"
        )
    with suppress(OSError):  # a full disk is met, and explained, by what matters more
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / OWNER) as draft:
            draft.write_text(json.dumps(asdict(me)), encoding="utf-8")


def leave_folder(folder: Path) -> None:
    """Note that this process no longer writes it."""
    held = _read(folder / OWNER)
    if held is not None and held.pid == Owner.myself().pid:
        (folder / OWNER).unlink(missing_ok=True)


def _read(path: Path) -> Owner | None:
    try:
        return Owner(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # none, or half a file of a disk that was full
        return None
