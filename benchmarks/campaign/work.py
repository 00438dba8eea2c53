"""Shared by the phases: small comparisons in processes of their own, and checks of them afterwards."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from studies.store import StudyStore

ROOT = Path(__file__).parents[2]
LONGEST = 240.0
"""Seconds after which a command counts as hanging."""
SMALL = ("--algos", "vdn", "--scenarios", "3m", "--budget", "smoke", "--env-steps", "96", "--device", "cpu")
QUIET = ("--report", "none", "--throughput", "none")
STUDY = "campaign"


@dataclass
class Campaign:
    """One phase: where it works, how long, and what it found."""

    folder: Path
    seed: int
    until: float
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self._number = 0

    @property
    def goes_on(self) -> bool:
        """Whether there is time for another round; the first is always made."""
        return not self.counts or time.monotonic() < self.until

    def new_folder(self) -> Path:
        """A folder for one round."""
        self._number += 1
        path = self.folder / str(self._number)
        path.mkdir()
        return path

    def fault(self, what: str) -> None:
        """Note something that must not be."""
        self.faults.append(what)

    def check_output(self, log: Path, what: str) -> None:
        """A user is shown words, never a traceback."""
        text = log.read_text(encoding="utf-8", errors="replace")
        if "Traceback (most recent call last)" in text:
            self.fault(f"{what}: a traceback: …{text[-600:]}")


def compare(folder: Path, *more: str, storage: str | None = None) -> list[str]:
    """Return the command of a small comparison that keeps all it writes in a folder."""
    where = ["--storage", storage or f"sqlite:///{folder}/s.db", "--out", str(folder / "runs"), "--study", STUDY]
    return ["harness.compare", *SMALL, *QUIET, *where, *more]


def start(
    command: Sequence[str], log: Path, *, kill_at: int | None = None, largest_file: int | None = None
) -> subprocess.Popen[bytes]:
    """Start ``python -m`` on a command in a session of its own.

    Args:
        command: module and flags.
        log: takes what it says.
        kill_at: kill it by SIGKILL just before its so-manieth COMMIT.
        largest_file: bytes beyond which it may write no file, as on a full disk.
    """
    program = [sys.executable, "-m", *command]
    if kill_at is not None or largest_file is not None:
        limits = [str(kill_at or 0), str(largest_file or 0)]
        program = [sys.executable, "-m", "benchmarks.campaign.child", *limits, *command]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    with log.open("ab") as out:
        return subprocess.Popen(
            program, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )


def compile_first(folder: Path) -> None:
    """Run the small comparison once, however long compiling takes, so that no phase takes that for a hang."""
    start(compare(folder), folder / "log.txt").wait()


def finish(campaign: Campaign, process: subprocess.Popen[bytes], what: str) -> int:
    """Wait for a process; one that hangs is a fault."""
    try:
        return process.wait(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        campaign.fault(f"{what}: hangs")
        process.kill()
        return process.wait()


def run(campaign: Campaign, command: Sequence[str], log: Path, what: str) -> int:
    """Run a command to its end and look at what it said."""
    code = finish(campaign, start(command, log), what)
    campaign.check_output(log, what)
    return code


def results(storage: str) -> list[tuple[str, int, float, float, int]]:
    """Return the results of the study's finished runs, to be compared bit by bit."""
    with StudyStore.open(storage, STUDY) as store:
        rows = store.rows()
        return sorted((row.algorithm, row.seed, row.win_rate, row.return_mean, row.episodes) for row in rows)


def undisturbed(campaign: Campaign, *more: str) -> list[tuple[str, int, float, float, int]]:
    """The results of the comparison that nobody disturbs."""
    folder = campaign.new_folder()
    code = run(campaign, compare(folder, *more), folder / "log.txt", "undisturbed")
    if code:
        campaign.fault(f"undisturbed: exit code {code}")
    return results(f"sqlite:///{folder}/s.db")


def check_whole(
    campaign: Campaign, folder: Path, expected: Sequence[object], what: str, *more: str, storage: str | None = None
) -> None:
    """Run the same command to its end; then everything is there once, bit for bit."""
    code = run(campaign, compare(folder, *more, storage=storage), folder / "log.txt", what)
    if code:
        campaign.fault(f"{what}: the same command ended with exit code {code}")
    found = results(storage or f"sqlite:///{folder}/s.db")
    if found != expected:
        campaign.fault(f"{what}: {found} instead of {expected}")
