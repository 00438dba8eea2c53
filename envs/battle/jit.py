"""One decorator for every compiled function of the engine, and the folder that keeps the machine code.

numba's own cache notices an edit in the file of a function but not in the files of the functions it calls. So the
folder is named after a hash of every source file of the engine: an edit anywhere means a fresh folder.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

ENGINE_FOLDER = Path(__file__).parent


def source_hash(folder: Path = ENGINE_FOLDER) -> str:
    """Sixteen hex digits over names and contents of all Python files below ``folder`` and the numba version."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Where the machine code of these sources lies: ``$K24_CACHE_DIR``, else the user's cache, else a temporary one."""
    named = os.environ.get("K24_CACHE_DIR")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    temporary = Path(tempfile.gettempdir()) / f"k24-harness-{os.getuid()}"
    parents = [Path(named)] if named else [home / "k24-harness", temporary]
    for parent in parents:
        folder = parent / f"numba-{source_hash()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise OSError(
        f"no writable folder for the compiled engine among {', '.join(map(str, parents))}; "
        "set K24_CACHE_DIR to a folder that you may write to"
    )


CACHE_FOLDER = cache_folder()


def is_compiled() -> bool:
    """Whether an earlier process left machine code of these very sources."""
    return bool(list(CACHE_FOLDER.rglob("*.nbc")))  # a list: a walk left half-way would keep folders open


def kernel(function: Callable[..., Any] | None = None, *, parallel: bool = False) -> Any:
    """Compile without the interpreter, cached on disk; no fastmath, so that results are the same everywhere."""

    def compile_(target: Callable[..., Any]) -> Any:
        # numba reads the folder when a function is decorated; other users of numba in this process keep theirs.
        settings: Any = numba.config
        before, settings.CACHE_DIR = settings.CACHE_DIR, str(CACHE_FOLDER)
        try:
            return numba.njit(cache=True, nogil=True, error_model="numpy", parallel=parallel)(target)
        finally:
            settings.CACHE_DIR = before

    return compile_ if function is None else compile_(function)
