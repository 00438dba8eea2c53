"""What may lie between two sessions of a run: another database, other code, a checkpoint that does not fit, Ctrl-C."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.common import ALL_DONE, SOME_MISSING
from harness.runs import provenance
from harness.runs.budget import BUDGETS
from harness.runs.files import OWNER
from harness.training.train import TrainingRun
from studies.rows import CurvePoint, RunRow
from tests.harness.conftest import Compare, Interrupt, Printed, runs_of
from tests.harness.fake_algorithm import RuleAlgorithm
from tests.studies.sample import process_as_owner

SHORT = ("--algos", "rule", "--env-steps", "400", "--study", "t")


@pytest.fixture
def more_battles(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on, the smoke budget has 48 final battles instead of 16."""
    more = dataclasses.replace(BUDGETS["smoke"], final_episodes=48)
    return lambda: monkeypatch.setitem(BUDGETS, "smoke", more)


def stored(database: Path) -> tuple[RunRow, list[CurvePoint]]:
    (run,) = runs_of(f"sqlite:///{database}", "t")
    return run


def test_a_checkpoint_of_another_database_is_kept_and_not_used(
    compare: Compare, tmp_path: Path, printed: Printed
) -> None:
    for number, database in enumerate(("first.db", "second.db", "third.db")):
        assert compare(*SHORT, "--storage", f"sqlite:///{tmp_path}/{database}") == ALL_DONE
        said = printed()
        assert ("is that of another record of this run" in said) == (number > 0)
        assert (f"kept there as resume-aside-{number}.pt, and training starts again" in said) == (number > 0)
        assert "resumes at" not in said
        _, points = stored(tmp_path / database)
        assert [point.env_steps for point in points] == [0, 400]
    (folder,) = (tmp_path / "runs" / "t").glob("rule-*")
    kept = {path.name for path in folder.glob("*.pt")}
    assert kept == {"policy.pt", "resume.pt", "resume-aside-1.pt", "resume-aside-2.pt"}


@pytest.mark.parametrize("method", ["play", "learn", "test"])
def test_ctrl_c_in_the_last_step_or_evaluation_stops_the_comparison(
    compare: Compare, interrupt: Interrupt, tmp_path: Path, printed: Printed, method: str
) -> None:
    interrupt(400, *SHORT, method=method)
    printed()
    assert compare(*SHORT) == ALL_DONE
    said = printed()
    assert "resumes at 400 env steps, the end of its training" in said
    assert "resumed 1 time" not in said, "no step of training followed on the empty replay"
    row, points = stored(tmp_path / "s.db")
    assert ([point.env_steps for point in points], row.details["resumes"]) == ([0, 400], 0)


def test_every_resumption_without_the_replay_is_counted(
    compare: Compare, interrupt: Interrupt, tmp_path: Path, printed: Printed
) -> None:
    without = (*SHORT, "--checkpoint-replay", "no")
    for env_steps in (120, 240):
        interrupt(env_steps, *without)
    assert compare(*without) == ALL_DONE
    said = printed()
    why = "its checkpoint is without the replay, which refills first: updates go on after 8 episodes"
    assert said.count(why) == 2
    assert "rule on fake, seed 0: resumed 2 times without its replay" in said
    assert stored(tmp_path / "s.db")[0].details["resumes"] == 2


def refuse(self: RuleAlgorithm, saved: dict[str, Any]) -> None:
    raise RuntimeError("size mismatch:\n  fc1.weight")


def test_a_checkpoint_that_is_refused_is_named_and_loses_nothing(
    compare: Compare, interrupt: Interrupt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: Printed
) -> None:
    interrupt(240, *SHORT)
    (checkpoint,) = (tmp_path / "runs" / "t").glob("rule-*/resume.pt")
    half_written = checkpoint.with_name(".resume-0123456789ab.part.pt")
    half_written.touch()
    for _ in range(2):
        with monkeypatch.context() as patched:
            patched.setattr(RuleAlgorithm, "load_state_dict", refuse)
            assert compare(*SHORT) == SOME_MISSING
        said = printed()
        assert f"checkpoint {checkpoint} does not fit this program (RuntimeError: size mismatch: fc1.weight)" in said
    (start_again,) = set(re.findall(r"again: (mv .*?); then", said))
    assert compare(*SHORT) == ALL_DONE
    assert "resumes at 240 env steps" in printed()
    assert not half_written.exists(), "left by a process that was killed"
    assert [point.env_steps for point in stored(tmp_path / "s.db")[1]] == [0, 400]
    assert shlex.split(start_again) == ["mv", str(checkpoint), f"{checkpoint}.old"]


