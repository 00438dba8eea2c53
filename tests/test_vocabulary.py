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
    "TrainedRun": "LoadedPolicy",
    "read_run": "load_policy",
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
    "Workshop": "PolicyCache",
    "class Bench": "TimingContext",
}
"""Retired name -> the one in its place."""

PHRASES = (
    r"\b(?:whoever|anew|lest|to be had|nobody's|what came of|signs? of life|runs? in hand|for ever|is told|are told)\b"
    r"|\bat hand\b|\bin hand\b|\btold\b|\buntold\b|\btells? apart\b|\bstands? in for\b|\bsecond writing\b"
)
"""The old dialect, as a regular expression."""

PACKAGES = ("algorithms", "common", "envs", "harness", "studies")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


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
    found = retired(path.read_text(encoding="utf-8"))
    if path.is_relative_to(ROOT / "envs" / "sc2"):
        found = [word for word in found if word != "Request: write CompareArgs"]  # the game's protocol has one
    assert found == []


def test_retired_words_are_found() -> None:
    assert retired("class Ledger:") == ["Ledger: write RunTable"]
    assert retired("x = judge(plan)  # Whoever asks is told") == [
        "judge(: write final_evaluation",
        "Whoever",
        "is told",
    ]
    assert retired("the latest ledgers, record.meanings and a handheld") == []
