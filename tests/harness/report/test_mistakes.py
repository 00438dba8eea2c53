"""Every mistake on the command line of the report: one clear line, exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.common import WRONG_USE
from tests.harness.report.conftest import ReportCommand
from tests.harness.report.made_up import STUDY, make_study
from tests.limits import file_size_limit


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    make_study(folder, algorithms=("qmix",), seeds=1)
    (folder / "other.json").write_text('{"rows": []}')
    return folder


MISTAKES = [
    (["--study", "made"], "unknown study 'made'; did you mean made-up? Known: made-up. It is looked for in sqlite:///"),
    (["--out", "page.txt"], "--out page.txt: the report is an HTML page; name a file such as page.html"),
    (["--throughput", "no.json"], "--throughput no.json: no such file; make one: python -m harness.throughput --out"),
    (["--throughput", "{study}/other.json"], "other.json holds no results of harness.throughput (KeyError"),
    (["--clips", "3s5z"], "unknown scenario of study made-up '3s5z'; known: terran_5_vs_5. No battles at all: --clips"),
    (["--clip-seed", "-1"], "--clip-seed is -1, it must be at least 0"),
    (["--clip"], "unrecognized arguments: --clip; all flags: python -m harness.report --help"),
    (["--import", "none.py"], "--import none.py failed: FileNotFoundError"),
]


@pytest.mark.parametrize(("flags", "message"), MISTAKES, ids=[" ".join(flags) for flags, _ in MISTAKES])
def test_mistake(flags: list[str], message: str, study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from harness.report.__main__ import main

    own = ["--storage", f"sqlite:///{study}/s.db", "--study", "made-up", "--runs", str(study / "runs")]
    assert main([*own, *(flag.format(study=study) for flag in flags)]) == WRONG_USE
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert error.count("\n") == 1
    assert not list((study / "runs").glob("**/*.html"))


def test_no_database(report: ReportCommand, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report() == WRONG_USE
    assert f"There is no database {tmp_path}/s.db. Make one: python -m harness.compare" in capsys.readouterr().err


def test_a_file_in_place_of_the_folder_for_plots(
    report: ReportCommand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_study(tmp_path, algorithms=("qmix",), seeds=1)
    (tmp_path / "runs" / STUDY).mkdir(parents=True)
    (tmp_path / "runs" / STUDY / "report").write_text("mine")
    assert report() == WRONG_USE
    error = capsys.readouterr().err
    assert f"{tmp_path}/runs/{STUDY}/report cannot be written (File exists). All results are stored in sqlite:" in error
    assert "s.db. Move away what stands in its place, then type the same command again" in error
    assert (tmp_path / "runs" / STUDY / "report").read_text() == "mine"


def test_a_full_disk(report: ReportCommand, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_study(tmp_path, algorithms=("qmix",), seeds=1)
    with file_size_limit(20_000):
        assert report() == WRONG_USE
    error = capsys.readouterr().err
    assert "cannot be written (File too large). All results are stored in sqlite:///" in error
    assert f"Make room (df -h {tmp_path}/runs/{STUDY}; ulimit -f), then type the same command again" in error
    assert report() == 0
