"""Mask use of finished runs, as tables on the terminal and as CSV files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from pathlib import Path
from typing import Any

from rich.console import Console

from algorithms.sparsity.tracker import PATTERNS
from harness.cli.console import log, print_table, table_of
from harness.results.tables import write_csv
from studies.rows import CurvePoint, RunRow

BY_LAYER = {
    "pattern_churn": "patterns changed since the evaluation before",
    "pattern_overlap": "places where two groups choose alike",
    "pattern_entropy": "evenness of pattern use",
    "mask_sparsity": "share of weights dropped",
    "mask_overlap": "weights that two groups mask alike",
}
"""Diagnostics by layer over training, where a run has them, in words."""
TRAINING_FIELDS = ("algorithm", "scenario", "seed", "config_hash", "env_steps", "measure", "value")


def show(console: Console, run: RunRow) -> None:
    """The tables of one run: masks by layer and group, and work by layer."""
    masks = run.details["masks"]
    two_of_four = any(layer["pattern_use"] for layer in masks["layers"].values())
    log(console, f"{label(run)}: zeros, use of the patterns, places masked alike")
    heads = ("layer", "group", "sparsity", *(PATTERNS if two_of_four else ()), "agrees with others")
    table = table_of(heads, words=("layer", "group"))
    for name, layer in masks["layers"].items():
        for k, group in enumerate(names_of(masks["groups"], layer["sparsity"])):
            use = layer["pattern_use"]  # None of a layer that is not masked
            shares = [f"{share:.1%}" for share in use[k]] if use else ["–"] * len(PATTERNS) if two_of_four else []
            others = [share for other, share in enumerate(layer["agreement"][k]) if other != k]
            agrees = f"{sum(others) / len(others):.1%}" if others else "–"
            table.add_row(name if k == 0 else "", group, f"{layer['sparsity'][k]:.1%}", *shares, agrees)
    print_table(console, table, keys=2)
    if run.details.get("flops"):
        log(console, f"FLOPs of one decision, dense and kept: {work(run.details['flops'])}")


def work(flops: dict[str, Any]) -> str:
    """Each layer's share and the total in words."""
    parts = [
        f"{name} {each['dense']:,} → {each['kept']:,.0f} ({each['kept'] / each['dense']:.0%})"
        for name, each in [*flops["layers"].items(), ("total", flops)]
    ]
    return "; ".join(parts)


def write_mask_files(folder: Path, runs: Sequence[RunRow], curves: Sequence[Sequence[CurvePoint]]) -> list[Path]:
    """``patterns.csv``: a line for each run, layer and group; ``training.csv``: one for each number over training."""
    use, training = folder / "patterns.csv", folder / "training.csv"
    write_csv(use, [line for run in runs for line in _mask_lines(run)])
    traces = [line for run, points in zip(runs, curves, strict=True) for line in _traces(run, points)]
    write_csv(training, traces, TRAINING_FIELDS)
    return [use, training]


def label(run: RunRow) -> str:
    """Return the name of a run."""
    return f"{run.algorithm} {run.scenario} seed {run.seed} ({run.env_steps:,} env steps, config {run.config_hash})"


def names_of(groups: Sequence[str], rows: Sized) -> Sequence[str]:
    """Return the names of a layer's mask groups, one for each row; a layer with one mask for all has a single one."""
    return groups if len(rows) == len(groups) else ["all"]


def _key(run: RunRow) -> dict[str, Any]:
    return {name: getattr(run, name) for name in ("algorithm", "scenario", "seed", "config_hash")}


def _mask_lines(run: RunRow) -> Iterator[dict[str, Any]]:
    flops = run.details.get("flops", {}).get("layers", {})
    for name, layer in run.details["masks"]["layers"].items():
        for k, group in enumerate(names_of(run.details["masks"]["groups"], layer["sparsity"])):
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
            if measure.partition("/")[0] in (*BY_LAYER, "pattern_use"):
                yield {**_key(run), "env_steps": point.env_steps, "measure": measure, "value": value}
