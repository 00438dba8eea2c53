"""Made-up runs for the tests of ``studies``."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial

import tests.no_waiting  # noqa: F401
from studies.queue.owner import UNKNOWN, Owner, _starts
from studies.rows import CurvePoint, EpisodeOutcome, RunKey, RunResult, RunRow, TurnReading
from studies.run import RunRecord
from studies.store import StudyStore
from tests.limits import ordinary_user

MODES = pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o555, 0o444), (0o555, 0o666), (0o777, 0o444)])
"""Of ``protected``: a file, a folder or both that may not be written."""
MACHINE = "AMD EPYC, 1 thread"
KEY = RunKey(algorithm="k24", scenario="terran_5_vs_5", seed=1, config_hash="0123456789ab")
CONFIG = {"algorithm": {"div_coef": 0.1, "temperature_init": 5.0}, "env_steps": 3000}
PROVENANCE = {"commit": "abc", "command": "python -m harness.compare --algos k24", "device": "cpu"}
RESULT = RunResult(
    win_rate=0.75,
    win_low=0.58,
    win_high=0.87,
    interval_kind="95% Wilson over battles",
    return_mean=14.5,
    sparsity_masked=0.5,
    sparsity_model=0.31,
    throughput=120_000.0,
    throughput_batch=640,
    throughput_dtype="float32",
    speedup_24=None,
    speedup_24_reason="no CUDA device",
    env_steps=3000,
    env_steps_per_second=410.0,
    wall_seconds=7.3,
    device="cpu",
    episodes=32,
    wins=24,
    details={"per_layer": {"fc1": [0.5, 0.5]}},
)
WON = EpisodeOutcome(
    slot=0, battle_id=3, won=True, lost=False, truncated=False, aborted=False, episode_return=18.0, length=41
)
OUTCOMES = [WON, replace(WON, slot=1, battle_id=2, won=False, truncated=True, episode_return=6.5, length=200)]


def process_as_owner(pid: int) -> Owner:
    """A process of this machine as one that works on runs, in the format of ``Owner.myself``."""
    me = Owner.myself()
    place = me.started.rpartition("/")[0]
    since_1970, since_boot = _starts(pid)
    return replace(me, pid=pid, started=f"{place}/{since_1970 if place == UNKNOWN else since_boot:.2f}")


def url(path: Path) -> str:
    """The storage URL of a file."""
    return f"sqlite:///{path}"


def optuna_url(path: Path) -> str:
    """The same for Optuna, which fills in what stands in braces."""
    return url(path).replace("{", "{{").replace("}", "}}")


@contextmanager
def protected(path: Path, folder_mode: int, file_mode: int) -> Iterator[Path]:
    """A copy of a file that an ordinary user may not write, and such a user at work."""
    with tempfile.TemporaryDirectory() as made:  # pytest's own folders are closed to other users
        copy = Path(made) / "studies.db"
        copy.write_bytes(path.read_bytes())
        copy.chmod(file_mode)
        copy.parent.chmod(folder_mode)
        try:
            with ordinary_user():
                yield copy
        finally:
            copy.parent.chmod(0o700)


def open_store(path: Path, **options: Any) -> StudyStore:
    """Open the default study in a file."""
    return StudyStore.open(url(path), **options)


def begin(store: StudyStore, seed: int = 1) -> RunRecord:
    """Begin the sample run with this seed."""
    return store.begin(replace(KEY, seed=seed), config=CONFIG, provenance=PROVENANCE)


def curve_point(env_steps: int, win_rate: float = 0.5, **changed: Any) -> CurvePoint:
    rest = dict(return_mean=0.0, episodes=8, loss=None, epsilon=0.1, wall_seconds=1.0)
    return CurvePoint(env_steps=env_steps, win_rate=win_rate, **{**rest, **changed})


def turn_reading(machine: str = MACHINE, low: float = 1200.0, high: float = 1300.0, quiet: bool = True) -> TurnReading:
    """Decisions/s of a run, measured in turn with others."""
    rates = dict(decisions_per_second=1234.5, low=low, high=high, rounds=15, batch=5120, dtype="float32", device="cpu")
    return TurnReading(session="s", measured=1.0, **rates, machine=machine, load=0.1 if quiet else 1.5, quiet=quiet)


def evaluate(
    run: RunRecord,
    env_steps: int,
    win_rate: float = 0.25,
    *,
    loss: float = 0.1,
    extra: Mapping[str, float] | None = None,
) -> None:
    """Store a curve point."""
    run.curve(curve_point(env_steps, win_rate, return_mean=20 * win_rate, loss=loss, extra=dict(extra or {})))


def finish_runs(path: Path, *seeds: int) -> RunRow:
    """Finish the sample run, or those with these seeds, each with a curve and battles; return the last one's row."""
    with open_store(path) as store:
        for seed in seeds or (KEY.seed,):
            run = begin(store, seed)
            evaluate(run, 1000)
            run.event(500, "masks frozen")
            run.outcomes(OUTCOMES)
            row = run.finish(RESULT)
    return row


def trials(path: Path, study: str = "compare") -> list[FrozenTrial]:
    """The trials as Optuna itself reads them from the file."""
    storage = optuna.storages.RDBStorage(optuna_url(path))
    try:
        return optuna.load_study(study_name=study, storage=storage).trials
    finally:
        storage.remove_session()
        storage.engine.dispose()


def states(path: Path) -> list[str]:
    """State of each trial, in order of number."""
    return [trial.state.name for trial in trials(path)]


def query(path: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run one statement on the file, past all of our own code."""
    with closing(sqlite3.connect(path)) as file, file:
        return file.execute(sql, values).fetchall()
