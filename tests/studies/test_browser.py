"""The dashboard as a reader sees it: drawn by a browser without a window, and read off the page."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from tests.harness.report.browser import BROWSER, FLAGS, needs_browser
from tests.studies.sample import RESULT, begin, open_store
from tests.studies.test_dashboard import ask, dashboard

PATIENCE = ("--no-proxy-server", "--virtual-time-budget=8000")
"""The page is printed once its scripts have had 8 s of their own time, which passes as fast as they work."""

pytestmark = needs_browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The pages with the studies, with the study, and with its first trial, as the browser built them."""
    folder = tmp_path_factory.mktemp("browser")
    figure = Figure()
    figure.add_subplot().plot([0, 1000], [0.0, 0.5])
    figure.savefig(folder / "curve.png")
    with open_store(folder / "studies.db", study="compare-quick") as store:
        for seed, win_rate in ((1, 0.75), (2, 0.25), (3, 0.5)):
            run = begin(store, seed=seed)
            run.event(2400, "masks frozen")
            run.attach(folder / "curve.png")
            run.finish(replace(RESULT, win_rate=win_rate, sparsity_masked=1 - win_rate))
    with dashboard(folder / "studies.db") as address:
        ask(f"{address}/api/studies")
        paths = {"studies": "", "study": "/studies/1", "trial": "/studies/1/trials?numbers=0"}
        with ThreadPoolExecutor() as together:
            printed = together.map(lambda name: page(f"{address}/dashboard{paths[name]}", folder / name), paths)
            yield dict(zip(paths, printed, strict=True))


def page(address: str, profile: Path) -> str:
    """What the browser makes of a page; now and then one without a desktop never ends, so it is asked again."""
    for attempt in range(3):
        command = [str(BROWSER), *FLAGS, *PATIENCE, f"--user-data-dir={profile}{attempt}", address]
        with suppress(subprocess.TimeoutExpired):
            return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
    raise AssertionError(f"no browser printed {address}")


def words(page: str) -> str:
    """What stands on a page."""
    shown = re.sub(r"<(style|script).*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown))


def test_the_studies_are_listed(pages: dict[str, str]) -> None:
    assert "1. compare-quick Direction: MAXIMIZE, MAXIMIZE, MAXIMIZE" in words(pages["studies"])


def test_the_pareto_front_is_drawn(pages: dict[str, str]) -> None:
    assert "Pareto Front Objective X: win rate" in words(pages["study"])
    assert "Objective Y: sparsity" in words(pages["study"])
    assert "Trial 1 Objective Values = [0.25, 0.75, " in words(pages["study"])
    front = re.search(r'id="[^"]*pareto-front".*?</svg>', pages["study"], flags=re.DOTALL)
    assert front is not None
    assert len(re.findall(r'<path class="point"', front.group())) == 3


def test_a_trial_shows_its_note_and_its_plot(pages: dict[str, str]) -> None:
    shown = words(pages["trial"])
    assert "Note k24 on terran_5_vs_5, seed 1" in shown
    assert "win rate 0.750 [0.580, 0.870], 95% Wilson over battles" in shown
    assert "at 2,400 env steps: masks frozen" in shown
    assert "2:4 speed-up not measured: no CUDA device" in shown
    assert "Artifacts curve.png" in shown
    assert re.search(r'<img [^>]*alt="curve\.png" src="/artifacts/1/1/[0-9a-f-]+"', pages["trial"])
