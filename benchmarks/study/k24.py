"""Make, resume and report the runs of the study of K24: one command a stage, or all.

    OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 python -m benchmarks.study.k24 choose
    OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 python -m benchmarks.study.k24 judge
    python -m benchmarks.study.k24 choose --report-only
    python -m benchmarks.study.k24 all --list

Each run is one of ``harness.compare``, made in this process one after the other: a finished one is not repeated, a
killed one resumes from its checkpoint. After every run the stage's files are written: ``OUT/k24_STAGE.csv`` (a row a
run), ``…_masks.csv`` (how the search for masks went, ten points a run), ``….png`` (how arms learn, what they win) and
``….md`` (means with their intervals, paired differences, what is missing). Rows of runs that another database holds
stay. The protocol, with what each stage is for, is docs/results/k24_protocol.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.study.figure import draw_stage
from benchmarks.study.files import Place, finished_run, points_of, read_points, read_runs, write_points, write_runs
from benchmarks.study.stages import STAGES, Arm, Stage
from benchmarks.study.table import describe
from harness import compare
from harness.cli.common import INTERRUPTED, WRONG_USE, listed
from harness.flags.compare import read_flags
from harness.flags.planning import plan_runs
from studies.reader import StudyReader
from studies.rows import RunRow, UnfinishedRun, key_of

STUDY = "k24-study"
STORAGE = "sqlite:///runs/k24_study.db"
OUT = Path("docs/results")
ALL = "all"
WORDS = "\n## What it says\n"
"""Begins the part of a stage's page that a person writes."""


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """One run of a stage: which arm it belongs to, and what ``harness.compare`` is asked."""

    arm: Arm
    scenario: str
    seed: int
    argv: tuple[str, ...]

    @property
    def place(self) -> Place:
        """Which run of the stage it is."""
        return self.arm.label, self.scenario, self.seed


def runs_of(stage: Stage, storage: str) -> Iterator[PlannedRun]:
    """Seed by seed and race by race, so that a stage that is cut short still compares all its arms."""
    for seed in stage.seeds:
        for scenario in stage.scenarios:
            for arm in stage.arms:
                settings = [word for each in arm.settings for word in ("--set", f"{arm.algorithm}.{each}")]
                length = ["--seeds", f"{seed},", "--budget", stage.budget, "--env-steps", str(stage.env_steps)]
                where = ["--study", STUDY, "--storage", storage, "--report", "none", "--throughput", "none"]
                argv = ("--algos", arm.algorithm, "--scenarios", scenario, *length, *where, *settings)
                yield PlannedRun(arm=arm, scenario=scenario, seed=seed, argv=argv)


def narrowed(
    stages: Sequence[Stage], arms: Sequence[str], scenarios: Sequence[str], seeds: Sequence[str]
) -> list[Stage]:
    """Return the stages with these arms, scenarios and seeds alone; an empty list keeps all.

    Raises:
        SystemExit: none of the stages has such an arm, scenario or seed.
    """
    names = ", ".join(stage.name for stage in stages)
    keep_arms = chosen(f"arm in {names}", arms, [arm.label for stage in stages for arm in stage.arms])
    keep_places = chosen(f"scenario in {names}", scenarios, [each for stage in stages for each in stage.scenarios])
    keep_seeds = chosen(f"seed in {names}", seeds, [str(seed) for stage in stages for seed in stage.seeds])
    return [
        dataclasses.replace(
            stage,
            arms=tuple(arm for arm in stage.arms if arm.label in keep_arms),
            scenarios=tuple(each for each in stage.scenarios if each in keep_places),
            seeds=tuple(seed for seed in stage.seeds if str(seed) in keep_seeds),
        )
        for stage in stages
    ]


def chosen(what: str, only: Sequence[str], there: Sequence[str]) -> set[str]:
    """Those of ``there`` that ``only`` names, all where it is empty.

    Raises:
        SystemExit: a name is unknown.
    """
    unknown = [name for name in only if name not in there]
    if unknown:
        raise SystemExit(f"no {what}: {', '.join(unknown)}; there are: {'; '.join(dict.fromkeys(there))}")
    return set(only or there)


def runs_file(stage: Stage, out: Path) -> Path:
    """Where the rows of a stage's runs are."""
    return out / f"k24_{stage.name}.csv"


