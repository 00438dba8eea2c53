"""What the dashboard shows of a trial: its three values, its attributes, and a note with the findings in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from studies.rows import RunKey, RunResult, RunRow

_EVENTS = 12
"""Events that a note lists; all of them are in ``k24_events``."""


def start_labels(key: RunKey, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of a trial from its start on, each short enough for a column; its note has the command."""
    return {
        "algorithm": key.algorithm,
        "scenario": key.scenario,
        "seed": key.seed,
        "config_hash": key.config_hash,
        "commit": str(provenance.get("commit", "unknown"))[:10],
    }


def result_labels(result: RunResult) -> dict[str, Any]:
    """Attributes that join at the end; Optuna's values must be numbers, so a missing speed-up can only stand here."""
    flops = result.details.get("flops")  # of one agent's decision, where they were counted
    work = {f"FLOPs of a decision, {part}": flops[part] for part in ("dense", "kept")} if flops else {}
    return {
        "win rate interval": f"[{result.win_low:.3f}, {result.win_high:.3f}] {result.interval_kind}",
        "return mean": result.return_mean,
        "sparsity of the whole model": result.sparsity_model,
        "2:4 speed-up": result.speedup_24,
        "2:4 speed-up reason": result.speedup_24_reason,
        "env steps": result.env_steps,
        "env steps per second": result.env_steps_per_second,
        "wall seconds": result.wall_seconds,
        **work,
    }


def objective_values(result: RunResult, *, with_throughput: bool = False) -> list[float]:
    """Return the three values of a trial, in the order of its metric names.

    The third is the share of FLOPs that masks save, which is exact. Decisions/s depend on what else the machine does;
    studies of earlier versions have them, and go on with them: ``with_throughput``.
    """
    flops = result.details.get("flops") or {}
    saved = 1.0 - flops["kept"] / flops["dense"] if flops.get("dense") else 0.0
    third = result.throughput if with_throughput else saved
    return [float(value) for value in (result.win_rate, result.sparsity_masked, third)]


def run_note(row: RunRow, events: Sequence[tuple[int, str]]) -> str:
    """Return the note on a finished run, as Markdown: its findings, and how to get them again.

    Args:
        row: the finished run.
        events: (env_steps, line) of its training.
    """
    speedup = f"{row.speedup_24:.2f} ×" if row.speedup_24 is not None else f"not measured: {row.speedup_24_reason}"
    rows = {
        "win rate": f"{row.win_rate:.3f} [{row.win_low:.3f}, {row.win_high:.3f}], {row.interval_kind}",
        "battles": f"{row.wins} won of {row.episodes} finished, {row.aborted} aborted",
        "return": f"{row.return_mean:.2f}",
        "sparsity": f"{row.sparsity_masked:.1%} of the prunable layers, {row.sparsity_model:.1%} of the whole model",
        "2:4 speed-up": speedup,
        "training": f"{row.env_steps:,} env steps at {row.env_steps_per_second:,.0f}/s, {row.wall_seconds:,.0f} s",
        "made by": f"commit {str(row.provenance.get('commit', 'unknown'))[:12]}",
    }
    lines = [f"### {row.algorithm} on {row.scenario}, seed {row.seed}", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in rows.items()]
    if events:
        lines += ["", "What happened in training:", ""]
        lines += [f"- at {env_steps:,} env steps: {line}" for env_steps, line in events[:_EVENTS]]
        if len(events) > _EVENTS:
            lines.append(f"- and {len(events) - _EVENTS} more")
    return "\n".join([*lines, "", "```", str(row.provenance.get("command", "unknown")), "```", ""])
