"""One decorator for every compiled function of the engine, and the folder that keeps the machine code.

numba's own cache notices an edit in the file of a function but not in the files of the functions it calls. So the
folder is named after a hash of every source file of the engine: an edit anywhere means a fresh folder.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import _CacheLocator

ENGINE_FOLDER = Path(__file__).parent


def source_hash(folder: Path = ENGINE_FOLDER) -> str:
    """Sixteen hex digits over names and contents of all Python files below ``folder`` and the numba version."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Return the folder for the machine code of these sources, made if it is not there.

    ``$K24_CACHE_DIR`` if it is set, else the user's cache, else a folder below the system's temporary one. numba runs
    what it finds in its cache, so a folder counts only if nobody else could have filled it.

    Raises:
        OSError: no folder of these can be used; the message says how to name another.
    """
    named = os.environ.get("K24_CACHE_DIR")
    parents = [Path(named)] if named else [*_home_cache(), Path(tempfile.gettempdir()) / f"k24-harness-{_user()}"]
    refused = []
    for parent in parents:
        folder = parent / f"numba-{source_hash()}-{_checkout()}"
        try:
            parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            refused.append(f"{parent} ({error.strerror or error})")
            continue
        fault = others_can_fill(parent, folder)
        if not fault and os.access(folder, os.W_OK):
            return folder
        refused.append(f"{parent} ({fault or 'not writable'})")
    if named:
        raise OSError(
            f"no folder for the compiled engine: {', '.join(refused)}; "
            "set K24_CACHE_DIR to a folder that you may write to and others may not"
        )
    return _fresh_folder(refused)


def others_can_fill(parent: Path, folder: Path) -> str:
    """Say why another user could put files into ``folder``, or rename it in ``parent``; empty if none could.

    Systems without user ids keep temporary files apart by user anyway, and are not asked.
    """
    if not hasattr(os, "getuid"):
        return ""
    for path in (parent, folder):
        status = path.lstat() if path is folder else path.stat()
        if not stat.S_ISDIR(status.st_mode):
            return f"{path.name} is a link, not a folder"
        sticky = path is parent and status.st_mode & stat.S_ISVTX  # as /tmp: others cannot rename what is ours
        if status.st_uid not in (os.getuid(), 0) and not sticky:
            return f"{path.name} belongs to user {status.st_uid}"
        if status.st_mode & stat.S_IWOTH and not sticky:
            return f"everybody may write to {path.name}"
    return ""


def _home_cache() -> list[Path]:
    """The user's cache folder; none where the user has no home."""
    named = os.environ.get("XDG_CACHE_HOME")
    try:
        return [(Path(named) if named else Path.home() / ".cache") / "k24-harness"]
    except (RuntimeError, AttributeError):  # neither HOME nor an entry in the list of users, or no user ids at all
        return []


def _user() -> str:
    """A name for this user's temporary folder; user ids do not exist on every system."""
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")


def _checkout() -> str:
    """Eight hex digits for the place of these sources: numba's machine code serves no copy elsewhere."""
    return hashlib.sha256(str(ENGINE_FOLDER.resolve()).encode()).hexdigest()[:8]


def _fresh_folder(refused: list[str]) -> Path:
    """A folder for this process alone, removed at its end."""
    folder = Path(tempfile.mkdtemp(prefix="k24-harness-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    print(
        f"the compiled engine cannot be kept: {', '.join(refused)}; "
        "set K24_CACHE_DIR to a folder that you may write to and others may not",
        file=sys.stderr,
    )
    return folder


CACHE_FOLDER = cache_folder()


def is_compiled() -> bool:
    """Whether an earlier process left machine code of these very sources in this very place.

    numba keeps apart what lies in different folders: a second checkout compiles anew.
    """
    own = CACHE_FOLDER / _CacheLocator.get_suitable_cache_subpath(str(ENGINE_FOLDER / "step.py"))
    return bool(list(own.glob("*.nbc")))  # a list: a walk left half-way would keep folders open


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
