"""Files of runs and studies: where they lie, and atomic replacement."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

from studies.rows import RunKey


def run_folder(out: Path, study: str, key: RunKey) -> Path:
    """Where a run keeps its checkpoint: one folder for each identity, so that settings never share one."""
    return out / study / f"{key.algorithm}-{file_name(key.scenario)}-seed{key.seed}-{key.config_hash}"


def file_name(scenario: str) -> str:
    """A scenario's name as part of a file's; worlds from elsewhere have a slash in theirs."""
    return scenario.replace("/", "_")


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
