"""The study's files: a row a run and ten points a run, kept over sittings, so that tables need no database.

``k24_STAGE.csv`` and ``k24_STAGE_masks.csv`` are read before they are written: what a database does not hold, because
another machine made it, stays as it stands.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from harness.runs.files import atomic_write
from studies.rows import CurvePoint, RunRow, UnfinishedRun

POINTS = 10
"""Evaluations of each run that the file of points keeps, evenly spread."""


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """One run's row."""

    arm: str
    settings: str
    scenario: str
    seed: int
    env_steps: int
    win_rate: float
    low: float
    """Wilson over the battles"""
    high: float
    wins: int
    battles: int
    return_mean: float
    sparsity_masked: float
    flops_kept: float
    resumes: int
    commit: str

    @property
    def place(self) -> Place:
        """Which run of the stage it is."""
        return self.arm, self.scenario, self.seed


Place = tuple[str, str, int]
"""(arm, scenario, seed)"""
Point = dict[str, str]
"""A row of the file of points: arm, scenario, seed, state, env_steps, win_rate, return_mean, and diagnostics."""
POINT_HEADER = ("arm", "scenario", "seed", "state", "env_steps", "win_rate", "return_mean")


def commit_of(row: RunRow | UnfinishedRun) -> str:
    """Return the commit that made a run, and whether its code was changed."""
    code = str(row.provenance.get("commit", "unknown"))[:7]
    return f"{code} with local changes" if row.provenance.get("dirty") else code


def finished_run(arm: str, settings: str, row: RunRow) -> FinishedRun:
    """Return the row of a run."""
    flops = row.details.get("flops") or {"kept": 1, "dense": 1}
    return FinishedRun(
        arm=arm,
        settings=settings,
        scenario=row.scenario,
        seed=row.seed,
        env_steps=row.env_steps,
        win_rate=row.win_rate,
        low=row.win_low,
        high=row.win_high,
        wins=row.wins,
        battles=row.episodes,
        return_mean=row.return_mean,
        sparsity_masked=row.sparsity_masked,
        flops_kept=flops["kept"] / flops["dense"],
        resumes=int(row.details.get("resumes", 0)),
        commit=commit_of(row),
    )


def read_runs(path: Path) -> dict[Place, FinishedRun]:
    """Read what ``write_runs`` wrote; nothing where there is no such file."""
    types = {"int": int, "float": float, "str": str}
    runs = [
        FinishedRun(**{each.name: types[str(each.type)](row[each.name]) for each in fields(FinishedRun)})
        for row in _read(path)
    ]
    return {run.place: run for run in runs}


def write_runs(path: Path, runs: Iterable[FinishedRun]) -> None:
    """Write a row a run; shares with four digits."""
    rows = [{k: f"{v:.4f}" if isinstance(v, float) else v for k, v in asdict(run).items()} for run in runs]
    _write(path, [each.name for each in fields(FinishedRun)], rows)


def points_of(place: Place, state: str, curve: Sequence[CurvePoint]) -> list[Point]:
    """Return ten evaluations of a run, the last one among them, with the means over layers of its diagnostics."""
    arm, scenario, seed = place
    where = {"arm": arm, "scenario": scenario, "seed": str(seed), "state": state}
    kept = curve[:: -max(1, len(curve) // POINTS)][::-1]
    return [
        where
        | {
            "env_steps": str(point.env_steps),
            "win_rate": str(point.win_rate),
            "return_mean": f"{point.return_mean:.4f}",
        }
        | {name: f"{value:.5g}" for name, value in point.extra.items() if "/" not in name}
        for point in kept
    ]


def read_points(path: Path) -> dict[Place, list[Point]]:
    """Read what ``write_points`` wrote; nothing where there is no such file."""
    runs: dict[Place, list[Point]] = {}
    for row in _read(path):
        runs.setdefault((row["arm"], row["scenario"], int(row["seed"])), []).append({k: v for k, v in row.items() if v})
    return runs


def write_points(path: Path, runs: Iterable[Sequence[Point]]) -> None:
    """Write all points; a diagnostic that a run lacks stays empty."""
    rows = [point for points in runs for point in points]
    extra = sorted({name for row in rows for name in row} - set(POINT_HEADER))
    _write(path, [*POINT_HEADER, *extra], rows)


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, header: Sequence[str], rows: Iterable[dict[str, object]] | Iterable[Point]) -> None:
    with atomic_write(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(rows)
