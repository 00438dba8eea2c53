"""Make, resume and report the runs of the study of K24: one command a stage.

    OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 python -m benchmarks.study.k24 choose
    OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 python -m benchmarks.study.k24 judge
    python -m benchmarks.study.k24 choose --report-only

Each run is one of ``harness.compare``, made in this process one after the other: a finished one is not repeated, a
killed one resumes from its checkpoint. After every run the stage's files are written: ``OUT/k24_STAGE.csv`` (a row a
run), ``…_masks.csv`` (how the search for masks went, ten points a run), ``….png`` (how arms learn, what they win) and
``….md`` (means with their intervals, paired differences, what is missing). The protocol, with what each stage is for,
is docs/results/k24_protocol.md.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.study.figure import draw_stage
from benchmarks.study.stages import STAGES, Arm, Stage
from harness import compare
from harness.flags.compare import read_flags
from harness.flags.planning import plan_runs
from harness.results.aggregates import AlgorithmRow, summarize_groups
from harness.results.comparisons import PairwiseComparison, pairwise_comparisons
from studies.db.errors import StorageError
from studies.reader import StudyReader
from studies.rows import RunRow, UnfinishedRun

STUDY = "k24-study"
STORAGE = "sqlite:///runs/k24_study.db"
OUT = Path("docs/results")
POINTS = 10
"""Evaluations of each run that the file of masks keeps, evenly spread."""
INTERRUPTED = 130


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """One run of a stage: which arm it belongs to, and what ``harness.compare`` is asked."""

    arm: Arm
    scenario: str
    seed: int
    argv: tuple[str, ...]


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


def chosen_stage(name: str, only: Sequence[str], storage: str) -> Stage:
    """The stage with the arms that are asked for; of ``races``, the best three candidates of ``choose``.

    Raises:
        SystemExit: an arm is unknown, or ``choose`` has not finished and no arms are given.
    """
    stage = STAGES[name]
    if name == "races" and not only:
        only = best_candidates(storage)
    unknown = [label for label in only if label not in [arm.label for arm in stage.arms]]
    if unknown:
        raise SystemExit(f"no arm {', '.join(unknown)} in {name}; there are: {'; '.join(a.label for a in stage.arms)}")
    arms = tuple(arm for arm in stage.arms if not only or arm.label in only)
    labels = {arm.label for arm in arms}
    return dataclasses.replace(stage, arms=arms, pairs=tuple(pair for pair in stage.pairs if labels >= set(pair)))


def best_candidates(storage: str, count: int = 3) -> list[str]:
    """Labels of the candidates with the highest mean win rate in ``choose``.

    Raises:
        SystemExit: a run of ``choose`` is missing, or the whole study is.
    """
    stage = STAGES["choose"]
    try:
        found = finished(stage, storage)
    except StorageError as error:
        raise SystemExit(f"races takes the best candidates of choose: {error}") from error
    missing = [run for run in runs_of(stage, storage) if run.arm.candidate and run not in found]
    if missing:
        raise SystemExit(f"choose lacks {len(missing)} runs of candidates; make them first, or name arms: --arms 'A;B'")
    candidates = {arm.label for arm in stage.arms if arm.candidate}
    means = {
        row.algorithm: row.win_rate for row in summarize_groups(grouped(stage, found)) if row.algorithm in candidates
    }
    return sorted(means, key=lambda label: -means[label])[:count]


def stored(stage: Stage, storage: str) -> dict[PlannedRun, RunRow | UnfinishedRun]:
    """The stage's runs that the study holds, finished or not, found by the hash of all their settings."""
    with StudyReader.open(storage, STUDY) as reader:
        held: list[RunRow | UnfinishedRun] = [*reader.rows(), *reader.unfinished()]
    by_key = {(each.algorithm, each.scenario, each.seed, each.config_hash): each for each in held}
    found = {}
    for run in runs_of(stage, storage):
        key = plan_runs(read_flags(run.argv))[0][0].key
        each = by_key.get((key.algorithm, key.scenario, key.seed, key.config_hash))
        if each is not None:
            found[run] = each
    return found


