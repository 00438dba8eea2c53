"""The page of a study: what stands in it, that it needs nothing beside it, and that what it quotes is escaped."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.report.__main__ import main
from harness.report.references import _played
from tests.harness.conftest import Printed
from tests.harness.report.conftest import Page, ReportCommand
from tests.harness.report.made_up import SCENARIO, STUDY, begin, finish, flags_of, make_study, open_study
from tests.studies.sample import RESULT

SECTIONS = ("result", "curves", "trade-offs", "profiles", "throughput", "masks", "battles", "runs", "provenance")


class Outline(HTMLParser):
    """What a page consists of; a tag that is closed and was not opened, or the other way round, is a fault."""

    VOID = ("meta", "link", "img", "br", "input", "use", "path")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID and (not self.open or self.open.pop() != tag):
            self.faults.append(tag)

    def attributes(self, name: str) -> list[str]:
        return [value for _, found in self.tags if (value := found.get(name)) is not None]


SAID = (
    *("k24 − qmix = +0.100 [", "6 of 6 runs finished", "40 a run", "QMIX, published"),
    "python -m harness.compare --algos k24",  # the command behind the runs
    *("marine uses 1100 most, 50%", "No finished run has a checkpoint in"),
    "win rate by seed: ",  # below the table
    *("94 (3 seeds)", "call one better in 14 of 100"),  # in the method
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of three algorithms, with its page."""
    folder = tmp_path_factory.mktemp("whole")
    make_study(folder)
    assert main(flags_of(folder)) == 0
    return folder


@pytest.fixture
def text(folder: Path) -> str:
    """The page."""
    return (folder / "runs" / STUDY / "report.html").read_text()


def test_a_whole_study(folder: Path, text: str) -> None:
    outline = Outline(text)
    assert (outline.faults, outline.open) == ([], [])
    ids = outline.attributes("id")
    assert len(ids) == len(set(ids)), "ids of several plots must not collide"
    assert set(SECTIONS) <= set(ids)
    assert {f"#{id}" for id in SECTIONS} <= set(outline.attributes("href"))
    plots = {"win-rates", "curve-terran_5_vs_5", "return-terran_5_vs_5", "profiles", "masks-0-terran_5_vs_5"}
    files = {path.name for path in (folder / "runs" / STUDY / "report").iterdir()}
    assert {f"{name}.{kind}" for name in plots for kind in ("png", "svg")} <= files
    for words in SAID:
        assert words in text


def test_it_needs_nothing_beside_it(folder: Path, text: str) -> None:
    outline = Outline(text)
    assert outline.attributes("src") == []
    assert not [tag for tag, _ in outline.tags if tag in ("link", "iframe", "object", "embed")]
    outside = [href for href in outline.attributes("href") if not href.startswith("#")]
    assert outside
    assert all((folder / "runs" / STUDY / href).is_file() for href in outside), "links lead to the files beside it"
    assert not re.search(r"url\((?!#)|@import", text)
    assert "default-src 'none'" in text


def test_tables_and_plots_can_be_read_aloud(text: str) -> None:
    outline = Outline(text)
    tags = [tag for tag, _ in outline.tags]
    heads = [found.get("scope") for tag, found in outline.tags if tag == "th"]
    assert set(heads) == {"col", "row"}
    assert tags.count("caption") == tags.count("table") > 2
    plots = [found for tag, found in outline.tags if tag == "svg"]
    assert all(found.get("role") == "img" and found.get("aria-labelledby") for found in plots)
    named = {id for found in plots for id in (found.get("aria-labelledby") or "").split()}
    assert named <= set(outline.attributes("id"))
    regions = [found for tag, found in outline.tags if found.get("role") == "region"]
    assert plots
    assert regions
    assert all(found.get("tabindex") == "0" and found.get("aria-label") for found in regions)


def test_unfinished_and_failed_runs_are_shown_and_escaped(tmp_path: Path, page: Page) -> None:
    with open_study(tmp_path) as store:
        finish(begin(store, "qmix", 0), 0.5)
        begin(store, "qmix", 1)
        begin(store, "kalei", 0).fail("RuntimeError: <script>alert(1)</script> & more")
    text = page("--clips", "none")
    assert "1 of 3 runs finished" in text
    assert "RuntimeError: &lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in text
    assert "<script>alert" not in text
    assert "qmix on terran_5_vs_5, seed 1, interrupted" in text
    assert "kalei (1 seed, in training)" in text, "curves are shown as far as they go"
    assert "100,000 so far" in text
    assert "needs at least two seeds" in text


def test_a_study_without_a_finished_run(tmp_path: Path, page: Page, printed: Printed) -> None:
    with open_study(tmp_path) as store:
        begin(store, "k24", 0)
    text = page()
    assert f"written: {tmp_path}/runs/{STUDY}/report.html" in printed()
    assert Outline(text).faults == []
    assert "has finished yet; begun: k24 on terran_5_vs_5, seed 0, interrupted." in text
    assert "k24 (1 seed, in training)" in text
    assert "python -m harness.throughput --all --out" in text


def test_settings_that_differ_are_named(tmp_path: Path, page: Page) -> None:
    with open_study(tmp_path) as store:
        finish(begin(store, "k24", 0), 0.5)
        finish(begin(store, "k24", 0, lr=0.01), 0.25)
    text = page("--clips", "none")
    assert len(set(re.findall(r"k24@[0-9a-f]{6}: algorithm\.lr = (0\.\d+)\.", text))) == 2


def test_json_is_alone_on_standard_output(
    tmp_path: Path, report: ReportCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    make_study(tmp_path, algorithms=("k24", "qmix"))
    assert report("--json", "--clips", "none") == 0
    output = capsys.readouterr()
    document = json.loads(output.out)
    assert document["written"][0].endswith("report.html")
    assert all(Path(path).is_file() for path in document["written"])
    assert [row["algorithm"] for row in document["rows"]] == ["k24", "qmix"]
    assert "k24 − qmix" in document["comparisons"][0]["verdict"]
    assert "written: " in output.err


def test_names_of_a_strangers_study_run_nothing(tmp_path: Path, page: Page) -> None:
    name = 'm" onload="alert(1)" x="<script>alert(2)</script>'
    with open_study(tmp_path) as store:
        for seed in (0, 1):
            finish(begin(store, name, seed, scenario=name), 0.5)
    text = page("--clips", "none")
    outline = Outline(text)
    assert outline.faults == []
    assert "onload" not in {attribute for _, found in outline.tags for attribute in found}
    assert "<script>alert" not in text
    pictures = list((tmp_path / "runs" / STUDY / "report").glob("*.svg"))
    assert [ElementTree.parse(file) for file in pictures], "each is sound XML"


def test_a_reference_in_another_world_is_left_out() -> None:
    """An option that this version refuses, and a map that has been redefined since."""
    for changed in ({"rules": "1999"}, {"fight": {"n_agents": 3}}):
        assert _played("nearest", SCENARIO, json.dumps({"scenario": SCENARIO, **changed})) is None


def test_no_win_rate_is_drawn_where_no_one_wins(tmp_path: Path, page: Page) -> None:
    with open_study(tmp_path) as store:
        for seed in (0, 1):
            begin(store, "qmix", seed).finish(replace(RESULT, win_rate=0.0, wins=0, details={"can_be_won": False}))
    text = page("--clips", "none")
    assert "greedy win rate over training" not in text
    assert "return against sparsity" in text
