"""Whatever is typed, a command answers in words; consoles and paths of any kind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from common.signals import deferred_interrupts
from harness import compare, export, tune
from harness.__main__ import main as k24
from harness.cli.common import SOME_MISSING, WRONG_USE, dashboard_command
from harness.cli.errors import UsageError
from harness.flags.launching import parse_workers
from harness.policies.trained import read_policy_file
from harness.runs.files import file_name, run_folder, study_folder
from harness.worker import ids_in
from studies.db.storage_url import parse_storage_url
from studies.rows import RunKey

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
SIGNS = f"from harness.cli.encoding import speak_any_encoding; speak_any_encoding(); print({TEXT!a})"


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


@pytest.mark.parametrize("study", ["..", "../x", "/x", LONG, "x" * 198])
def test_a_search_never_writes_outside_of_its_folder(study: str, tmp_path: Path) -> None:
    flags = ["--study", study, "--algo", "qmix", "--scenario", "3m", "--budget", "smoke", "--trials", "1"]
    storage = f"sqlite:///{tmp_path}/s.db"
    assert tune.main([*flags, "--storage", storage, "--out", str(tmp_path / "out")]) == WRONG_USE
    assert list(tmp_path.iterdir()) == [], "refused before anything is made"


def test_names_from_a_database_stay_inside_the_folder(tmp_path: Path) -> None:
    for name in ("../../x", "a/b", "a\\b", "a\nb", LONG, ".."):
        key = RunKey(algorithm=name, scenario=name, seed=0, config_hash="0" * 12)
        folder = run_folder(tmp_path, "s", key)
        assert folder.resolve().parent == (tmp_path / "s").resolve()
        folder.mkdir(parents=True)
    assert file_name("x" * 299) != file_name(LONG), "long names that begin alike stay apart"
    assert file_name("terran_5_vs_5") == "terran_5_vs_5"


LONG_PATH = [
    ["watch", "--out", f"{LONG}.gif"],
    ["watch", "--run", LONG, "--out", "a.gif"],
    ["watch", "--run", "²", "--out", "a.gif"],
    ["watch", "--run", "9" * 5000, "--out", "a.gif"],
    ["baselines", "--out", f"{LONG}.csv", "--scenarios", "3m", "--policies", "random", "--battles", "1"],
    ["report", "--throughput", LONG],
    ["push", LONG, "--pack-only", "a"],
    ["push", "1", "--pack-only", "a", "--storage", f"sqlite:///{LONG}"],
    ["push", "1", "--pack-only", LONG],
    ["export", "--format", "csv", "--storage", f"sqlite:///{LONG}"],
]


@pytest.mark.parametrize("words", LONG_PATH, ids=[" ".join(words)[:40] for words in LONG_PATH])
def test_a_name_that_no_file_can_have(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert k24(words) in (SOME_MISSING, WRONG_USE)
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize(
    "flags",
    [
        ["--seed", "-1"],
        ["--seed", str(2**64)],
        ["--speed", "inf"],
        ["--speed", "nan"],
        ["--speed", "1e-300"],
        ["--size", "1000000"],
        ["--size", "0"],
    ],
)
def test_numbers_that_no_video_can_have(flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert k24(["watch", *flags, "--out", str(tmp_path / "a.gif")]) == WRONG_USE
    assert f"error: {flags[0]} is " in capsys.readouterr().err


@pytest.mark.parametrize("text", ["1-99999999999", "1-9999999999999999999999", "0-1000001"])
def test_ids_without_end(text: str) -> None:
    with pytest.raises(UsageError, match=r"at most 1,000,000 can be named at once|ids of runs"):
        ids_in(text)


@pytest.mark.parametrize("text", ["local:999999999", "local:²", "slurm:1001", f"ray:{'9' * 5000}", "0"])
def test_workers_without_end(text: str) -> None:
    with pytest.raises(UsageError, match=r"give where and how many \(1 to 1,000\)"):
        parse_workers(text)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_help_on_a_console_of_any_encoding(encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "harness", "compare", "--help"]
    done = subprocess.run(command, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"--algos" in done.stdout


def test_a_closed_output() -> None:
    done = subprocess.run(["sh", "-c", f"{sys.executable} -m harness >&-"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"algorithm: {'[' * 3000}{']' * 3000}", "holds lists more than 8 deep"),
        (
            "a: &a [1, 1]\n" + "".join(f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]\n" for a, b in pairwise("abcdefghijk")),
            "by its aliases",
        ),
        ("a: &a [*a]", "by its aliases"),
    ],
)
def test_settings_without_end(text: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(["--config", settings_file(tmp_path, text), "--out", str(tmp_path)]) == WRONG_USE
    assert says in capsys.readouterr().err


MUTE = """
class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")
raise Mute
"""


def test_imported_code_whose_error_cannot_say_what_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(["--import", code_file(tmp_path, MUTE), "--out", str(tmp_path)]) == WRONG_USE
    assert "failed: Mute: its message cannot be shown" in capsys.readouterr().err


@pytest.mark.parametrize("run", ["", "no_such_run", LONG, "a\0b"])
def test_a_run_that_is_not_there(run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"--run .*(no policy.pt there|File name too long|embedded null)"):
        read_policy_file(Path(run))


def test_runs_are_looked_for_two_folders_down_and_no_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who types nothing after --run in a home folder does not wait for a walk through all of it."""
    for place in ("runs/study", "a/b/c/d"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "policy.pt").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"runs below it: runs/study$"):
        read_policy_file(Path())
