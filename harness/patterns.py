"""How the masks of finished runs are used: tables, CSV and pictures from what the study keeps of them.

    python -m harness.patterns --study compare-quick

For K24 and its controls: how often each of the six 2:4 patterns is chosen, per layer and unit type, how alike types
are, and how patterns moved in training. For Kalei: sparsity per layer and type. For all: multiplications kept.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from algorithms.sparsity.tracker import PATTERNS
from harness.cli.common import (
    ALL_DONE,
    command,
    listed,
    log,
    make_console,
    make_folder,
    writing_results,
)
from harness.cli.errors import UsageError, unknown_name
from harness.cli.study_args import patterns_parser
from harness.plots.mask_files import TRACES, plot_masks, plot_training
from harness.runs.files import file_name, study_folder
from studies.db.storage_url import without_passwords
from studies.reader import StudyReader
from studies.rows import CurvePoint, RunRow

CSV_FIELDS = (
    *("algorithm", "scenario", "seed", "config_hash", "layer", "group", "sparsity"),
    *(f"pattern_{pattern}" for pattern in PATTERNS),
    *("flops_dense", "flops_kept"),
)
TRAINING_FIELDS = ("algorithm", "scenario", "seed", "config_hash", "env_steps", "measure", "value")


@command("files that were finished are kept")
def main(argv: Sequence[str]) -> int:
    """Show and write; returns the exit code: 0, or 2 for a mistake in the command."""
    console = make_console()
    flags = patterns_parser().parse_args(argv)
    with StudyReader.open_existing(flags.storage, flags.study) as store:
        runs = choose(store.rows(), flags.study, listed(flags.algos), listed(flags.scenarios))
        curves = [store.curve_points(run.run_id) for run in runs]
    folder = study_folder(Path(flags.out), flags.study) / "patterns"
    make_folder(folder)
    pairs = list(zip(runs, curves, strict=True))
    with writing_results(folder, without_passwords(flags.storage)):
        written = write_csv(folder, runs, curves)
        for run, points in track(pairs, "pictures", console=console, transient=True, disable=not console.is_terminal):
            show(console, run)
            written += draw(folder, run, points)
    log(console, f"written: {', '.join(map(str, written))}")
    return ALL_DONE


def choose(rows: Sequence[RunRow], study: str, algos: Sequence[str], scenarios: Sequence[str]) -> list[RunRow]:
    """The runs that have masks to show.

    Args:
        rows: finished runs of the study.
        study: its name.
        algos: those asked for; none: all.
        scenarios: likewise.

    Raises:
        UsageError: none is left, and why.
    """
    for kind, asked, known in (
        ("algorithm", algos, {run.algorithm for run in rows}),
        ("scenario", scenarios, {run.scenario for run in rows}),
    ):
        for name in asked:
            if name not in known:
                raise unknown_name(f"{kind} of study {study}", name, sorted(known))
    asked_for = [
        run for run in rows if (not algos or run.algorithm in algos) and (not scenarios or run.scenario in scenarios)
    ]
    masked = [run for run in asked_for if "masks" in run.details and run.sparsity_masked > 0]
    if not masked:
        message = ", ".join(sorted({run.algorithm for run in asked_for})) or "no run at all"
        raise UsageError(
            f"study {study} holds no finished run with masks (finished: {message}; runs of earlier versions kept no "
            f"record of them); make one: python -m harness.compare --algos k24,kalei --study {study}-masks"
        )
    return masked


def show(console: Console, run: RunRow) -> None:
    """The tables of one run: masks by layer and group, and work by layer."""
    masks = run.details["masks"]
    two_of_four = any(layer["pattern_use"] for layer in masks["layers"].values())
    log(console, f"{label(run)}: zeros, use of the patterns, places masked alike")
    table = Table(box=SIMPLE_HEAD, padding=(0, 1))
    heads = ("layer", "group", "sparsity", *(PATTERNS if two_of_four else ()), "agrees with others")
    for head in heads:
        table.add_column(head, justify="left" if head in ("layer", "group") else "right")
    for name, layer in masks["layers"].items():
        groups = group_names(run, layer)
        for k, group in enumerate(groups):
            shares = [f"{share:.1%}" for share in layer["pattern_use"][k]] if two_of_four else []
            others = [share for other, share in enumerate(layer["agreement"][k]) if other != k]
            agrees = f"{sum(others) / len(others):.1%}" if others else "–"
            table.add_row(name if k == 0 else "", group, f"{layer['sparsity'][k]:.1%}", *shares, agrees)
    console.print(table)
    if run.details.get("flops"):
        log(console, f"FLOPs of one decision, dense and kept: {work(run.details['flops'])}")


def work(flops: dict[str, Any]) -> str:
    """Each layer's share and the total in words."""
    parts = [
        f"{name} {each['dense']:,} → {each['kept']:,.0f} ({each['kept'] / each['dense']:.0%})"
        for name, each in [*flops["layers"].items(), ("total", flops)]
    ]
    return "; ".join(parts)


