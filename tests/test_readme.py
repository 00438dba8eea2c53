"""Every command and every Python example of the README works in a fresh folder, as a reader would try them."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()
PROVED_BY_CI = ("make compare", "make test", "source .venv/bin/activate")
"""Beginnings of commands that are not run here: .ci/run does on a clean checkout what they do."""
LIMIT = 300.0
"""Seconds for one command; the engine may have to be compiled first."""


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


COMMANDS = [line for block in blocks("bash") for line in block.splitlines() if line.strip()]
TUNED = [line for line in COMMANDS if "best.yaml" in line]
TRAINING = [
    line
    for line in COMMANDS
    if line.startswith("python -m harness.compare") and "--help" not in line and line not in TUNED
]
FILES = {code.split()[1]: code for code in blocks("python") if re.match(r"# \w+\.py\n", code)}
SCRIPTED = [line for line in COMMANDS if line.startswith("python -m harness.scripted")]
SCRIPTS = [code for code in blocks("python") if code not in FILES.values()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh folder that holds only the files the README tells the reader to write."""
    fresh = tmp_path_factory.mktemp("reader")
    for name, code in FILES.items():
        (fresh / name).write_text(code)
    return fresh


def environment() -> dict[str, str]:
    """``python`` is this interpreter, and its programs are found; the packages count as installed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": ""}


def run(words: list[str], folder: Path) -> str:
    """Output of a command that must succeed."""
    if words[0] == "python":
        words = [sys.executable, *words[1:]]
    done = subprocess.run(
        words, cwd=folder, env=environment(), capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_command_is_accounted_for() -> None:
    others = [line for line in COMMANDS if not line.startswith(PROVED_BY_CI) and line not in TRAINING + SCRIPTED]
    assert [shlex.split(line)[:3] for line in others] == [
        ["python", "-m", "harness.compare"],
        ["python", "-m", "harness.report"],
        ["python", "-m", "harness.patterns"],
        ["optuna-dashboard", "sqlite:///studies/studies.db", "--artifact-dir"],
        ["python", "-m", "harness.tune"],
        ["python", "-m", "harness.compare"],
        ["python", "-m", "harness.worker"],
        ["python", "-m", "harness.export"],
        ["python", "-m", "harness.watch"],
        ["python", "-m", "envs.sc2.server"],
        ["python", "-m", "harness.throughput"],
    ]
    assert len(TRAINING) >= 4
    assert len(SCRIPTED) == 1
    assert set(FILES) == {"my_map.py", "my_world.py", "soft_qmix.py"}
    assert len(SCRIPTS) == 2


@pytest.mark.parametrize("line", TRAINING)
def test_training_command(line: str, folder: Path) -> None:
    if "my_world.py" in line and importlib.util.find_spec("mpe2") is None:
        pytest.skip("needs the package mpe2")
    said = run([*shlex.split(line), "--budget", "smoke"], folder)
    assert "written: runs/" in said
    assert "FAILED" not in said
    asked = shlex.split(line)
    for name in asked[asked.index("--algos") + 1].split(","):
        row = rf"^ {name} +1 +(0\.\d\d\d \[|n/a –)"
        assert re.search(row, said, flags=re.MULTILINE), f"no row for {name} in\n{said}"


@pytest.mark.parametrize("line", SCRIPTED)
def test_command_without_learning(line: str, folder: Path) -> None:
    said = run([*shlex.split(line), "--battles", "2"], folder)
    assert "written: scripted.csv" in said
    assert (folder / "scripted.csv").read_text().count("\n") > 3 * 15


def test_help_and_make_targets(folder: Path) -> None:
    assert "terran_5_vs_5" in run(["python", "-m", "harness.compare", "--help"], folder)
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    for line in COMMANDS:
        if line.startswith("make "):
            assert line.split()[1] in targets


def test_watching_writes_the_video(folder: Path) -> None:
    (line,) = (line for line in COMMANDS if line.startswith("python -m harness.watch"))
    words = shlex.split(line)
    assert "written: " in run(words, folder)
    assert (folder / words[words.index("--out") + 1]).stat().st_size > 10_000


def test_the_stand_in_is_installed(folder: Path) -> None:
    if importlib.util.find_spec("s2clientprotocol") is None or importlib.util.find_spec("websockets") is None:
        pytest.skip("needs the packages of the extra sc2")
    (line,) = (line for line in COMMANDS if line.startswith("python -m envs.sc2.server"))
    said = run(shlex.split(line), folder)
    assert f"export SC2PATH={folder / 'stand-in'}" in said
    assert list((folder / "stand-in" / "Maps" / "SMAC_Maps").glob("*.SC2Map"))


@pytest.mark.parametrize("code", SCRIPTS, ids=lambda code: code.split("\n")[-2][:20])
def test_python_example(code: str, folder: Path) -> None:
    assert run(["python", "-W", "error", "-c", code], folder).startswith(("battles started: ", "won: "))


def test_masks_are_shown(folder: Path) -> None:
    (line,) = (line for line in COMMANDS if line.startswith("python -m harness.patterns"))
    run_if_missing(folder)
    said = run([*shlex.split(line), "--study", "compare-smoke"], folder)
    assert "k24 terran_5_vs_5 seed 0" in said
    assert "written: runs/compare-smoke/patterns/patterns.csv" in said


def test_throughput_writes_its_files(folder: Path) -> None:
    (line,) = (line for line in COMMANDS if line.startswith("python -m harness.throughput"))
    said = run([*shlex.split(line), "--batches", "256", "--device", "cpu"], folder)
    assert "written: throughput.json, throughput.csv, throughput.png" in said
    assert len(json.loads((folder / "throughput.json").read_text())["cells"]) == 2


def test_runs_are_exported(folder: Path) -> None:
    (line,) = (line for line in COMMANDS if line.startswith("python -m harness.export"))
    run_if_missing(folder)
    words = shlex.split(line)
    run([*words, "--study", "compare-smoke", "--algos", "k24,qmix,kalei", "--scenarios", "terran_5_vs_5"], folder)
    written = json.loads((folder / words[words.index("--out") + 1]).read_text())
    assert set(written["battle"]["terran_5_vs_5"]) == {"k24", "qmix", "kalei"}


def test_tuned_settings_are_compared(folder: Path) -> None:
    (line,) = (line for line in COMMANDS if line.startswith("python -m harness.tune"))
    words = [*shlex.split(line), "--budget", "smoke", "--seeds", "1"]
    words[words.index("--trials") + 1] = words[words.index("--n-jobs") + 1] = "1"
    said = run(words, folder)
    assert "searched: div_coef in 0.1 … 0.15 (recommended for micro fights" in said
    (after,) = TUNED
    said = run([*shlex.split(after.replace("quick", "smoke")), "--budget", "smoke"], folder)
    assert "setting: k24.div_coef = 0.1" in said
    assert "written: runs/" in said


def test_a_worker_finds_nothing_left(folder: Path) -> None:
    (line,) = (line for line in COMMANDS if line.startswith("python -m harness.worker"))
    run_if_missing(folder)
    said = run(shlex.split(line.replace("quick", "smoke")), folder)
    assert "nothing left to take in study compare-smoke: " in said


def test_the_report_is_written(folder: Path) -> None:
    (line,) = (line for line in COMMANDS if line.startswith("python -m harness.report"))
    run_if_missing(folder)
    said = run([*shlex.split(line), "--study", "compare-smoke"], folder)
    assert "written: runs/compare-smoke/report.html" in said
    text = (folder / "runs/compare-smoke/report.html").read_text()
    assert text.count("data:image/gif;base64,") >= 3, "a battle of each algorithm that the study holds"


def run_if_missing(folder: Path) -> None:
    """The default comparison at the smallest budget, unless a test before has run it."""
    if not (folder / "studies" / "studies.db").exists():
        run([*shlex.split(TRAINING[0]), "--budget", "smoke"], folder)


def test_dashboard_answers(folder: Path) -> None:
    (line,) = (line for line in COMMANDS if line.startswith("optuna-dashboard"))
    run_if_missing(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program, *words = shlex.split(line)
    found = Path(sys.executable).parent / program
    with subprocess.Popen(
        [str(found), *words, "--port", str(port)],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as dashboard:
        try:
            studies = ask(f"http://127.0.0.1:{port}/api/studies", dashboard)["study_summaries"]
        finally:
            dashboard.kill()
    assert "compare-smoke" in [study["study_name"] for study in studies]


def ask(address: str, server: subprocess.Popen[bytes]) -> dict[str, list[dict[str, str]]]:
    """The JSON at an address, as soon as the server is up."""
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return json.load(answer)  # type: ignore[no-any-return]
        except OSError:
            assert server.poll() is None, "the dashboard ended by itself"
            assert time.monotonic() < until, "the dashboard does not answer"
            time.sleep(0.1)