def test_a_run_made_with_other_code_says_so(
    compare: Compare, interrupt: Interrupt, monkeypatch: pytest.MonkeyPatch, printed: Printed
) -> None:
    def code(commit: str) -> None:
        found = {**collect("cpu"), "commit": commit * 40, "dirty": False}
        monkeypatch.setattr(provenance, "collect", lambda device: found)

    collect = provenance.collect
    code("a")
    interrupt(240, *SHORT)
    code("b")
    assert compare(*SHORT) == ALL_DONE
    begun = "rule fake seed 0: begun at commit aaaaaaaaaa (now bbbbbbbbbb); goes on with what is here now "
    assert begun + "(use another --study to rerun)" in printed()
    code("c")
    assert compare(*SHORT) == ALL_DONE
    finished = "rule fake seed 0: already finished at commit bbbbbbbbbb (now cccccccccc); skipped "
    assert finished + "(use another --study to rerun)" in printed()


def test_the_same_run_for_two_databases_at_a_time(
    compare: Compare, interrupt: Interrupt, tmp_path: Path, printed: Printed
) -> None:
    """Both would write one folder; the second is refused while the first lives, and nothing of the first is lost."""
    interrupt(200, *SHORT, "--storage", f"sqlite:///{tmp_path}/first.db")
    (folder,) = (tmp_path / "runs" / "t").glob("rule-*")
    assert not (folder / OWNER).exists(), "an interrupted run leaves its folder"
    held = process_as_owner(os.getppid())
    (folder / OWNER).write_text(json.dumps(dataclasses.asdict(held)))
    before = {path.name: path.read_bytes() for path in folder.glob("*.pt")}
    assert compare(*SHORT, "--storage", f"sqlite:///{tmp_path}/second.db") == SOME_MISSING
    said = " ".join(printed().split())
    assert f"is in use by process {held.pid}, which trains the same run for another --storage" in said
    assert {path.name: path.read_bytes() for path in folder.glob("*.pt")} == before
    (folder / OWNER).write_text(json.dumps(dataclasses.asdict(dataclasses.replace(held, started="-/-/1"))))
    assert compare(*SHORT, "--storage", f"sqlite:///{tmp_path}/first.db") == ALL_DONE, "its owner is gone"


def test_a_run_resumed_with_other_final_battles_says_so_in_the_study(
    compare: Compare, interrupt: Interrupt, tmp_path: Path, more_battles: Callable[[], None]
) -> None:
    interrupt(200, *SHORT)
    more_battles()
    assert compare(*SHORT, "--report", "plots") == ALL_DONE
    row, _ = stored(tmp_path / "s.db")
    assert (row.episodes, row.config["evaluation"]["final_episodes"]) == (48, 48)


def test_a_page_names_algorithms_as_the_table_does_where_one_run_keeps_other_battles(
    compare: Compare, tmp_path: Path, more_battles: Callable[[], None], printed: Printed
) -> None:
    two = (*SHORT, "--seeds", "2")
    assert compare(*two) == ALL_DONE
    next((tmp_path / "runs" / "t").glob("rule-*seed1-*/policy.pt")).unlink()
    more_battles()
    assert compare(*two, "--report", "plots") == ALL_DONE
    assert "evaluated on 16 battles, not on 48" in " ".join(printed().split())
    page = (tmp_path / "runs" / "t" / "report.html").read_text()
    assert "rule@" not in page


def test_a_policy_in_training_for_another_database_is_not_evaluated(
    compare: Compare, interrupt: Interrupt, tmp_path: Path, more_battles: Callable[[], None], printed: Printed
) -> None:
    first = (*SHORT, "--storage", f"sqlite:///{tmp_path}/first.db")
    assert compare(*first) == ALL_DONE
    before, _ = stored(tmp_path / "first.db")
    interrupt(200, *SHORT, "--storage", f"sqlite:///{tmp_path}/second.db")
    more_battles()
    printed()
    assert compare(*first) == ALL_DONE
    said = " ".join(printed().split())
    assert "evaluated on 16 battles, not on 48" in said
    assert "is of 200 env steps, the finished run has 400: another command trains it for another --storage" in said
    assert stored(tmp_path / "first.db")[0] == before


def test_the_folder_is_held_until_the_result_is_stored(
    compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, original = [], TrainingRun.conclude

    def conclude(self: TrainingRun, *arguments: Any, **keywords: Any) -> RunRow:
        row = original(self, *arguments, **keywords)
        held.append((self.folder / OWNER).exists())
        return row

    monkeypatch.setattr(TrainingRun, "conclude", conclude)
    assert compare(*SHORT) == ALL_DONE
    assert held == [True]
    assert not list((tmp_path / "runs" / "t").glob(f"rule-*/{OWNER}"))
