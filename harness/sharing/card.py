"""The model card: the policy, its result, its training and its use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import algorithms.registry
from harness.policies.trained import PolicyFile
from harness.results.grouping import has_winners
from harness.stats import format_interval
from studies.rows import RunRow


def model_card(
    policy: PolicyFile, identity: Mapping[str, Any], row: RunRow | None, name: str = "USER/NAME"
) -> tuple[dict[str, Any], str]:
    """Return the metadata of the card, as the Hugging Face hub reads it, and its text in Markdown.

    ``identity`` holds every setting that decided the result, ``row`` is the result where it is known, ``name`` what the
    policy is called on the hub.
    """
    head: dict[str, Any] = {
        "library_name": "k24-harness",
        "tags": ["multi-agent-reinforcement-learning", "smacv2", policy.algorithm, policy.scenario],
    }
    if row is not None and has_winners(row):
        metric = {"type": "win_rate", "name": "greedy win rate", "value": round(row.win_rate, 4)}
        place = {"type": policy.scenario, "name": f"{policy.scenario} ({_played_by(policy)})"}
        task = {"type": "reinforcement-learning", "name": "reinforcement-learning"}
        results = [{"task": task, "dataset": place, "metrics": [metric]}]
        head["model-index"] = [{"name": policy.algorithm, "results": results}]
    entry = algorithms.registry.entry(policy.algorithm)
    lines = [
        f"# {policy.algorithm} on {policy.scenario}",
        "",
        f"{policy.algorithm} ({entry.summary}), trained for {identity['train']['env_steps']:,} env steps on "
        f"`{policy.scenario}`, played by {_played_by(policy)}. Source of the method: {entry.source}.",
        "",
        "## Result",
        "",
        *(_result(row) if row else ["The result of this run is unknown."]),
        "",
        "## Use",
        "",
        "```python",
        "from harness.api import evaluate, load_policy, pull",
        "",
        f'policy = load_policy(pull("{name}"))',
        "print(evaluate(policy, battles=200))",
        "```",
        "",
        "`policy.pt` holds tensors and plain values only; reading it runs no code. `settings.json` holds every setting "
        "that decided the result, `result.json` the numbers above with code version and machine.",
    ]
    return head, "\n".join(lines) + "\n"


def _played_by(policy: PolicyFile) -> str:
    return "the built-in engine" if policy.backend == "battle" else "StarCraft II"


def _result(row: RunRow) -> list[str]:
    won = f"{format_interval(row.win_rate, row.win_low, row.win_high)}, {row.interval_kind}"
    cells = {
        "win rate": won if has_winners(row) else "cannot be won",
        "return": f"{row.return_mean:.2f}",
        "battles": f"{row.episodes:,} finished, {row.wins:,} won",
        "sparsity of the masked layers": f"{row.sparsity_masked:.1%}",
        "seed": str(row.seed),
        "commit": str(row.provenance.get("commit", "unknown")),
        "command": f"`{row.provenance.get('command', 'unknown')}`",
    }
    return ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in cells.items())]
