"""Whatever is typed, a command answers in words; consoles and paths of any kind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from common.signals import deferred_interrupts
from harness import compare, export, tune
from harness.cli.common import WRONG_USE, dashboard_command
from harness.cli.errors import UsageError
from harness.runs.files import study_folder
from studies.db.storage_url import parse_storage_url

LONG = "x" * 300


@pytest.mark.parametrize("study", ["../../elsewhere", "/elsewhere", "..", ".", "a/b", "a\\b", "a\nb", LONG, "ü" * 120])
def test_a_study_never_writes_outside_of_its_folder(study: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--study .*(cannot name a folder|Give a shorter one)"):
        study_folder(tmp_path, study)
    assert compare.main(["--study", study, "--budget", "smoke", "--out", str(tmp_path)]) == WRONG_USE
    assert list(tmp_path.iterdir()) == [], "refused before anything is made"


@pytest.mark.parametrize("study", ["compare-quick", "mit Lücke", "a.b", "x" * 200])
def test_other_names_stay_as_they_are(study: str, tmp_path: Path) -> None:
    assert study_folder(tmp_path, study) == tmp_path / study


def settings_file(folder: Path, text: str) -> str:
    path = folder / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def code_file(folder: Path, text: str) -> str:
    path = folder / f"code_{abs(hash(text))}.py"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--storage", "http://[::1"], "is not a URL"),
        (["--config", LONG], "cannot be the name of a settings file"),
        (["--config", "a\0b"], "settings file"),
        (["--seeds", "1000000000"], "up to 10,000 seeds"),
        (["--seeds", f"0,{2**64}"], "none of them above 2,000,000,000"),
        (["--env-steps", str(2**64)], "--env-steps is 18446744073709551616, it must be at most 2,000,000,000"),
        (["--num-envs", "1000000000"], "it must be at most 100,000"),
        (["--n-jobs", "1000000"], "it must be at most 1,000"),
    ],
)
def test_compare_answers_in_words(
    flags: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare.main([*flags, "--budget", "smoke", "--device", "cpu", "--out", str(tmp_path)]) == WRONG_USE
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("text", ["learner: {a: b}", "learner: [1]", "mixer: {a: b}\nlearner: nq_learner"])
def test_a_learner_that_is_no_name(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(["--config", settings_file(tmp_path, text), "--out", str(tmp_path)]) == WRONG_USE
    assert "it must be a name such as nq_learner" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["raise SystemExit(3)", "import sys; sys.exit()", "raise GeneratorExit", "1 / 0"])
def test_imported_code_that_ends_itself(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(["--import", code_file(tmp_path, text), "--out", str(tmp_path)]) == WRONG_USE
    assert "failed: " in capsys.readouterr().err


def test_more_trials_than_anyone_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tune.main(["--trials", str(2**64 - 1), "--out", str(tmp_path)]) == WRONG_USE
    assert "--trials is 18446744073709551615, it must be at most 100,000" in capsys.readouterr().err


def test_export_of_no_url(capsys: pytest.CaptureFixture[str]) -> None:
    assert export.main(["--format", "csv", "--storage", "http://[::1"]) == WRONG_USE
    assert "is not a URL" in capsys.readouterr().err


def test_the_dashboard_command_can_be_typed() -> None:
    command_line = dashboard_command(parse_storage_url("sqlite:////tmp/my studies/b.db"))
    script = f"set -- {command_line}; printf '%s|' \"$@\""
    shown = subprocess.run(["sh", "-c", script], capture_output=True, text=True).stdout
    assert shown == "optuna-dashboard|sqlite:////tmp/my studies/b.db|--artifact-dir|/tmp/my studies/artifacts|"


TEXT = "−0.030 [−0.1, +0.1] … 2×, ±, “x”, Δ"
SIGNS = f"from harness.cli.common import speak_any_encoding; speak_any_encoding(); print({TEXT!a})"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_a_console_of_any_encoding(encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", SIGNS], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    expected = {"ascii": '-0.030 [-0.1, +0.1] ... 2x, +/-, "x", \\u0394', "utf-8": TEXT}
    if encoding in expected:
        assert done.stdout.decode(encoding).strip() == expected[encoding]


def test_a_console_without_an_encoding() -> None:
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run([sys.executable, "-c", SIGNS], env=environment, capture_output=True)
    assert (done.returncode, done.stdout[:6]) == (0, b"-0.030")


def test_interrupts_wait_for_the_end_of_a_block() -> None:
    went_on = []

    def work(signals: int) -> None:
        with deferred_interrupts():
            for number in range(signals):
                signal.raise_signal((signal.SIGINT, signal.SIGTERM)[number % 2])
            went_on.append(signals)

    for signals in (0, 1, 2, 3):
        if signals:
            with pytest.raises(KeyboardInterrupt):
                work(signals)
        else:
            work(signals)
    assert went_on == [0, 1, 2], "the third signal acts at once"
