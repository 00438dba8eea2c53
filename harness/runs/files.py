"""Files of runs and studies: where they lie, atomic replacement, and one process that writes a run's folder."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from glob import escape
from pathlib import Path

from harness.cli.errors import UsageError
from studies.queue.owner import Owner
from studies.rows import RunKey

LONGEST_STUDY = 200
"""Bytes of a study's name: it names a folder, and file systems allow 255."""
LONGEST_NAME = 80
"""Bytes of an algorithm's or a scenario's name in that of a file, which holds both."""


def study_folder(out: Path, study: str) -> Path:
    """Return where the files of a study lie, always inside ``out``.

    Raises:
        UsageError: the name cannot be that of a folder there.
    """
    if not study.strip() or study in (".", "..") or any(sign in "/\\" or not sign.isprintable() for sign in study):
        raise UsageError(
            f"--study {study!r} cannot name a folder inside {out}: a name has no slashes and is none of '', '.', '..'. "
            f"Type for example: --study my_comparison"
        )
    if len(study.encode(errors="surrogateescape")) > LONGEST_STUDY:
        raise UsageError(
            f"--study {study[:40]}… is {len(study)} signs long; a name has up to {LONGEST_STUDY} bytes. "
            f"Give a shorter one"
        )
    return out / study


def run_folder(out: Path, study: str, key: RunKey) -> Path:
    """Return the folder of a run's checkpoint: one folder for each identity, so that settings never share one."""
    name = f"{file_name(key.algorithm)}-{file_name(key.scenario)}-seed{key.seed}-{key.config_hash}"
    return study_folder(out, study) / name


def file_name(name: str) -> str:
    """Return a scenario's or algorithm's name as part of a file's: no slashes, no longer than file systems allow."""
    plain = name.replace("/", "_")
    if plain.isprintable() and "\\" not in plain and len(plain.encode()) <= LONGEST_NAME:
        return plain
    start = "".join(sign for sign in plain[:20] if sign.isalnum())
    return f"{start}-{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:16]}"


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give the name of a draft beside a file; after the block the draft stands in the file's place.

    Each draft has a name of its own, so that two processes never write into the same one, and the file's ending, by
    which many writers choose the format. After a failure it is gone, and the file is as it was.

    Args:
        path: where the file shall stand; its folder is there.

    Raises:
        OSError: the draft was not written, or there is no room for it.
    """
    draft = path.with_name(f".{path.stem}-{secrets.token_hex(6)}.part{path.suffix}")
    try:
        yield draft
        with draft.open("rb") as file:
            os.fsync(file.fileno())  # or a power cut could leave the new name on an empty file
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def remove_drafts(path: Path) -> None:
    """Remove what killed processes left half written beside a file; only where nobody else may be writing it."""
    for draft in path.parent.glob(f".{escape(path.stem)}-*.part{escape(path.suffix)}"):
        draft.unlink(missing_ok=True)


OWNER = "owner.json"


def take_folder(folder: Path) -> None:
    """Note that this process writes the folder; the same run for another ``--storage`` would write the same files.

    Raises:
        UsageError: another living process of this machine does. The database lets only one at a run, so that one works
            on the record of another database.
    """
    me, held = Owner.myself(), _read_owner(folder / OWNER)
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
    held = _read_owner(folder / OWNER)
    if held is not None and held.pid == Owner.myself().pid:
        (folder / OWNER).unlink(missing_ok=True)


def _read_owner(path: Path) -> Owner | None:
    try:
        return Owner(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # none, or half a file of a disk that was full
        return None