def finished(stage: Stage, storage: str) -> dict[PlannedRun, RunRow]:
    """Return the runs that have a result."""
    return {run: row for run, row in stored(stage, storage).items() if isinstance(row, RunRow)}


def grouped(stage: Stage, found: dict[PlannedRun, RunRow]) -> dict[tuple[str, str], list[RunRow]]:
    """(label, scenario) -> finished runs by seed."""
    groups = {(arm.label, scenario): [] for scenario in stage.scenarios for arm in stage.arms}
    for run, row in found.items():
        groups[run.arm.label, run.scenario].append(row)
    return {place: rows for place, rows in groups.items() if rows}


def write(stage: Stage, storage: str, out: Path, command: str) -> None:
    """All files of the stage, from what the study holds now."""
    held = stored(stage, storage)
    found = {run: row for run, row in held.items() if isinstance(row, RunRow)}
    out.mkdir(parents=True, exist_ok=True)
    if found:
        write_runs(out / f"k24_{stage.name}.csv", found)
    with StudyReader.open(storage, STUDY) as reader:
        if found:
            write_figure(out / f"k24_{stage.name}.png", stage, found, reader)
        write_masks(out / f"k24_{stage.name}_masks.csv", held, reader)
        commits = sorted({commit_of(row) for row in held.values()})
        table = describe(stage, found, reader, f"made by `{command}` at commit {', '.join(commits)}")
    (out / f"k24_{stage.name}.md").write_text(table, encoding="utf-8")
    print(table)


def write_runs(path: Path, found: dict[PlannedRun, RunRow]) -> None:
    """A row a run."""
    header = ("arm", "settings", "scenario", "seed", "env_steps", "win_rate", "low", "high", "wins", "battles")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*header, "return_mean", "sparsity_masked", "flops_kept", "resumes", "commit"])
        for run, row in found.items():
            flops = row.details.get("flops") or {"kept": 1, "dense": 1}
            numbers = (row.win_rate, row.win_low, row.win_high)
            last = (row.return_mean, row.sparsity_masked, flops["kept"] / flops["dense"])
            where = (run.arm.label, " ".join(run.arm.settings), run.scenario, run.seed, row.env_steps)
            wins = (row.wins, row.episodes)
            tail = (row.details.get("resumes", 0), commit_of(row))
            writer.writerow([*where, *(f"{x:.4f}" for x in numbers), *wins, *(f"{x:.4f}" for x in last), *tail])


def write_figure(path: Path, stage: Stage, found: dict[PlannedRun, RunRow], reader: StudyReader) -> None:
    """How each arm learns and what it wins."""
    groups = grouped(stage, found)
    curves = {place: [reader.curve_points(row.run_id) for row in rows] for place, rows in groups.items()}
    seeds = ", ".join(map(str, sorted({run.seed for run in found})))
    title = f"K24, stage {stage.name}: {stage.env_steps:,} env steps, seeds {seeds}"
    draw_stage(path, summarize_groups(groups), curves, title=title)


