"""Note on a finished run for the dashboard, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from studies.rows import RunRow

_EVENTS = 12
"""Events that a note lists; all of them are in ``k24_events``."""


def run_note(row: RunRow, events: Sequence[tuple[int, str]]) -> str:
    """The findings of a run in words, and how to get them again.

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
