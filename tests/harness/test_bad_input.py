"""Whatever is typed, a command answers in words; consoles and paths of any kind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from common.signals import deferred_interrupts
from harness import compare, tune
from harness.__main__ import main as k24
from harness.cli.common import SOME_MISSING, WRONG_USE, dashboard_command
from harness.cli.errors import UsageError
from harness.flags.workers import ids_in
from harness.policies.trained import read_policy_file
from harness.runs.files import file_name, run_folder, study_folder
from studies.db.storage_url import parse_storage_url
from studies.rows import RunKey
from tests.harness.conftest import ErrorOf

LONG = "x" * 300


OUTSIDE = ["../../elsewhere", "/elsewhere", "..", ".", "a/b", "a\\b", "a\nb", LONG, "ü" * 120]
SEARCH = ["--algo", "qmix", "--scenario", "3m", "--trials", "1"]


@pytest.mark.parametrize("study", OUTSIDE)
@pytest.mark.parametrize(("main", "flags"), [(compare.main, []), (tune.main, SEARCH)], ids=["compare", "tune"])
def test_a_study_never_writes_outside_of_its_folder(
    main: Callable[[list[str]], int], flags: list[str], study: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"--study .*(cannot name a folder|Give a shorter one)"):
        study_folder(tmp_path, study)
    where = ["--storage", f"sqlite:///{tmp_path}/s.db", "--out", str(tmp_path / "out")]
    assert main(["--study", study, "--budget", "smoke", *flags, *where]) == WRONG_USE
    assert list(tmp_path.iterdir()) == [], "refused before anything is made"


def test_a_search_leaves_room_for_the_names_of_its_runs(tmp_path: Path, error_of: ErrorOf) -> None:
    where = ["--storage", f"sqlite:///{tmp_path}/s.db", "--out", str(tmp_path / "out")]
    assert "Give a shorter one" in error_of(tune.main, *SEARCH, "--study", "x" * 198, *where)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("study", ["compare-quick", "mit Lücke", "a.b", "x" * 200])
def test_other_names_stay_as_they_are(study: str, tmp_path: Path) -> None:
    assert study_folder(tmp_path, study) == tmp_path / study


NO_NAME, LISTS, ALIASES = "it must be a name such as nq_learner", "holds lists more than 8 deep", "by its aliases"
DOUBLING = "".join(f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]\n" for a, b in pairwise("abcdefghijk"))
MUTE = """
class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")
raise Mute
"""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["compare", "--storage", "http://[::1"], "is not a URL"),
        (["export", "--format", "csv", "--storage", "http://[::1"], "is not a URL"),
        (["compare", "--config", LONG], "cannot be the name of a settings file"),
        (["compare", "--config", "a\0b"], "settings file"),
        (["compare", "--seeds", "1000000000"], "up to 10,000 seeds"),
        (["compare", "--seeds", f"0,{2**64}"], "none of them above 2,000,000,000"),
        (["compare", "--env-steps", str(2**64)], f"--env-steps is {2**64}, it must be at most 2,000,000,000"),
        (["compare", "--num-envs", "1000000000"], "it must be at most 100,000"),
        (["compare", "--n-jobs", "1000000"], "it must be at most 1,000"),
        (["tune", "--trials", str(2**64 - 1)], f"--trials is {2**64 - 1}, it must be at most 100,000"),
        (["watch", "--seed", "-1"], "--seed is "),
        (["watch", "--seed", str(2**64)], "--seed is "),
        (["watch", "--speed", "inf"], "--speed is "),
        (["watch", "--speed", "nan"], "--speed is "),
        (["watch", "--speed", "1e-300"], "--speed is "),
        (["watch", "--size", "1000000"], "--size is "),
        (["watch", "--size", "0"], "--size is "),
    ],
)
def test_a_command_answers_in_words(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error_of: ErrorOf
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in error_of(k24, *words)


@pytest.mark.parametrize(
    ("flag", "text", "message"),
    [
        ("--config", "learner: {a: b}", NO_NAME),
        ("--config", "learner: [1]", NO_NAME),
        ("--config", "mixer: {a: b}\nlearner: nq_learner", NO_NAME),
        ("--config", f"algorithm: {'[' * 3000}{']' * 3000}", LISTS),
        ("--config", f"a: &a [1, 1]\n{DOUBLING}", ALIASES),
        ("--config", "a: &a [*a]", ALIASES),
        ("--import", "raise SystemExit(3)", "failed: "),
        ("--import", "import sys; sys.exit()", "failed: "),
        ("--import", "raise GeneratorExit", "failed: "),
        ("--import", "1 / 0", "failed: "),
        ("--import", MUTE, "failed: Mute: its message cannot be shown"),
    ],
)
def test_a_file_that_cannot_be_used(flag: str, text: str, message: str, tmp_path: Path, error_of: ErrorOf) -> None:
    file = tmp_path / f"given_{abs(hash(text))}{'.py' if flag == '--import' else '.yaml'}"
    file.write_text(text, encoding="utf-8")
    assert message in error_of(compare.main, flag, str(file), "--out", str(tmp_path))


def test_the_dashboard_command_can_be_typed() -> None:
    command_line = dashboard_command(parse_storage_url("sqlite:////tmp/my studies/b.db"))
    script = f"set -- {command_line}; printf '%s|' \"$@\""
    shown = subprocess.run(["sh", "-c", script], capture_output=True, text=True).stdout
    assert shown == "optuna-dashboard|sqlite:////tmp/my studies/b.db|--artifact-dir|/tmp/my studies/artifacts|"


TEXT = "−0.030 [−0.1, +0.1] … 2×, ±, “x”, Δ"
SIGNS = f"from harness.cli.streams import speak_any_encoding; speak_any_encoding(); print({TEXT!a})"


def bytes_from(*words: str, **environment: str) -> bytes:
    """Run Python in a process of its own, which must succeed."""
    done = subprocess.run([sys.executable, *words], env={**os.environ, **environment}, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", '-0.030 [-0.1, +0.1] ... 2x, +/-, "x", \\u0394'),
        ("latin-1", "-0.030 [-0.1, +0.1] ... 2×, ±"),
        ("cp1252", "-0.030 [-0.1, +0.1] … 2×, ±"),
        ("utf-8", TEXT),
    ],
)
def test_a_console_of_any_encoding(encoding: str, shown: str) -> None:
    assert bytes_from("-c", SIGNS, PYTHONIOENCODING=encoding).startswith(shown.encode(encoding))


def test_a_console_without_an_encoding() -> None:
    assert bytes_from("-c", SIGNS, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0").startswith(b"-0.030")


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_interrupts_wait_for_the_end_of_a_block(first: signal.Signals) -> None:
    went_on = []

    def work(*signals: signal.Signals) -> None:
        with deferred_interrupts() as interrupt:
            for each in signals:
                signal.raise_signal(each)
            went_on.append(interrupt.requested)

    work()
    for signals in ([first], [first, signal.SIGTERM], [first, signal.SIGTERM, signal.SIGINT]):
        with pytest.raises(KeyboardInterrupt):
            work(*signals)
    assert went_on == [0, 1, 2], "the third signal acts at once"


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


@pytest.mark.parametrize("text", ["1-99999999999", "1-9999999999999999999999", "0-1000001"])
def test_ids_without_end(text: str) -> None:
    with pytest.raises(UsageError, match=r"at most 1,000,000 can be named at once|ids of runs"):
        ids_in(text)


def test_ids_from_a_higher_to_a_lower_one_are_not_taken_for_none() -> None:
    with pytest.raises(UsageError, match=r"--runs 9-3: no ids lie there; the lower one stands first: 3-9"):
        ids_in("1,9-3", flag="--runs")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_help_on_a_console_of_any_encoding(encoding: str) -> None:
    assert b"--algos" in bytes_from("-m", "harness", "compare", "--help", PYTHONIOENCODING=encoding)


def test_a_closed_output() -> None:
    done = subprocess.run(["sh", "-c", f"{sys.executable} -m harness >&-"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


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
