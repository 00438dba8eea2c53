"""The notebook in ``examples/`` runs from top to bottom, and is stored without outputs."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "first_steps.ipynb"
EXECUTE = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""
MISSING = [name for name in ("nbclient", "ipykernel", "pandas") if importlib.util.find_spec(name) is None]


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return found


def text_of(cell: dict[str, Any]) -> str:
    """All that a cell printed or showed as text."""
    parts: list[str] = []
    for output in cell["outputs"]:
        shown = output.get("text") or output.get("data", {}).get("text/plain", "")
        parts += [shown] if isinstance(shown, str) else shown
    return "".join(parts)


def test_no_outputs_are_stored() -> None:
    for cell in cells(NOTEBOOK):
        assert (cell.get("outputs", []), cell.get("execution_count")) == ([], None)


@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}; pip install -e '.[dev]'")
def test_it_runs_from_top_to_bottom(tmp_path: Path) -> None:
    executed = tmp_path / "executed.ipynb"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path / "ipython")}
    command = [sys.executable, "-c", EXECUTE, str(NOTEBOOK), str(executed)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    ran = [cell for cell in cells(executed) if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in ran)
    shown = "\n".join(map(text_of, ran))
    assert "nearest on terran_5_vs_5: win rate 0." in shown
    assert re.search(r"masked layers (49|50)\.\d%", shown)
    assert "4 of 4 runs finished" in shown
    assert "TrainedPolicy(k24 on terran_5_vs_5, 800 env steps)" in shown
    assert any("image/png" in output.get("data", {}) for cell in ran for output in cell["outputs"])


def test_the_page_shows_every_cell() -> None:
    page = (ROOT / "docs" / "first_steps.md").read_text(encoding="utf-8")
    shown = [line for cell in cells(NOTEBOOK) for line in "".join(cell["source"]).splitlines()]
    missing = [line for line in shown if line not in page.splitlines()]
    assert missing == [], "type: python docs/first_steps.py"
