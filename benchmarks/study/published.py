"""Learning curves of this harness beside those that SMACv2's authors published on the real game.

    python -m benchmarks.study.published --study compare-500000-steps --out docs/results/published/qmix_terran_5_vs_5

writes ``<out>.csv`` (every evaluation of every run), ``<out>.md`` (a table) and ``<out>.png`` (a plot). Runs are
grouped by algorithm, the settings in which a study's runs of it differ, and rules. The published points are evaluations
of 32 battles, as ours are. ``--csv FILE`` draws stored curves again instead of a study's.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from common.errors import counted
from harness.plots.curves import MEASURES, PUBLISHED
from harness.plots.style import looks
from harness.results.grouping import name_across_studies
from harness.results.published import DATA, WINDOW, Point, published_runs, windowed
from studies.db.storage_url import DEFAULT_STORAGE
from studies.reader import StudyReader

PUBLISHED_LABEL = "{method}, published (StarCraft II)"

Curves = dict[str, dict[int, list[Point]]]
"""Every evaluation, by curve and run."""


def published_curves(path: Path, scenario: str, method: str) -> Curves:
    """Return the authors' evaluations of QMIX or MAPPO."""
    runs = published_runs(scenario, path, method)
    return {PUBLISHED_LABEL.format(method=method): runs} if runs else {}


def stored_curves(path: Path) -> Curves:
    """Read what ``write_csv`` wrote."""
    curves: Curves = defaultdict(lambda: defaultdict(list))
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            point = Point(int(row["env_steps"]), float(row["win_rate"]), float(row["return_mean"]))
            curves[row["curve"]][int(row["run"])].append(point)
    return curves


def own_curves(storage: str, studies: list[str], scenario: str) -> Curves:
    """Every finished run of the studies, named by algorithm, settings where a study holds several, and rules.

    Raises:
        SystemExit: two runs would have the same name and seed.
    """
    runs, points = [], []
    for name in studies:
        with StudyReader.open_existing(storage, name) as store:
            own = [run for run in store.rows() if run.scenario == scenario]
            runs += own
            for run in own:
                found = store.curve_points(run.run_id)
                points.append([Point(each.env_steps, each.win_rate, each.return_mean) for each in found])
    names, settings = name_across_studies(runs)
    lengths = {run.env_steps for run in runs}
    curves: Curves = defaultdict(lambda: defaultdict(list))
    for run, (algorithm, _), curve in zip(runs, names, points, strict=True):
        suffix = f" ({settings[algorithm].replace('algorithm.', '')})" if algorithm in settings else ""
        length = f", {run.env_steps:,} env steps" if len(lengths) > 1 else ""
        label = f"{run.algorithm}{suffix}, rules {run.config['env']['rules']}{length}"
        if run.seed in curves[label]:
            raise SystemExit(
                f"{label}, seed {run.seed} on {scenario}: two finished runs in {', '.join(studies)}, the second with "
                f"configuration {run.config_hash}; name studies that hold each algorithm under these rules in one "
                f"configuration: --study NAME"
            )
        curves[label][run.seed] = curve
    return curves


def draw(path: Path, reference: Curves, own: Curves, scenario: str, last: int, window: int) -> None:
    """Win rate and return side by side; bands span the runs."""
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (measure, name) in zip(figure.subplots(1, 2), MEASURES.items(), strict=True):
        own_looks = looks(list(own))
        for label, runs in {**reference, **own}.items():
            look = own_looks.get(label, PUBLISHED)
            at = windowed(runs, measure, last, window)
            label = f"{label} ({counted(len(runs), 'run')})"
            style = {"color": look.colour, "linestyle": look.line, "marker": look.marker, "markersize": 4}
            axes.plot(at.at, at.estimate, label=label, **style)
            axes.fill_between(at.at, at.low, at.high, alpha=0.12, color=look.colour, linewidth=0)
        axes.set(xlabel="env steps", ylabel=f"{name}, mean over {window:,} env steps", title=scenario)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.grid(alpha=0.3)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=2, fontsize=9, frameon=False, handlelength=3)
    figure.savefig(path, dpi=110)


def write_csv(path: Path, curves: Curves) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["curve", "run", "env_steps", "win_rate", "return_mean"])
        for label, runs in curves.items():
            for run, points in sorted(runs.items()):
                writer.writerows([label, run, step, round(win, 5), round(value, 4)] for step, win, value in points)


def write_table(path: Path, curves: Curves, last: int, window: int) -> None:
    """Mean per window, beside those of the least and the greatest run where there are several."""
    lines = [f"Win rate [least and greatest run] and return of greedy battles, means over {window:,} env steps.", ""]
    lines += ["| env steps | " + " | ".join(curves) + " |", "|---" * (len(curves) + 1) + "|"]
    bands = [tuple(windowed(runs, measure, last, window) for measure in MEASURES) for runs in curves.values()]
    for start in range(0, last, window):
        row = [f"{start:,}–{start + window:,}"]
        for (wins, returns), runs in zip(bands, curves.values(), strict=True):
            cell = "–"
            for i in np.flatnonzero(wins.at == start + window / 2):
                ends = f" [{wins.low[i]:.2f}, {wins.high[i]:.2f}]" if len(runs) > 1 else ""
                cell = f"{wins.estimate[i]:.2f}{ends}, return {returns.estimate[i]:.1f}"
            row.append(cell)
        lines.append("| " + " | ".join(row) + " |")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--storage", default=DEFAULT_STORAGE)
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--study", action="append", help="may be repeated")
    given.add_argument("--csv", type=Path, help="curves that an earlier call wrote")
    parser.add_argument("--scenario", default="terran_5_vs_5")
    parser.add_argument("--published", type=Path, default=DATA)
    parser.add_argument("--method", choices=("QMIX", "MAPPO"), default="QMIX", help="whose published curve")
    parser.add_argument("--window", type=int, default=WINDOW, help="env steps over which evaluations are averaged")
    parser.add_argument("--out", type=Path, required=True, help="path without ending")
    args = parser.parse_args()
    own = stored_curves(args.csv) if args.csv else own_curves(args.storage, args.study, args.scenario)
    if not own:
        source = args.csv or ", ".join(args.study)
        raise SystemExit(f"no finished run of {args.scenario} in {source}; run harness.compare first")
    last = max(point.env_steps for runs in own.values() for points in runs.values() for point in points)
    write_csv(args.out.with_suffix(".csv"), own)
    reference = published_curves(args.published, args.scenario, args.method)
    draw(args.out.with_suffix(".png"), reference, own, args.scenario, last, args.window)
    write_table(args.out.with_suffix(".md"), {**reference, **own}, last, args.window)
    print(args.out.with_suffix(".md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
