"""Checkpoints that a killed process cannot leave half written."""

from __future__ import annotations

import shlex
import textwrap
from itertools import count
from pathlib import Path
from typing import Any, Literal

import torch

from harness.cli.errors import UsageError
from harness.runs.files import atomic_write
from studies.db.errors import StorageError

CheckpointReplay = Literal["auto", "yes", "no"]
"""Whether a checkpoint holds the replay; ``auto``: up to ``REPLAY_LIMIT``."""
REPLAY_LIMIT = 500 * 10**6
"""Bytes of packed episodes. 5,000 battles of 5 against 5 take about 0.2 GB and half a second to write; 20 against 20
take 2 GB, which every checkpoint would write anew."""


def holds_replay(choice: CheckpointReplay, nbytes: int) -> bool:
    """Whether a replay of so many bytes goes into a checkpoint."""
    return choice == "yes" or (choice == "auto" and nbytes <= REPLAY_LIMIT)


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write beside the old checkpoint, then put the new one in its place in a single step of the file system.

    Args:
        path: where it shall stand; its folder is made.
        content: tensors, arrays and plain values.

    Raises:
        StorageError: there is no room for it, or it may not be written; the old one is as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as draft:
            torch.save(content, draft)
    except (OSError, RuntimeError) as error:  # torch's writer tells of a full disk by a RuntimeError
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: Exception) -> StorageError:
    """The error for a checkpoint that could not be written; every other run would meet it too."""
    why = textwrap.shorten(f"{type(error).__name__}: {error}", 200, placeholder=" …")
    return StorageError(
        f"checkpoint {path} cannot be written ({why}). The one before and all that is stored are safe. Free some space "
        f"(df -h {path.parent}; ulimit -f), then type the same command again: it goes on from there. Checkpoints of "
        f"harness.compare are smaller without their replay: --checkpoint-replay no"
    )


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """What ``save_checkpoint`` was given, or None where there is no file.

    Raises:
        UsageError: the file is damaged.
    """
    if not path.exists():
        return None
    try:
        # Our own file: optimiser and generator states are more than tensors, so plain pickle reads it.
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:
        raise unusable(path, "cannot be read", error) from error
    return content


def unusable(path: Path, fault: str, error: Exception) -> UsageError:
    """The error for a checkpoint that cannot be gone on from; it stays where it is, so that nothing is lost.

    Args:
        path: the file.
        fault: what is wrong, as in ``checkpoint FILE cannot be read``.
        error: what the reader of the file raised.
    """
    why = textwrap.shorten(f"{type(error).__name__}: {error}", 300, placeholder=" …")
    move = shlex.join(["mv", str(path), f"{path}.old"])
    return UsageError(
        f"checkpoint {path} {fault} ({why}). Nothing was changed. If another version of the program wrote it, go on "
        f"with that one; or start this run anew: {move}; then the same command again"
    )


def set_aside(path: Path) -> Path:
    """Rename a checkpoint to a name that nothing reads or overwrites, and return that."""
    free = (path.with_name(f"{path.stem}-aside-{number}{path.suffix}") for number in count(1))
    aside = next(name for name in free if not name.exists())
    path.rename(aside)
    return aside
