"""Every command of the README and of ``docs/`` works in a fresh folder, as a reader would type it.

Commands run as they are written, made small where they would train or measure for long (``SMALLER``). What a command
must say or write is in ``CHECKS``, by its module; a command of a module without a check fails.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.forked import run_module
from tests.docs.pages import COMMANDS, PAGES, ROOT, Page, words_of
from tests.studies.test_dashboard import ask, serving

LIMIT = 600.0
"""Seconds for one command; the engine may have to be compiled first, beside other tests."""
PROVED_BY_CI = ("make ", "source .venv/bin/activate")
"""Beginnings of commands that are not run here: .ci/run does on a clean checkout what they do."""
DASHBOARD = "optuna-dashboard"
SMOKE = ["--budget", "smoke"]
SMALLER: dict[str, list[str]] = {
    "harness.compare": [*SMOKE, "--report", "none", "--throughput", "none"],  # both have commands of their own
    "harness.tune": [*SMOKE, "--trials", "1", "--seeds", "1", "--n-jobs", "1"],
    "harness.baselines": ["--battles", "2"],
    "harness.throughput": ["--batches", "256", "--device", "cpu"],
    "harness.export": ["--study", "compare-smoke", "--algos", "k24,qmix,kalei", "--scenarios", "terran_5_vs_5"],
    "harness.report": ["--study", "compare-smoke"],
    "harness.patterns": ["--study", "compare-smoke"],
    "harness.measure": ["--study", "measured"],
}
"""Flags that are added to a module's commands; the last of a flag counts."""
NEEDS_A_STUDY = (
    *("harness.report", "harness.patterns", "harness.export", "harness.worker", "harness.delete"),
    "harness.leaderboard",
    DASHBOARD,
)
NEEDS = {"my_world.py": ("mpe2",), "envs.sc2.server": ("s2clientprotocol", "websockets")}
"""Packages without which a command that names the word is skipped."""

Check = Callable[[list[str], str, Path], None]
"""Takes a command's words, what it said, and the folder in which it ran."""

RUN = [(line, page) for line, page in COMMANDS if not line.startswith((*PROVED_BY_CI, DASHBOARD))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh folder, in which all commands run one after the other."""
    return tmp_path_factory.mktemp("reader")


def environment(**more: str) -> dict[str, str]:
    """``python`` is this interpreter, and its programs are found; the packages count as installed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "", **more}


def run(words: list[str], folder: Path, **variables: str) -> str:
    """Return the output of ``python -m …``, which must succeed."""
    assert words[:2] == ["python", "-m"]
    status, printed = run_module(words[2:], folder, environment(**variables), limit=LIMIT)
    assert status == 0, f"{shlex.join(words)}\n{printed}"
    return printed


def value_of(words: list[str], flag: str, default: str) -> str:
    """Return what follows the last ``flag``."""
    return next((words[at + 1] for at in reversed(range(len(words))) if words[at] == flag), default)


def run_if_missing(folder: Path) -> None:
    """Run the default comparison at the smallest budget, unless a command before has done so."""
    if not (folder / "runs" / "compare-smoke" / "table.json").exists():
        run(["python", "-m", "harness.compare", *SMOKE], folder)


def check_compare(words: list[str], said: str, folder: Path) -> None:
    if "--help" in words:
        assert "terran_5_vs_5" in said
        return
    assert "written: runs/" in said
    assert "FAILED" not in said
    for name in value_of(words, "--algos", "k24,qmix,kalei").split(","):
        row = rf"^ {name}(@\w+)? +1 +(0\.\d\d\d \[|-?\d+\.\d\d )"  # win rate, or return where nobody wins
        assert re.search(row, said, flags=re.MULTILINE), f"no row for {name} in\n{said}"


def check_tune(words: list[str], said: str, folder: Path) -> None:
    assert "searched: lr in 0.0005 … 0.002" in said
    study = f"tune-{value_of(words, '--algo', 'k24')}-{value_of(words, '--scenario', '')}-smoke"
    assert (folder / "runs" / study / "best.yaml").is_file()


def check_baselines(words: list[str], said: str, folder: Path) -> None:
    out = value_of(words, "--out", "")
    assert f"written: {out}" in said
    assert (folder / out).read_text().count("\n") > 3 * 15


