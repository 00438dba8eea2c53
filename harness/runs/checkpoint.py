"""The two files that a run leaves, whole or not at all: ``policy.pt`` to be shared, ``resume.pt`` to go on from.

``policy.pt`` holds tensors and plain values: reading it runs none of its content, so that a colleague's may be
opened. ``resume.pt`` holds everything else as well (replay, battles under way, generators), as pickles, which run code
when they are read: only ``harness.compare`` and its workers read it, and only one of their own user.
"""

from __future__ import annotations

import shlex
import stat
import textwrap
import traceback
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from common.errors import describe, quoted
from common.ownership import other_writers
from harness.cli.errors import UsageError
from harness.runs.budget import REPLAY_LIMIT, CheckpointReplay
from harness.runs.files import atomic_write
from studies.db.errors import StorageError

RESUME, POLICY = "resume.pt", "policy.pt"
EARLIER = "checkpoint.pt"
"""What versions before the split wrote: a pickle that every command read."""
POLICY_FORMAT = 1
_ARRAY = "array/"
"""Key under which an array stands in ``policy.pt`` as a tensor."""


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
            _keep_from_others(draft)
    except (OSError, RuntimeError) as error:  # torch's writer reports a full disk by a RuntimeError
        _release_writers(error)
        raise _unwritten(path, error) from error


def _release_writers(error: BaseException | None) -> None:
    """Let go of the files that a failed writer has open: the room of a deleted draft is free only then."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


def _keep_from_others(path: Path) -> None:
    """Let nobody else write a checkpoint, or it could not be trusted later; some file systems know no such rights."""
    mode = path.stat().st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        with suppress(OSError):
            path.chmod(mode & ~(stat.S_IWGRP | stat.S_IWOTH))


def _unwritten(path: Path, error: Exception) -> StorageError:
    """The error for a checkpoint that could not be written; every other run would meet it too."""
    why = textwrap.shorten(describe(error), 200, placeholder=" …")
    return StorageError(
        f"checkpoint {path} cannot be written ({why}). The one before and all that is stored are safe. Free some space "
        f"(df -h {quoted(path.parent)}; ulimit -f), then type the same command again: it goes on from there. "
        f"Checkpoints of harness.compare are smaller without their replay: --checkpoint-replay no"
    )


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """Return what ``save_checkpoint`` was given, or None where there is no file.

    Raises:
        UsageError: the file is damaged, or of another user: it would run that user's code.
    """
    if not path.exists():
        return None
    _refuse_irregular(path)
    refuse_foreign(path)
    try:
        # Our own user's file: optimiser and generator states are more than tensors, so plain pickle reads it.
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:
        raise unusable(path, "cannot be read", error) from error
    return content


def _refuse_irregular(path: Path) -> None:
    """Refuse a folder, and a pipe or device, which would be waited for without end."""
    if not path.is_file():
        kind = "folder" if path.is_dir() else "pipe, socket or device"
        raise UsageError(
            f"{path} is a {kind}, not a regular file. Nothing was read. Name the folder of another run, or train this "
            f"one again once it is out of the way: {shlex.join(['mv', str(path), f'{path}.old'])}"
        )


def refuse_foreign(path: Path) -> None:
    """Refuse a file that another user may have written.

    Raises:
        UsageError: it is; the message says what would happen and what to type if it is trusted.
    """
    if others := other_writers(path.stat()):
        mine = quoted(path)
        raise UsageError(
            f"checkpoint {path} may be written to by {others}, and to go on from it would run whatever code it holds. "
            f"Nothing was read. If you trust it, make it your own: cp {mine} {mine}.mine && mv -f {mine}.mine {mine} "
            f"&& chmod go-w {mine}; its {POLICY} can be played as it is"
        )


def save_policy(path: Path, content: dict[str, Any]) -> None:
    """Write a policy that anyone may read; replaced in a single step as a checkpoint is.

    Args:
        path: where it shall stand.
        content: mappings and lists of tensors, arrays, numbers, texts, booleans and None.

    Raises:
        TypeError: it holds something else; where and what.
        StorageError: there is no room for it, or it may not be written.
    """
    save_checkpoint(path, {"format": POLICY_FORMAT, **_to_plain(content, "")})


def load_policy_content(path: Path) -> dict[str, Any] | None:
    """Return what ``save_policy`` was given, or None where there is no file; none of its content is run.

    Raises:
        UsageError: it is damaged, no regular file, holds more than tensors and plain values, or is of another version.
    """
    if not path.exists():
        return None
    _refuse_irregular(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise unusable(path, "cannot be read as tensors and plain values, and nothing of it was run", error) from error
    written = content.get("format") if isinstance(content, dict) else None
    if written != POLICY_FORMAT:
        raise UsageError(
            f"policy {path} is of another version of this program (format {written}, this one reads {POLICY_FORMAT}). "
            f"Nothing was changed. Play it with that version, or train the run again with this one"
        )
    try:
        plain: dict[str, Any] = _from_plain(content)
    except Exception as error:  # an array that is no tensor, of a kind unknown to NumPy, or nested without end
        raise unusable(path, "holds an array that cannot be read", error) from error
    return plain


def _to_plain(value: Any, at: str) -> Any:
    """Arrays become tensors under a key of their own; whatever pickle alone could write is refused."""
    if isinstance(value, dict):
        return {_to_plain(key, f"{at}'s key"): _to_plain(each, f"{at}/{key}") for key, each in value.items()}
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(_to_plain(each, f"{at}/{number}") for number, each in enumerate(value))
    if isinstance(value, np.ndarray) and value.dtype != object:
        return {_ARRAY: torch.from_numpy(np.ascontiguousarray(value).reshape(value.shape))}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, Tensor) or type(value) in (bool, int, float, str):
        return value
    raise TypeError(f"{at.removeprefix('/')} is a {type(value).__name__}; {POLICY} holds tensors and plain values only")


def _from_plain(value: Any) -> Any:
    if isinstance(value, dict):
        if _ARRAY not in value:
            return {key: _from_plain(each) for key, each in value.items()}
        if not isinstance(value[_ARRAY], Tensor):
            raise TypeError(f"{_ARRAY!r} stands for a tensor, here for a {type(value[_ARRAY]).__name__}")
        return value[_ARRAY].numpy()
    if isinstance(value, (list, tuple)):
        return type(value)(map(_from_plain, value))
    return value


def unusable(path: Path, fault: str, error: Exception | None) -> UsageError:
    """The error for a checkpoint that cannot be gone on from; it stays where it is, so that nothing is lost.

    Args:
        path: the file.
        fault: what is wrong, as in ``checkpoint FILE cannot be read``.
        error: what the reader of the file raised; None: nothing.
    """
    why = "" if error is None else textwrap.shorten(f" ({describe(error)})", 300, placeholder=" …)")
    move = shlex.join(["mv", str(path), f"{path}.old"])
    return UsageError(
        f"checkpoint {path} {fault}{why and ' ' + why}. Nothing was changed. If another version of the program wrote "
        f"it, go on with that one; or start this run again: {move}; then the same command again"
    )


def set_aside(path: Path) -> Path:
    """Rename a checkpoint to a name that nothing reads or overwrites, and return that."""
    free = (path.with_name(f"{path.stem}-aside-{number}{path.suffix}") for number in count(1))
    aside = next(name for name in free if not name.exists())
    path.rename(aside)
    return aside
