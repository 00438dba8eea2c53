"""Words that were retired from the code do not come back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

NAMES = {
    "Request": "CompareArgs",
    "Question": "TuneArgs",
    "Wanted": "ReportArgs",
    "job_of": "RunPlan.to_json",
    "plan_of": "RunPlan.from_json",
    "Findings": "ComparisonReport",
    "meanings(": "label_legend",
    "group_study": "group_runs_by_config",
    "stored_study": "StudyReader.open_existing",
    "TrainedRun": "PolicyFile",
    "LoadedPolicy": "PolicyFile",
    "read_run": "read_policy_file",
    "untrained": "scripted_policy",
    "replacing(": "atomic_write",
    "Pulse": "HeartbeatThread",
    "Ledger": "RunTable",
    "Place(": "StorageUrl",
    "read_storage": "parse_storage_url",
    "translated": "wrap_db_errors",
    "end_abandoned": "interrupt_orphans",
    "def say": "log",
    "judge(": "final_evaluation",
    "judged(": "evaluation_fields",
    "finalize_unsettled": "finalize_unreported",
    "film_replay": "write_replay_video",
    "footage": "recording",
    "Workshop": "PolicyCache",
    "class Bench": "TimingContext",
}
"""Retired name -> the one in its place."""

PHRASES = (
    r"\b(?:whoever|anew|lest|to be had|nobody's|what came of|signs? of life|runs? in hand|for ever|is told|are told)\b"
    r"|\bat hand\b|\bin hand\b|(?<![a-z])told(?![a-z])|\buntold\b"
    r"|\btells? apart\b|\bstands? in for\b|\bsecond writing\b"
)
"""The old dialect, as a regular expression."""

PACKAGES = ("algorithms", "benchmarks", "common", "envs", "examples", "harness", "studies", "tests")
LISTS = (Path(__file__), ROOT / "tests" / "docs" / "test_words.py")
"""They name the retired words."""
FILES = [
    *sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if path not in LISTS),
    ROOT / "pyproject.toml",
]
ALLOWED = {
    "envs/sc2": "Request: write CompareArgs",
    "tests/sc2": "Request: write CompareArgs",
    "benchmarks/fidelity": "judge(: write final_evaluation",
}
"""Folder -> a name that means something else there: the game's Request, a benchmark's own mode."""


def retired(text: str) -> list[str]:
    """Return the retired names and phrases of a text, each with what to write in its place."""
    names = [
        f"{old}: write {new}"
        for old, new in NAMES.items()
        if re.search(rf"(?<![\w.]){re.escape(old)}" + ("" if old.endswith("(") else r"\b"), text)
    ]
    return names + re.findall(PHRASES, text, re.IGNORECASE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_retired_word(path: Path) -> None:
    allowed = [name for folder, name in ALLOWED.items() if path.is_relative_to(ROOT / folder)]
    assert [word for word in retired(path.read_text(encoding="utf-8")) if word not in allowed] == []


def test_retired_words_are_found() -> None:
    assert retired("class Ledger:") == ["Ledger: write RunTable"]
    assert retired("x = judge(plan)  # Whoever asks is told") == [
        "judge(: write final_evaluation",
        "Whoever",
        "is told",
    ]
    assert retired("def _told(row): ...") == ["told"]
    assert retired("test_mistakes_are_told") == ["told"]
    assert retired("the latest ledgers, record.meanings, a handheld and attack_untold") == []
