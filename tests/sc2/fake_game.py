"""A folder that looks like the game's, and the fake package, for tests that need neither game nor smacv2."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest

FAKE = Path(__file__).parent / "fake"


def game_tree(folder: Path, build: int = 75689, maps: tuple[str, ...] = ("32x32_flat", "3m")) -> Path:
    """The files that an installation is recognised by."""
    program = folder / "Versions" / f"Base{build}" / "SC2_x64"
    program.parent.mkdir(parents=True)
    program.write_text("")
    program.chmod(0o755)
    for name in maps:
        file = folder / "Maps" / "SMAC_Maps" / f"{name}.SC2Map"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    return folder


def use_fake(
    patch: pytest.MonkeyPatch, folder: Path, *faults: str, once: bool = False, maps: tuple[str, ...] = ("3m",)
) -> None:
    """From now on workers import the fake package; ``faults`` as its file describes them."""
    patch.setenv("SC2PATH", str(game_tree(folder / "game", maps=("32x32_flat", *maps))))
    patch.setenv("SMACV2_SOURCE", str(FAKE))
    patch.setenv("FAKE_SC2", " ".join(faults))
    if once:
        patch.setenv("FAKE_SC2_ONCE", str(folder / "happened"))


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked for counts as ended."""
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def wait_for_end(pid: int, seconds: float = 60.0) -> bool:
    """Whether a process ends within this time."""
    until = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not is_running(pid)


def children(pid: int) -> list[int]:
    """Processes started by another that still run."""
    return [child.pid for child in psutil.Process(pid).children() if is_running(child.pid)]


def clean_environment() -> dict[str, str]:
    """For a program that is to use the fake as well."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
