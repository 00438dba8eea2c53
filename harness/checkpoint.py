"""Checkpoints that a killed process cannot leave half written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import torch

from harness.errors import UsageError


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write beside the old checkpoint, then put the new one in its place in a single step of the file system.

    Args:
        path: where it shall stand; its folder is made.
        content: tensors, arrays and plain values.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_checkpoint(path: Path, *, config_hash: str) -> dict[str, Any] | None:
    """The checkpoint of this very run, or None where there is none.

    Args:
        path: as given to ``save_checkpoint``.
        config_hash: identity of the run that wants to go on.

    Raises:
        UsageError: the file is damaged or belongs to another run.
    """
    if not path.exists():
        return None
    try:
        # Our own file: optimiser and generator states are more than tensors, so plain pickle reads it.
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:
        raise UsageError(f"checkpoint {path} cannot be read ({error}); remove it to start this run anew") from error
    if content.get("config_hash") != config_hash:
        raise UsageError(f"checkpoint {path} belongs to another run; give another --out folder or remove it")
    return content
