"""``optuna-dashboard`` opens the database and shows the study with its labels."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from studies.dashboard.trials import METRIC_NAMES
from studies.db.storage_url import parse_storage_url
from tests.studies.sample import RESULT, begin, open_store, url

TRIES = 600
PAUSE = 0.2
"""Seconds between two tries; all of them together are the longest start that is waited for."""


@contextmanager
def serving(words: Sequence[str], folder: Path) -> Iterator[str]:
    """The address of a dashboard that is started in a folder with these words."""
    script = Path(sys.executable).with_name("optuna-dashboard")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(script), *words, "--host", "127.0.0.1", "--port", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=folder, **quiet) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def dashboard(path: Path) -> AbstractContextManager[str]:
    """The address of a running dashboard of a database."""
    return serving([url(path), "--artifact-dir", str(parse_storage_url(url(path)).artifact_folder)], path.parent)


def ask(address: str) -> Any:
    """The JSON at an address of the dashboard, once it answers."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    last: Exception | None = None
    for _ in range(TRIES):
        try:
            with direct.open(address, timeout=10) as answer:
                return json.load(answer)
        except OSError as error:
            last = error
            time.sleep(PAUSE)
    raise AssertionError(f"{address} did not answer within {TRIES} tries: {last}")


def test_the_dashboard_shows_the_study_and_its_trials(tmp_path: Path) -> None:
    path, plot = tmp_path / "studies.db", tmp_path / "curve.png"
    plot.write_bytes(b"\x89PNG made up")
    with open_store(path) as store:
        run = begin(store, seed=1)
        run.attach(plot)
        run.finish(RESULT)
        begin(store, seed=2).fail("loss is NaN")
    with dashboard(path) as address:
        (summary,) = ask(f"{address}/api/studies")["study_summaries"]
        assert summary["study_name"] == "compare"
        assert summary["directions"] == ["maximize"] * 3
        study = ask(f"{address}/api/studies/{summary['study_id']}?after=0")
    assert study["objective_names"] == METRIC_NAMES
    finished, failed = study["trials"]
    assert (finished["state"], failed["state"]) == ("Complete", "Fail")
    assert finished["values"] == [0.75, 0.5, 0.0]
    attributes = {item["key"]: item["value"] for item in finished["user_attrs"]}
    assert "terran_5_vs_5" in attributes["scenario"]
    assert [artifact["filename"] for artifact in finished["artifacts"]] == ["curve.png"]
