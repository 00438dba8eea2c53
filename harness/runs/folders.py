"""Where the files of a run and of a study lie."""

from __future__ import annotations

from pathlib import Path

from studies.rows import RunKey


def run_folder(out: Path, study: str, key: RunKey) -> Path:
    """Where a run keeps its checkpoint: one folder for each identity, so that settings never share one."""
    return out / study / f"{key.algorithm}-{file_name(key.scenario)}-seed{key.seed}-{key.config_hash}"


def file_name(scenario: str) -> str:
    """A scenario's name as part of a file's; worlds from elsewhere have a slash in theirs."""
    return scenario.replace("/", "_")
