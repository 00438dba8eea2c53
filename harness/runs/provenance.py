"""Provenance of a number: code, versions, machine, command; and the short hash that names a configuration."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness.cli.user_code import imported_code
from studies.db.storage_url import without_passwords

PACKAGES = (
    "torch",
    "numpy",
    "numba",
    "gymnasium",
    "pettingzoo",
    "optuna",
    "optuna-dashboard",
    "sqlalchemy",
    "smacv2",
    "pysc2",
)
"""Those whose version can change a result or its record; the last two only where the real game is installed."""
DECIDING = ("torch", "numpy", "numba")
"""Those that compute: another version can give other numbers from the same settings."""

HASH_LENGTH = 12
_ROOT = Path(__file__).resolve().parents[2]


def config_hash(config: Mapping[str, Any]) -> str:
    """A short name for a resolved configuration: the same settings give the same one, on every machine.

    Args:
        config: JSON-able; the order of its keys does not matter.

    Returns:
        The first 12 hexadecimal digits of the SHA-256 of its canonical JSON.

    Raises:
        ValueError: it holds something that JSON cannot express (an object, NaN, an infinity).
    """
    try:
        canonical = json.dumps(config, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"This configuration cannot be hashed ({error}): only numbers, texts, booleans, None, lists and mappings "
            f"of them are allowed; turn dataclasses into mappings with dataclasses.asdict first"
        ) from error
    return hashlib.sha256(canonical.encode()).hexdigest()[:HASH_LENGTH]


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings under dotted names, such as ``algorithm.lr``."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        name = f"{prefix}{key}"
        found |= flat(value, f"{name}.") if isinstance(value, Mapping) and value else {name: value}
    return found


def collect(device: str) -> dict[str, Any]:
    """Return what a run stores about its origin, JSON-able. The host's name and paths under the home folder stay out.

    Args:
        device: torch's name of it, for example ``cpu`` or ``cuda:0``.
    """
    commit, dirty = _code_in_memory()
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": typed_command(sys.orig_argv),
        "commit": commit,
        "dirty": dirty,
        "python": platform.python_version(),
        "packages": _versions(),
        "imports": imported_code(),
        "platform": platform.platform(),
        "cpu": cpu_model(),
        "cores": usable_cores(),
        "threads": _threads(),
        "device": device,
        "device_name": _device_name(device),
    }


def describe_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Describe what changed in code, packages and threads between two records of ``collect``; empty where nothing did.

    For example ``at commit 5ad1f00c2e (now 81c7e3b9a0), with torch 2.11.0 (now 2.13.0), on 1 thread (now 2)``.
    """
    message = []
    if _code(before) != _code(now):
        message.append(f"at commit {_code(before)} (now {_code(now)})")
    for package in DECIDING:
        old, new = (record.get("packages", {}).get(package, "unknown") for record in (before, now))
        if old != new:
            message.append(f"with {package} {old} (now {new})")
    earlier, present = (record.get("imports", {}) for record in (before, now))
    changed = [name for name in earlier if name in present and earlier[name] != present[name]]
    message += [f"with an earlier {name}" for name in changed]
    old, new = (record.get("threads") for record in (before, now))
    if None not in (old, new) and old != new:
        message.append(f"on {old} thread{'s' * (old != 1)} (now {new})")  # sums are split, and so rounded, differently
    return ", ".join(message)


def _code(record: Mapping[str, Any]) -> str:
    commit = str(record.get("commit", "unknown"))[:10]
    return f"{commit} with local changes" if record.get("dirty") else commit


def typed_command(arguments: Sequence[str]) -> str:
    """Return the command as typed: interpreter without its folder, home folder as ``~``, passwords as ``***``."""
    program, *rest = arguments
    typed = without_passwords(shlex.join([Path(program).name, *rest]))
    try:
        home = str(Path.home())
    except RuntimeError:  # a user without a name and without HOME
        return typed
    return typed.replace(home, "~") if len(home) > 1 else typed


SOURCES = ("common", "envs", "algorithms", "studies", "harness", "pyproject.toml", "constraints.txt")
"""What decides a result in a checkout; a video beside it, or a script of one's own, is no change."""


@functools.cache
def _code_in_memory() -> tuple[str, bool | None]:
    """Return the checkout as this process met it: what is edited or committed during a comparison runs in the next."""
    return _commit(_ROOT)


def _commit(root: Path) -> tuple[str, bool | None]:
    """(commit, whether files differ from it), or ("unknown", None) where ``root`` is no git checkout of its own."""
    top = _git(root, "rev-parse", "--show-toplevel")
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain", "--", *SOURCES)
    if top is None or Path(top).resolve() != root or commit is None or changes is None:
        return "unknown", None  # an installed copy inside someone else's checkout must not borrow that commit
    return commit, bool(changes)


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def usable_cores() -> int:
    """Cores that this process may run on, which a container or a scheduler can make fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _threads() -> int:
    import torch  # most that ask for a provenance have it already; the others need not wait for it

    return int(torch.get_num_threads())


def _device_name(device: str) -> str:
    if not device.startswith("cuda"):
        return cpu_model()
    import torch  # only a run on such a device needs it here

    return str(torch.cuda.get_device_name(device))