def write_masks(path: Path, held: dict[PlannedRun, RunRow | UnfinishedRun], reader: StudyReader) -> None:
    """Means over layers of each run's diagnostics at some evaluations, of unfinished runs as far as they have come."""
    points = {run: reader.curve_points(row.run_id) for run, row in held.items()}
    names = sorted({name for each in points.values() for point in each for name in point.extra if "/" not in name})
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["arm", "scenario", "seed", "state", "env_steps", "win_rate", *names])
        for run, each in points.items():
            state = "finished" if isinstance(held[run], RunRow) else "unfinished"
            for point in each[:: -max(1, len(each) // POINTS)][::-1]:
                values = (f"{point.extra[name]:.5g}" if name in point.extra else "" for name in names)
                where = (run.arm.label, run.scenario, run.seed, state, point.env_steps, point.win_rate)
                writer.writerow([*where, *values])


def describe(stage: Stage, found: dict[PlannedRun, RunRow], reader: StudyReader, origin: str) -> str:
    """The stage's table: means, every seed, paired differences, and what is missing."""
    groups = grouped(stage, found)
    wanted = len(stage.arms) * len(stage.scenarios) * len(stage.seeds)
    state = "complete" if len(found) == wanted else f"INCOMPLETE: {len(found)} of {wanted} runs"
    lines = [
        f"# K24, stage {stage.name}: {state}",
        "",
        f"{stage.env_steps:,} env steps a run; {origin}.",
    ]
    if groups:
        lines += ["", "| arm | scenario | win rate | over | each seed |", "|---|---|---|---|---|"]
    for row in summarize_groups(groups):
        each = ", ".join(f"{run.seed}: {run.win_rate:.3f}" for run in groups[row.algorithm, row.scenario])
        lines.append(f"| {row.algorithm} | {row.scenario} | {interval_of(row)} | {row.interval_kind} | {each} |")
    compared, left_out = pairwise_comparisons(groups, reader.outcomes)
    rows = [row for pair in stage.pairs for each in compared if (row := difference_row(pair, each))]
    if rows:
        lines += [
            "",
            "| difference | scenario | win rate | seeds (counts over scenarios) | over |",
            "|---|---|---|---|---|",
            *rows,
        ]
    lines += [f"- {line}" for line in left_out]
    return "\n".join(lines) + "\n"


def difference_row(pair: tuple[str, str], found: PairwiseComparison) -> str:
    """The comparison as a row, turned round where the pair is; empty where it is of another pair."""
    sign = {(found.algorithm, found.baseline): 1, (found.baseline, found.algorithm): -1}.get(pair)
    if sign is None:
        return ""
    low, high = sorted((sign * found.low, sign * found.high))
    size = f"{sign * found.difference:+.3f} [{low:+.3f}, {high:+.3f}]"
    return f"| {pair[0]} − {pair[1]} | {found.scenario} | {size} | {', '.join(map(str, found.seeds))} | {found.kind} |"


def interval_of(row: AlgorithmRow) -> str:
    return f"{row.win_rate:.3f} [{row.win_low:.3f}, {row.win_high:.3f}]"


def commit_of(row: RunRow | UnfinishedRun) -> str:
    code = str(row.provenance.get("commit", "unknown"))[:7]
    return f"{code} with local changes" if row.provenance.get("dirty") else code


def main(argv: Sequence[str] | None = None) -> int:
    """Make what is missing of one stage; returns 0 when all its runs are finished."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=list(STAGES))
    parser.add_argument("--arms", default="", metavar="'A;B'", help="only these arms (default: all)")
    parser.add_argument("--seeds", default="", metavar="A,B", help="only these of the stage's seeds (default: all)")
    parser.add_argument("--report-only", action="store_true", help="make no run, write the files")
    parser.add_argument("--list", action="store_true", help="print the command of each run and stop")
    parser.add_argument("--storage", default=STORAGE, help="database (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the files (default: %(default)s)")
    args = parser.parse_args(argv)
    only = [label.strip() for label in args.arms.split(";") if label.strip()]
    stage = chosen_stage(args.stage, only, args.storage)
    command = f"python -m benchmarks.study.k24 {args.stage}" + (f" --arms '{args.arms}'" if args.arms else "")
    seeds = [int(seed) for seed in args.seeds.split(",") if seed.strip()]
    codes = []
    for run in runs_of(stage, args.storage):
        if args.list:
            print(shlex.join(["python", "-m", "harness.compare", *run.argv]))
        elif not args.report_only and (not seeds or run.seed in seeds):
            codes.append(compare.main(run.argv))
            if codes[-1] == INTERRUPTED:
                return INTERRUPTED
            write(stage, args.storage, args.out, command)
    if args.report_only:
        write(stage, args.storage, args.out, command)
    return max(codes, default=0)


if __name__ == "__main__":
    raise SystemExit(main())