def update_files(stage: Stage, storage: str, out: Path) -> None:
    """Add what the study holds now, found by the hash of all settings, to the stage's files of runs and points."""
    out.mkdir(parents=True, exist_ok=True)
    runs, points = read_runs(runs_file(stage, out)), read_points(points_file(stage, out))
    planned = list(runs_of(stage, storage))
    with StudyReader.open(storage, STUDY) as reader:
        held: list[RunRow | UnfinishedRun] = [*reader.rows(), *reader.unfinished()]
        by_key = {key_of(run): run for run in held}
        for run in planned:
            row = by_key.get(plan_runs(read_flags(run.argv))[0][0].key)
            if isinstance(row, RunRow):
                runs[run.place] = finished_run(run.arm.label, " ".join(run.arm.settings), row)
            elif row is None or run.place in runs:
                continue  # not begun, or finished in another sitting
            state = "finished" if isinstance(row, RunRow) else "unfinished"
            points[run.place] = points_of(run.place, state, reader.curve_points(row.run_id))
    order = [run.place for run in planned]
    if runs:
        write_runs(runs_file(stage, out), [runs[place] for place in order if place in runs])
    write_points(points_file(stage, out), [points[place] for place in order if place in points])


def points_file(stage: Stage, out: Path) -> Path:
    """Where the points of a stage's runs are."""
    return out / f"k24_{stage.name}_masks.csv"


def report(stage: Stage, out: Path) -> None:
    """Write the stage's picture and table from its files, and print the table; words below it stay."""
    places = {run.place for run in runs_of(stage, STORAGE)}
    runs = {place: run for place, run in read_runs(runs_file(stage, out)).items() if place in places}
    if runs:
        draw_stage(out / f"k24_{stage.name}.png", stage, runs, read_points(points_file(stage, out)))
    page, table = out / f"k24_{stage.name}.md", describe(stage, runs)
    written = page.read_text(encoding="utf-8") if page.exists() else ""
    _, heading, words = written.partition(WORDS)
    page.write_text(table + heading + words, encoding="utf-8")
    print(table)


def make(runs: Sequence[PlannedRun], stage: Stage, storage: str, out: Path) -> int:
    """Make what is missing of these runs of a stage, and its files after each; returns the greatest exit code."""
    worst = 0
    for run in runs:
        code = compare.main(run.argv)
        if code == WRONG_USE:
            return code
        update_files(stage, storage, out)
        report(stage, out)
        if code == INTERRUPTED:
            return code
        worst = max(worst, code)
    return worst


def main(argv: Sequence[str] | None = None) -> int:
    """Make what is missing of some stages; returns 0 when all runs that were asked for are finished."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="+", choices=[*STAGES, ALL], help=f"which stages, in this order; {ALL}: all")
    parser.add_argument("--arms", default="", metavar="'A;B'", help="only these of the stage's arms (default: all)")
    parser.add_argument("--scenarios", default="", metavar="A,B", help="only these of its scenarios (default: all)")
    parser.add_argument("--seeds", default="", metavar="A,B", help="only these of its seeds (default: all)")
    parser.add_argument(
        "--report-only", action="store_true", help="make no run; table and picture again from the files"
    )
    parser.add_argument("--list", action="store_true", help="print the command of each run and stop")
    parser.add_argument("--storage", default=STORAGE, help="database (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the files (default: %(default)s)")
    args = parser.parse_args(argv)
    arms = [label.strip() for label in args.arms.split(";") if label.strip()]
    stages = list(STAGES.values()) if ALL in args.stages else [STAGES[name] for name in args.stages]
    codes = [0]
    for stage, part in zip(stages, narrowed(stages, arms, listed(args.scenarios), listed(args.seeds)), strict=True):
        runs = list(runs_of(part, args.storage))
        if args.list:
            for run in runs:
                print(shlex.join(["python", "-m", "harness.compare", *run.argv]))
        elif args.report_only:
            report(stage, args.out)
        else:
            codes.append(make(runs, stage, args.storage, args.out))
        if codes[-1] == INTERRUPTED:
            break
    return max(codes)


if __name__ == "__main__":
    raise SystemExit(main())