def draw(folder: Path, run: RunRow, points: Sequence[CurvePoint]) -> list[Path]:
    """The pictures of one run; returns their paths."""
    stem = f"{run.algorithm}-{file_name(run.scenario)}-seed{run.seed}-{run.config_hash}"
    use, training = folder / f"{stem}-masks.png", folder / f"{stem}-training.png"
    plot_masks(use, run.details["masks"], title=label(run))
    drawn = plot_training(training, points, list(run.details["masks"]["layers"]), title=f"{label(run)}, over training")
    return [use, training] if drawn else [use]


def write_csv(folder: Path, runs: Sequence[RunRow], curves: Sequence[Sequence[CurvePoint]]) -> list[Path]:
    """``patterns.csv``: a line for each run, layer and group; ``training.csv``: one for each number over training."""
    written = []
    for name, fields, lines in (
        ("patterns.csv", CSV_FIELDS, (line for run in runs for line in _mask_lines(run))),
        ("training.csv", TRAINING_FIELDS, (line for pair in zip(runs, curves, strict=True) for line in _traces(*pair))),
    ):
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fields)
            writer.writeheader()
            writer.writerows(lines)
        written.append(folder / name)
    return written


def label(run: RunRow) -> str:
    """How a run is called."""
    return f"{run.algorithm} {run.scenario} seed {run.seed} ({run.env_steps:,} env steps, config {run.config_hash})"


def group_names(run: RunRow, layer: dict[str, Any]) -> list[str]:
    """Names of the layer's mask groups; a layer with one mask for all has a single one."""
    groups = list(run.details["masks"]["groups"])
    return groups if len(layer["sparsity"]) == len(groups) else ["all"]


def _key(run: RunRow) -> dict[str, Any]:
    return {name: getattr(run, name) for name in ("algorithm", "scenario", "seed", "config_hash")}


def _mask_lines(run: RunRow) -> Iterator[dict[str, Any]]:
    flops = run.details.get("flops", {}).get("layers", {})
    for name, layer in run.details["masks"]["layers"].items():
        for k, group in enumerate(group_names(run, layer)):
            use = layer["pattern_use"][k] if layer["pattern_use"] else [""] * len(PATTERNS)
            cost = flops.get(name, {"dense": "", "kept": ""})
            yield {
                **_key(run),
                "layer": name,
                "group": group,
                "sparsity": layer["sparsity"][k],
                **{f"pattern_{pattern}": share for pattern, share in zip(PATTERNS, use, strict=True)},
                "flops_dense": cost["dense"],
                "flops_kept": cost["kept"],
            }


def _traces(run: RunRow, points: Sequence[CurvePoint]) -> Iterator[dict[str, Any]]:
    for point in points:
        for measure, value in point.extra.items():
            if measure.partition("/")[0] in (*TRACES, "pattern_use"):
                yield {**_key(run), "env_steps": point.env_steps, "measure": measure, "value": value}


if __name__ == "__main__":
    sys.exit(main())