def check_throughput(words: list[str], said: str, folder: Path) -> None:
    assert "written: throughput.json, throughput.csv, throughput.png" in said
    assert len(json.loads((folder / "throughput.json").read_text())["cells"]) == 2


def check_export(words: list[str], said: str, folder: Path) -> None:
    written = json.loads((folder / value_of(words, "--out", "")).read_text())
    assert set(written["battle"]["terran_5_vs_5"]) == {"k24", "qmix", "kalei"}


def check_report(words: list[str], said: str, folder: Path) -> None:
    assert "written: runs/compare-smoke/report.html" in said
    text = (folder / "runs/compare-smoke/report.html").read_text()
    assert text.count("data:image/gif;base64,") >= 3, "a battle of each algorithm that the study holds"


def says(*texts: str) -> Check:
    """A check that looks for these texts only."""

    def check(words: list[str], said: str, folder: Path) -> None:
        assert [text for text in texts if text not in said] == []

    return check


def check_measure(words: list[str], said: str, folder: Path) -> None:
    assert re.search(r"k24\b.*\d", said)


def check_leaderboard(words: list[str], said: str, folder: Path) -> None:
    text = (folder / value_of(words, "--out", "leaderboard.html")).read_text()
    assert "compare-smoke" in text
    assert "terran_5_vs_5" in text


def check_watch(words: list[str], said: str, folder: Path) -> None:
    assert "written: " in said
    assert (folder / value_of(words, "--out", "fight.mp4")).stat().st_size > 10_000


def check_stand_in(words: list[str], said: str, folder: Path) -> None:
    assert f"export SC2PATH={folder / words[-1]}" in said
    assert list((folder / words[-1] / "Maps" / "SMAC_Maps").glob("*.SC2Map"))


CHECKS: dict[str, Check] = {
    "harness.compare": check_compare,
    "harness.tune": check_tune,
    "harness.baselines": check_baselines,
    "harness.throughput": check_throughput,
    "harness.export": check_export,
    "harness.report": check_report,
    "harness.patterns": says("k24 terran_5_vs_5 seed 0", "written: runs/compare-smoke/patterns/patterns.csv"),
    "harness.worker": says("study compare-smoke", "nothing left"),
    "harness.measure": check_measure,
    "harness.delete": says("--yes"),  # nothing is deleted without it
    "harness.leaderboard": check_leaderboard,
    "harness.watch": check_watch,
    "envs.sc2.server": check_stand_in,
}


@pytest.mark.parametrize(("line", "page"), RUN, ids=[f"{page.name}: {line}" for line, page in RUN])
def test_command(line: str, page: Page, folder: Path) -> None:
    for name, code in page.files.items():
        (folder / name).write_text(code, encoding="utf-8")
    variables, words = words_of(line)
    assert words[:2] == ["python", "-m"], f"nothing checks {line}; if it cannot run here, use an sh block"
    module = words[2]
    for package in (package for word in words for package in NEEDS.get(word, ())):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs the package {package}")
    if module in NEEDS_A_STUDY:
        run_if_missing(folder)
    if module == "harness.measure":  # a study without algorithms and maps of a reader's own, which it could not load
        run(["python", "-m", "harness.compare", *SMOKE, "--algos", "k24", "--study", "measured"], folder)
    words = [word.replace("compare-quick", "compare-smoke").replace("-quick/", "-smoke/") for word in words]
    if "--help" not in words:
        words += SMALLER.get(module, [])
    CHECKS[module](words, run(words, folder, **variables), folder)


def test_every_kind_of_command_is_shown() -> None:
    """The pages were read as they should be: commands are found, and every check has one."""
    assert {words_of(line)[1][2] for line, _ in RUN} == set(CHECKS)
    assert {"my_map.py", "my_world.py", "soft_qmix.py"} <= {name for page in PAGES for name in page.files}


def test_make_targets_exist() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    named = {line.split()[1] for line, _ in COMMANDS if line.startswith("make ")}
    assert "compare" in named
    assert named <= set(targets)


def test_dashboard_answers(folder: Path) -> None:
    (line,) = (line for line, _ in COMMANDS if line.startswith(DASHBOARD))
    run_if_missing(folder)
    with serving(shlex.split(line)[1:], folder) as address:
        studies = ask(f"{address}/api/studies")["study_summaries"]
    assert "compare-smoke" in [study["study_name"] for study in studies]
