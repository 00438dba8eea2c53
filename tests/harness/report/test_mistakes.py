"""Every mistake on the command line of the report: one clear line, exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.report.__main__ import main
from tests.harness.conftest import ErrorOf
from tests.harness.report.made_up import STUDY, flags_of, make_study
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
def test_mistake(flags: list[str], message: str, study: Path, error_of: ErrorOf) -> None:
    assert message in error_of(main, *flags_of(study), *(flag.format(study=study) for flag in flags))
    assert not list((study / "runs").glob("**/*.html"))


def test_no_database(tmp_path: Path, error_of: ErrorOf) -> None:
    says = f"There is no database {tmp_path}/s.db. Make one: python -m harness.compare"
    assert says in error_of(main, *flags_of(tmp_path))


@pytest.fixture
def own(tmp_path: Path) -> list[str]:
    """Flags that name a study of the test's own, which has one run."""
    make_study(tmp_path, algorithms=("qmix",), seeds=1)
    return flags_of(tmp_path)


def test_a_file_in_place_of_the_folder_for_plots(own: list[str], tmp_path: Path, error_of: ErrorOf) -> None:
    place = tmp_path / "runs" / STUDY / "report"
    place.parent.mkdir(parents=True)
    place.write_text("mine")
    error = error_of(main, *own)
    assert f"{place} cannot be written (File exists). All results are stored in sqlite:" in error
    assert "s.db. Move away what stands in its place, then type the same command again" in error
    assert place.read_text() == "mine"


def test_a_full_disk(own: list[str], tmp_path: Path, error_of: ErrorOf) -> None:
    with file_size_limit(20_000):
        error = error_of(main, *own)
    assert "cannot be written (File too large). All results are stored in sqlite:///" in error
    assert f"Make room (df -h {tmp_path}/runs/{STUDY}; ulimit -f), then type the same command again" in error
    assert main(own) == 0
