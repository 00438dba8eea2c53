"""A trained policy as a folder: ``policy.pt``, ``settings.json``, ``result.json`` and a model card, ``README.md``."""

from __future__ import annotations

import dataclasses
import json
import shlex
import shutil
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

import algorithms.registry
from harness.cli.errors import UsageError
from harness.policies.trained import PolicyFile, read_policy_file
from harness.results.grouping import has_winners
from harness.runs.checkpoint import POLICY
from harness.runs.files import run_folder
from harness.stats.interval import format_interval
from studies.db.errors import StorageError
from studies.reader import StudyReader
from studies.rows import RunRow, key_of

SETTINGS, RESULT, CARD = "settings.json", "result.json", "README.md"
FILES = (POLICY, SETTINGS, RESULT, CARD)
LEFT_OUT = ("run_id", "trial_number", "study", "config", "details")
"""Parts of a row without a meaning outside its database, or repeated in ``settings.json``."""


def pack(run: str | Path, folder: str | Path, *, row: RunRow | None = None, name: str = "USER/NAME") -> Path:
    """Copy a trained policy into a folder, with its settings, result and model card.

    Args:
        run: folder of a run, or its ``policy.pt``.
        folder: made where missing; an earlier policy there is replaced.
        row: the run's result; ``None``: the card says that it is unknown.
        name: what the policy is called on the hub, for the card.

    Returns:
        The folder.

    Raises:
        UsageError: there is no policy, it cannot be read, or the folder cannot be written or holds other files.
    """
    policy, target = read_policy_file(Path(run)), Path(folder)
    identity: Mapping[str, Any] = policy.content["identity"]
    check_target(target, (POLICY, SETTINGS))
    if row is not None:
        row = dataclasses.replace(row, provenance=_for_the_public(row.provenance))
    try:
        target.mkdir(parents=True, exist_ok=True)
        if policy.path.resolve() != (target / POLICY).resolve():
            shutil.copyfile(policy.path, target / POLICY)
        _write_json(target / SETTINGS, identity)
        result = {} if row is None else {k: v for k, v in dataclasses.asdict(row).items() if k not in LEFT_OUT}
        _write_json(target / RESULT, result)
        head, body = model_card(policy, identity, row, name)
        text = f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n{body}"
        (target / CARD).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{target} cannot be written ({error.strerror}); name another folder") from error
    return target


def copy_pack(source: Path, target: Path) -> Path:
    """Put a pack in the place of another one; returns its folder.

    Raises:
        UsageError: the folder cannot be written, or holds files of these names that belong to no pack.
    """
    check_target(target, (POLICY,))
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            if (source / name).is_file():
                shutil.copyfile(source / name, target / name)
            else:
                (target / name).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{target} cannot be written ({error.strerror}); name another folder") from error
    return target


def check_target(folder: Path, marks: Sequence[str]) -> None:
    """Refuse a folder whose ``README.md``, for example, is somebody's own.

    Args:
        folder: where a pack is to be written.
        marks: files by which an earlier pack is known; its files may be replaced.

    Raises:
        UsageError: which file would be lost.
    """
    is_pack = all((folder / name).is_file() for name in marks)
    for name in (SETTINGS, RESULT, CARD):
        if (folder / name).exists() and not is_pack:
            raise UsageError(f"{folder / name} is not of a policy's pack and would be replaced; name another folder")


def _for_the_public(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Provenance without the address of the database, which names a user and a host."""
    command = str(provenance.get("command", "unknown"))
    try:
        words = shlex.split(command)
    except ValueError:  # quotes that do not close
        words = command.split()
    for number, (before, word) in enumerate(pairwise(["", *words])):
        if before == "--storage":
            words[number] = "URL"
        elif word.startswith("--storage=") or "://" in word:
            words[number] = "--storage=URL" if word.startswith("--storage=") else "…"
    return {**provenance, "command": shlex.join(words)}


def find_row(run: str | Path, storage: str) -> RunRow | None:
    """Return the stored result of a run by the name of its folder.

    ``None`` where the database has none, or where the folder's policy is still in training, for another database.
    """
    path = Path(run)
    folder = (path if path.is_dir() else path.parent).resolve()
    study = folder.parent.name
    try:
        with StudyReader.open_existing(storage, study) as store:
            rows = store.rows()
    except (UsageError, StorageError):
        return None
    found = next((row for row in rows if run_folder(Path(), study, key_of(row)).name == folder.name), None)
    return found if found and read_policy_file(folder).content["env_steps"] >= found.env_steps else None


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")


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
