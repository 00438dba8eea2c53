"""The page as a browser shows it: light and dark, wide and narrow, with a battle of a trained policy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from harness.compare import main as compare
from harness.report.__main__ import main as report
from studies.rows import RunKey
from studies.store import StudyStore
from tests.harness.report.browser import DARK, LIGHT, Visit, find_browser, visit

BROWSER = find_browser()
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine (apt-get install chromium)")
STUDY = "seen"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison of two algorithms for a few steps, with its page."""
    folder = tmp_path_factory.mktemp("runs")
    own = ["--storage", f"sqlite:///{folder}/s.db", "--study", STUDY, "--out", str(folder), "--device", "cpu"]
    assert compare([*own, "--algos", "k24,qmix", "--budget", "smoke", "--env-steps", "40", "--report", "full"]) == 0
    return folder


def open_page(runs: Path, tmp_path: Path, *, scheme: int, width: int = 1280) -> Visit:
    assert BROWSER is not None
    return visit(BROWSER, runs / STUDY / "report.html", tmp_path / "browser", scheme=scheme, width=width)


def test_compare_leaves_the_page_and_a_battle_of_each_algorithm(runs: Path) -> None:
    text = (runs / STUDY / "report.html").read_text()
    assert "k24, seed 0: " in text
    assert "qmix, seed 0: " in text
    assert "python -m harness.compare --storage" in text
    clips = sorted((runs / STUDY / "report").glob("*.gif"))
    assert [path.name for path in clips] == [f"battle-{name}-terran_5_vs_5.gif" for name in ("k24", "qmix")]
    for path in clips:
        assert path.stat().st_size < 400_000
        with Image.open(path) as video:
            assert getattr(video, "n_frames", 1) > 5


def test_the_same_battle_for_all_and_again(runs: Path, tmp_path: Path) -> None:
    """Both algorithms meet the same enemies in the same places: the first pictures differ in the headline alone."""
    own = ["--storage", f"sqlite:///{runs}/s.db", "--study", STUDY, "--runs", str(runs)]
    assert report([*own, "--out", str(tmp_path / "again.html")]) == 0
    first = {path.name: path.read_bytes() for path in (runs / STUDY / "report").glob("*.gif")}
    again = {path.name: path.read_bytes() for path in (tmp_path / "again").glob("*.gif")}
    assert first == again
    scenes = []
    for path in (tmp_path / "again").glob("*.gif"):
        with Image.open(path) as video:
            wide, high = video.size
            scenes.append(video.convert("RGB").crop((0, high // 10, wide, high)).tobytes())
    assert scenes[0] == scenes[1]


@needs_browser
@pytest.mark.parametrize(("scheme", "width"), [(LIGHT, 1280), (DARK, 390)], ids=["light and wide", "dark and narrow"])
def test_a_browser_shows_it(runs: Path, tmp_path: Path, scheme: int, width: int) -> None:
    visited = open_page(runs, tmp_path, scheme=scheme, width=width)
    seen = visited.seen
    assert visited.complaints == []
    assert seen["width"] <= max(width, 500), "some browsers open no window narrower than 500"
    assert seen["overflow"] <= 0, "nothing is wider than the window"
    assert len(seen["images"]) == 2
    assert all(width > 0 for width in seen["images"])
    light, dark = (seen["first"], seen["switched"])[:: 1 if scheme == LIGHT else -1]
    assert light == {
        "paper": "rgb(253, 253, 254)",
        "ink": "rgb(28, 33, 40)",
        "text": "rgb(28, 33, 40)",
        "line": "rgb(0, 104, 168)",
    }
    assert dark == {
        "paper": "rgb(17, 21, 26)",
        "ink": "rgb(230, 237, 243)",
        "text": "rgb(230, 237, 243)",
        "line": "rgb(88, 182, 240)",
    }
    assert {seen["still"][0], seen["stopped"][0]} == {"data:image/gif", "data:image/png"}, "the switch stops them"


def test_an_algorithm_that_cannot_be_shown_says_why(runs: Path, tmp_path: Path) -> None:
    """Only the second seed of qmix has left its checkpoint, k24 none; kalei has not finished."""
    own = ["--storage", f"sqlite:///{runs}/s.db", "--study", STUDY]
    short = ["--budget", "smoke", "--env-steps", "40", "--report", "none", "--device", "cpu", "--out", str(tmp_path)]
    assert compare([*own, *short, "--algos", "qmix", "--seeds", "1,2"]) == 0
    with StudyStore.open(own[1], STUDY) as store:
        row = store.rows()[0]
        key = RunKey(algorithm="kalei", scenario=row.scenario, seed=0, config_hash="made-up")
        store.begin(key, config={**row.config, "algorithm": {"name": "kalei"}}, provenance=row.provenance)
    assert report([*own, "--runs", str(tmp_path), "--out", str(tmp_path / "page.html")]) == 0
    text = (tmp_path / "page.html").read_text()
    assert "qmix, seed 1: " in text
    assert re.search(r"k24: no battle: its policy\.pt is not in \S+/k24-terran_5_vs_5-seed0-\w+; name .* --runs", text)
    assert "kalei: no battle: none of its runs on terran_5_vs_5 has finished." in text
    assert "by each algorithm&#39;s first seed whose trained policy was found" in text


@needs_browser
def test_a_broken_page_is_found(tmp_path: Path) -> None:
    page = tmp_path / "broken.html"
    page.write_text(
        "<body><button id=theme></button><svg class=plot><text>t</text></svg><img src='none.png'>"
        "<script>console.error('broken on purpose')</script></body>"
    )
    assert BROWSER is not None
    visited = visit(BROWSER, page, tmp_path / "browser")
    assert any("broken on purpose" in line for line in visited.complaints)
    assert visited.seen["images"] == [0]
