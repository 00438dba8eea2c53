"""Every text file is read and written as UTF-8, whatever the system's locale."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
OTHERS = ("Image", "av", "cls", "os", "webbrowser", "zipfile")
"""Modules whose ``open`` is of something else."""
FOLDERS = ("common", "envs", "algorithms", "studies", "harness", "benchmarks", "docs")


def without_encoding(text: str) -> Iterator[int]:
    """Lines of calls that open a text file in the locale's encoding."""
    for call in ast.walk(ast.parse(text)):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        owner = getattr(getattr(call.func, "value", None), "id", "")
        if name not in ("open", "read_text", "write_text") or owner in OTHERS:
            continue
        if owner[:1].isupper() and name == "open":
            continue  # a class of ours, such as StudyStore
        words = [word.value for word in call.args if isinstance(word, ast.Constant) and isinstance(word.value, str)]
        mode = [word for word in words if set(word) <= set("rwaxbt+") and word]
        named = "utf-8" in words or any(word.arg in ("encoding", None) for word in call.keywords)
        if not named and not any("b" in word for word in mode):
            yield call.lineno


def test_every_text_file_names_its_encoding() -> None:
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    texts = {path.relative_to(ROOT): path.read_text(encoding="utf-8") for path in files}
    assert len(files) > 100
    assert [f"{path}:{line}" for path, text in texts.items() for line in without_encoding(text)] == []


def test_the_check_finds_what_it_looks_for() -> None:
    bad = 'path.write_text("x")\nopen("a")\nopen("a", "w")\npath.open("w")\npath.read_text()\n'
    good = 'path.write_text("x", encoding="utf-8")\nopen("a", "rb")\npath.open("rb")\nStudyStore.open("a")\n'
    assert list(without_encoding(bad)) == [1, 2, 3, 4, 5]
    assert list(without_encoding(good)) == []
