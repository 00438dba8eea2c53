"""Compiled functions whose machine code is kept on disk, and the folder that keeps it.

numba's own cache notices an edit in the file of a function but not in the files of the functions it calls. So the
folder is named after a hash of every source file of a package: an edit anywhere means a fresh folder.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from common.ownership import other_writers


class MachineCode:
    """The compiled functions of one package.

    Args:
        sources: folder of the package's Python files.
        name: of what is compiled, for messages.
        last: how the names of what is compiled last begin, ``module.function``; each stands for one use of the package,
            and one of them is enough.
    """

    def __init__(self, sources: Path, name: str, last: Sequence[str] = ("",)) -> None:
        self.sources, self.name, self.last = sources, name, last
        self._announced = False

    def source_hash(self) -> str:
        """Sixteen hex digits over names and contents of all Python files below ``sources`` and the numba version."""
        import numba

        digest = hashlib.sha256(numba.__version__.encode())
        for path in sorted(self.sources.rglob("*.py")):
            digest.update(path.relative_to(self.sources).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()[:16]

    @cached_property
    def folder(self) -> Path:
        """The folder for the machine code of these sources, made if it is not there.

        ``$K24_CACHE_DIR`` if it is set, else the user's cache, else a folder below the system's temporary one. numba
        runs what it finds in its cache, so a folder counts only if nobody else could have filled it.

        Raises:
            OSError: no folder of these can be used; the message says how to name another.
        """
        named = os.environ.get("K24_CACHE_DIR")
        parents = [Path(named)] if named else [*_home_cache(), Path(tempfile.gettempdir()) / f"k24-harness-{_user()}"]
        place = hashlib.sha256(str(self.sources.resolve()).encode()).hexdigest()[:8]  # machine code serves no copy
        refused = []
        for parent in parents:
            folder = parent / f"numba-{self.source_hash()}-{place}"
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
        advice = "set K24_CACHE_DIR to a folder that you may write to and others may not (chmod go-w FOLDER)"
        if named:
            raise OSError(f"no folder for {self.name}: {', '.join(refused)}; {advice}")
        print(f"{self.name} cannot be kept: {', '.join(refused)}; {advice}", file=sys.stderr)
        fresh = Path(tempfile.mkdtemp(prefix="k24-harness-"))
        atexit.register(shutil.rmtree, fresh, ignore_errors=True)
        return fresh

    def is_compiled(self) -> bool:
        """Return whether an earlier process compiled these sources in this place, and came to the end of it."""
        found = [path.name for path in self.folder.rglob("*.nbc")]  # a list: an unfinished walk keeps folders open
        return any(name.startswith(tuple(self.last)) for name in found)

    def announce_compiling(self, what: str, how_long: str) -> None:
        """Say once in a process why the first use begins late, if it does."""
        if not self._announced and not self.is_compiled():
            print(f"compiling {what}, once for this version: {how_long} …", file=sys.stderr, flush=True)
        self._announced = True

    def kernel(
        self,
        function: Callable[..., Any] | None = None,
        *,
        parallel: bool = False,
        reassociate: bool = False,
        inline: bool = False,
    ) -> Any:
        """Compile without the interpreter, cached on disk.

        Args:
            function: to compile; left out, a decorator is returned.
            parallel: run ``prange`` loops on several threads.
            reassociate: let sums be taken in another order, so that loops over them use vectors; results then differ
                between processors in the last digits.
            inline: make it part of each caller's machine code, where the compiler alone would call it.
        """
        import numba

        def compile_(target: Callable[..., Any]) -> Any:
            # numba reads the folder when a function is decorated; other users of numba in this process keep theirs
            settings: Any = numba.config
            before, settings.CACHE_DIR = settings.CACHE_DIR, str(self.folder)
            fast = {"reassoc", "nsz", "contract"} if reassociate else False
            try:
                options: dict[str, Any] = dict(parallel=parallel, fastmath=fast, forceinline=inline)
                return numba.njit(cache=True, nogil=True, error_model="numpy", **options)(target)
            finally:
                settings.CACHE_DIR = before

        return compile_ if function is None else compile_(function)


def others_can_fill(parent: Path, folder: Path) -> str:
    """Say why another user could put files into ``folder``, or rename it in ``parent``; empty if none could.

    Systems without user ids keep temporary files apart by user anyway, and are not asked.
    """
    for path in (parent, folder):
        status = path.lstat() if path is folder else path.stat()
        if not stat.S_ISDIR(status.st_mode):
            return f"{path.name} is a link, not a folder"
        sticky = path is parent and status.st_mode & stat.S_ISVTX  # as /tmp: only its owner can rename what is ours
        others = other_writers(status)
        if others and not (sticky and status.st_uid in (os.geteuid(), 0)):
            return f"{path.name} may be written to by {others}"
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
