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
from tests.harness.report.browser import DARK, LIGHT, needs_browser, visit

STUDY = "seen"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison of two algorithms for a few steps, with its page."""
    folder = tmp_path_factory.mktemp("runs")
    own = ["--storage", f"sqlite:///{folder}/s.db", "--study", STUDY, "--out", str(folder), "--device", "cpu"]
    assert compare([*own, "--algos", "k24,qmix", "--budget", "smoke", "--env-steps", "40", "--report", "full"]) == 0
    return folder


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
    visited = visit(runs / STUDY / "report.html", tmp_path / "browser", scheme=scheme, width=width)
    seen = visited.seen
    assert visited.complaints == []
    assert seen["width"] <= max(width, 500), "some browsers open no window narrower than 500"
    assert seen["overflow"] <= 0, "nothing is wider than the window"
    assert len(seen["images"]) == 2
    assert all(width > 0 for width in seen["images"])
    light, dark = (seen["first"], seen["switched"])[:: 1 if scheme == LIGHT else -1]
    ink, pale = "rgb(28, 33, 40)", "rgb(230, 237, 243)"
    assert light == dict(paper="rgb(253, 253, 254)", ink=ink, text=ink, line="rgb(0, 104, 168)")
    assert dark == dict(paper="rgb(17, 21, 26)", ink=pale, text=pale, line="rgb(88, 182, 240)")


PLAYER = """
<script>
addEventListener("load", async () => {
  const player = document.getElementById("player"), [button, slider, time] = player.children;
  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const until = async (is) => { for (let i = 0; i < 20000 && !is(); i++) await wait(10); };
  const sum = (values) => values.reduce((a, b) => (a * 31 + b) % 1e9, 7);
  const pixels = (canvas) => {
    const { width, height } = canvas;
    const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    return copy.getImageData(0, 0, width, height).data;
  };
  const sums = () => [...document.querySelectorAll(".clips canvas")].map((canvas) => sum(pixels(canvas)));
  const seen = {};
  await until(() => "shown" in player.dataset && document.querySelector(".clips canvas"));
  seen.plays = button.textContent;
  const moveTo = async (at) => {
    slider.value = at;
    slider.dispatchEvent(new Event("input"));
    await until(() => player.dataset.shown === String(at));
    return [time.textContent, sums()];
  };
  seen.last = slider.max;
  seen.sizes = [...document.querySelectorAll(".clips canvas")].map((canvas) => [canvas.width, canvas.height]);
  seen.first = await moveTo(0);
  seen.later = await moveTo(8);
  seen.again = await moveTo(0);
  seen.paused = button.textContent;
  // The page's clock and its frames from here on, as the browser's own pass at paces that have nothing in common.
  let now = performance.now(), due = [];
  performance.now = () => now;
  globalThis.requestAnimationFrame = (frame) => due.push(frame);
  const pass = (pictures) => {
    now += pictures * 1000 / (player.dataset.perSecond * player.dataset.speed);
    for (const frame of due.splice(0)) frame();
    return [button.textContent, Number(slider.value)];
  };
  button.click();
  seen.playing = [pass(0.5), pass(3), pass(2)];
  button.click();
  seen.stopped = pass(3);
  button.click();
  seen.ended = pass(1000);
  document.body.dataset.seen = JSON.stringify(seen);
});
</script>
"""


@needs_browser
def test_one_slider_shows_one_moment_of_all_battles(runs: Path, tmp_path: Path) -> None:
    visited = visit(runs / STUDY / "report.html", tmp_path / "browser", probe=PLAYER, seconds=900)
    seen = visited.seen
    assert visited.complaints == []
    assert int(seen["last"]) > 8
    for path, size in zip(sorted((runs / STUDY / "report").glob("*.gif")), seen["sizes"], strict=True):
        with Image.open(path) as video:
            assert tuple(size) == video.size
    assert (seen["first"][0], seen["later"][0]) == ("0.0 s", "2.0 s"), "four pictures a second of the game"
    assert len(seen["first"][1]) == 2, "a canvas for each algorithm"
    assert all(a != b for a, b in zip(seen["first"][1], seen["later"][1], strict=True)), "both battles moved"
    assert seen["again"] == seen["first"]
    assert seen["paused"] == "Play", "who moves the slider stops them"
    assert seen["playing"] == [["Pause", 0], ["Pause", 3], ["Pause", 5]]
    assert seen["stopped"] == ["Play", 5]
    assert seen["ended"] == ["Play", int(seen["last"])]


@needs_browser
def test_a_browser_that_cannot_take_a_gif_apart_starts_and_stops_them(runs: Path, tmp_path: Path) -> None:
    probe = """<script>
addEventListener("load", async () => {
  await new Promise((done) => setTimeout(done, 300));
  const kinds = () => [...document.querySelectorAll(".clips img")].map((image) => image.src.slice(0, 14));
  const [button, slider] = document.getElementById("player").children;
  const seen = { first: kinds(), says: button.textContent, slider: slider.hidden };
  button.click();
  document.body.dataset.seen = JSON.stringify({ ...seen, then: kinds() });
});
</script>"""
    page = tmp_path / "old.html"
    text = (runs / STUDY / "report.html").read_text()
    page.write_text(text.replace("<body>", "<body><script>delete globalThis.ImageDecoder;</script>"))
    visited = visit(page, tmp_path / "browser", probe=probe)
    seen = visited.seen
    assert visited.complaints == []
    assert (seen["first"][0], seen["says"], seen["slider"]) == ("data:image/gif", "Stop the battles", True)
    assert seen["then"][0] == "data:image/png"


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
    visited = visit(page, tmp_path / "browser")
    assert any("broken on purpose" in line for line in visited.complaints)
    assert visited.seen["images"] == [0]
