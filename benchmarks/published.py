"""Learning curves of this harness beside those that SMACv2's authors published on the real game.

    python -m benchmarks.published --study compare-500000-steps --out docs/results/qmix_terran_5_vs_5

writes ``<out>.csv`` (every evaluation of every run), ``<out>.md`` (a table) and ``<out>.png`` (a plot). Runs are
grouped by algorithm and rules. The published points are evaluations of 32 battles, as ours are.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from studies.store import DEFAULT_STORAGE, StudyStore

PUBLISHED = Path(__file__).parent.parent / "docs/results/published_qmix_5_vs_5.csv"
STYLES = (("-", "o"), ("--", "s"), ("-.", "^"), (":", "D"))
WINDOW = 50_000
"""env_steps over which points are averaged for table and plot: one evaluation of 32 battles scatters by ±8 points."""

# (env_steps, win rate, return) of every evaluation, by curve and run
Curves = dict[str, dict[int, list[tuple[int, float, float]]]]


def published_curves(path: Path, scenario: str) -> Curves:
    """The authors' evaluations of QMIX."""
    curves: Curves = defaultdict(lambda: defaultdict(list))
    with path.open() as file:
        for row in csv.DictReader(file):
            if row["scenario"] == scenario:
                point = (int(row["env_step"]), float(row["test_win_rate"]), float(row["test_return_mean"]))
                curves["QMIX, published (StarCraft II)"][int(row["run"])].append(point)
    return curves


def own_curves(storage: str, studies: list[str], scenario: str) -> Curves:
    """Every finished run of the studies, named by algorithm and rules.

    Raises:
        SystemExit: two runs would have the same name and seed.
    """
    curves: Curves = defaultdict(lambda: defaultdict(list))
    for name in studies:
        with StudyStore.open(storage, name) as store:
            for run in store.rows():
                if run.scenario == scenario:
                    label = f"{run.algorithm}, rules {run.config['env']['rules']}"
                    if run.seed in curves[label]:
                        raise SystemExit(
                            f"{label}, seed {run.seed} on {scenario}: two finished runs in {', '.join(studies)}, the "
                            f"second with configuration {run.config_hash} in {name}; name studies that hold one "
                            f"configuration of each algorithm and rules: --study NAME"
                        )
                    curves[label][run.seed] = [
                        (point.env_steps, point.win_rate, point.return_mean) for point in store.curve_points(run.run_id)
                    ]
    return curves


def windowed(runs: dict[int, list[tuple[int, float, float]]], column: int, last: int) -> tuple[np.ndarray, ...]:
    """Centres of the windows, mean over runs, least and greatest run, up to env_step ``last``."""
    centres, rows = [], []
    for start in range(0, last, WINDOW):
        means = [
            np.mean([point[column] for point in points if start < point[0] <= start + WINDOW])
            for points in runs.values()
            if any(start < point[0] <= start + WINDOW for point in points)
        ]
        if means:
            centres.append(start + WINDOW / 2)
            rows.append((np.mean(means), min(means), max(means)))
    return (np.array(centres), *np.array(rows).T)


def draw(path: Path, curves: Curves, scenario: str, last: int) -> None:
    """Win rate and return side by side; bands span the runs."""
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, column, name in zip(figure.subplots(1, 2), (1, 2), ("win rate", "return"), strict=True):
        for number, (label, runs) in enumerate(curves.items()):
            line, marker = STYLES[number % len(STYLES)]
            centres, mean, least, greatest = windowed(runs, column, last)
            drawn = axes.plot(centres, mean, line, marker=marker, markersize=4, label=f"{label} ({len(runs)} runs)")
            axes.fill_between(centres, least, greatest, alpha=0.15, color=drawn[0].get_color())
        axes.set(xlabel="env steps", ylabel=f"greedy {name}, mean over {WINDOW:,} env steps", title=scenario)
        axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)


def write_csv(path: Path, curves: Curves) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["curve", "run", "env_steps", "win_rate", "return_mean"])
        for label, runs in curves.items():
            for run, points in sorted(runs.items()):
                writer.writerows([label, run, step, round(win, 5), round(value, 4)] for step, win, value in points)


def write_table(path: Path, curves: Curves, last: int) -> None:
    """Mean [least – greatest run] per window."""
    windows = range(0, last, WINDOW)
    lines = ["| env steps | " + " | ".join(curves) + " |", "|---" * (len(curves) + 1) + "|"]
    cells = {label: (windowed(runs, 1, last), windowed(runs, 2, last)) for label, runs in curves.items()}
    for start in windows:
        row = [f"{start:,}–{start + WINDOW:,}"]
        for wins, returns in cells.values():
            at = np.flatnonzero(wins[0] == start + WINDOW / 2)
            text = "–"
            if len(at):
                i = at[0]
                text = f"{wins[1][i]:.2f} [{wins[2][i]:.2f}, {wins[3][i]:.2f}], return {returns[1][i]:.1f}"
            row.append(text)
        lines.append("| " + " | ".join(row) + " |")
    path.write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--storage", default=DEFAULT_STORAGE)
    parser.add_argument("--study", action="append", required=True, help="may be repeated")
    parser.add_argument("--scenario", default="terran_5_vs_5")
    parser.add_argument("--published", type=Path, default=PUBLISHED)
    parser.add_argument("--out", type=Path, required=True, help="path without ending")
    args = parser.parse_args()
    own = own_curves(args.storage, args.study, args.scenario)
    if not own:
        raise SystemExit(f"no finished run of {args.scenario} in {', '.join(args.study)}; run harness.compare first")
    last = max(point[0] for runs in own.values() for points in runs.values() for point in points)
    write_csv(args.out.with_suffix(".csv"), own)
    curves = {**published_curves(args.published, args.scenario), **own}
    draw(args.out.with_suffix(".png"), curves, args.scenario, last)
    write_table(args.out.with_suffix(".md"), curves, last)
    print(args.out.with_suffix(".md").read_text())


if __name__ == "__main__":
    main()
