"""A search on the fake world: the rule's settings decide who wins, so the best trial is known."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna_dashboard import get_note

from algorithms import registry
from algorithms.settings.pymarl import dump_settings, load_settings
from common.space import Choice, Range
from harness import delete, tune, worker
from harness.cli.common import ALL_DONE, INTERRUPTED, SOME_MISSING
from harness.cli.console import make_console
from harness.cli.errors import UsageError
from harness.flags.compare import read_flags as read_compare
from harness.search.space import class_of, parse_space, recommended_space
from harness.training.train import TrainingRun
from studies.search import SearchStudy, search_names
from studies.store import StudyStore
from tests.harness.conftest import Compare, ErrorOf, Printed, ctrl_c_at
from tests.harness.fake_algorithm import RuleConfig
from tests.harness.killing import first_owner_killed

STUDY = "tune-rule-fake-smoke-600-steps"
SHORT = ("--algo", "rule", "--scenario", "fake", "--env-steps", "600", "--search", "rule.right=true,false")


def command(tmp_path: Path, *flags: str) -> list[str]:
    return [*SHORT, "--budget", "smoke", *place(tmp_path), *flags]


def place(tmp_path: Path) -> list[str]:
    return ["--storage", database(tmp_path), "--out", f"{tmp_path}/runs", "--device", "cpu"]


def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/s.db"


def search(tmp_path: Path, *flags: str) -> int:
    return tune.main(command(tmp_path, *flags))


def study(tmp_path: Path, name: str = STUDY) -> optuna.Study:
    return optuna.load_study(study_name=name, storage=database(tmp_path))


def runs(tmp_path: Path, name: str = f"{STUDY}-runs") -> StudyStore:
    return StudyStore.open(database(tmp_path), name)


@pytest.fixture(autouse=True)
def _every_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prune from the second trial on, from the middle of a run on."""
    monkeypatch.setattr(tune, "STARTUP", 1)
    monkeypatch.setattr(tune, "WARM_UP", 0.5)


def test_the_winner_is_found_and_read_by_compare(compare: Compare, tmp_path: Path, printed: Printed) -> None:
    assert search(tmp_path, "--trials", "4") == ALL_DONE
    said = printed()
    assert "4 trials of rule on fake, each 2 seeds of 600 env steps" in said
    best = study(tmp_path).best_trial
    assert best.params["right"] is True
    path = tmp_path / "runs" / STUDY / "best.yaml"
    assert f"--config {path}" in said
    assert load_settings(str(path)).values == vars(RuleConfig(**best.params, batch_size=8)), "8 is the budget's"
    assert compare("--algos", "rule", "--env-steps", "600", "--config", str(path), "--seeds", "100,") == ALL_DONE
    with runs(tmp_path, "compare-smoke-600-steps") as store, runs(tmp_path) as own:
        (row,) = store.rows()
        (same,) = (each for each in own.rows() if each.config_hash == row.config_hash and each.seed == 100)
    assert (row.wins, row.return_mean) == (same.wins, same.return_mean), "pauses between evaluations change nothing"


def test_a_trial_shows_what_it_found(tmp_path: Path) -> None:
    search(tmp_path, "--trials", "1")
    found = study(tmp_path)
    (trial,) = found.trials
    assert list(trial.intermediate_values) == [0, 600]
    assert trial.value == pytest.approx(float(trial.user_attrs["interval"][1:6]), abs=5e-4)
    assert f"Its runs are in `{STUDY}-runs`" in get_note(optuna.trial.Trial(found, trial._trial_id))
    assert [value["filename"] for value in artifacts(trial)] == ["trial-0.png"]
    assert not list(tmp_path.glob("runs/**/resume.pt")), "checkpoints of finished trials are not kept"


def artifacts(trial: optuna.trial.FrozenTrial) -> list[dict[str, Any]]:
    return [json.loads(value) for name, value in trial.system_attrs.items() if name.startswith("artifacts:")]


def test_a_hopeless_trial_is_pruned(tmp_path: Path, printed: Printed) -> None:
    more = ("--search", "rule.batch_size=4:8", "--env-steps", "1200", "--seeds", "1")
    search(tmp_path, "--trials", "4", "--seed", "6", *more)
    said = printed()
    name = STUDY.replace("600", "1200")
    pruned = [trial for trial in study(tmp_path, name).trials if trial.state.name == "PRUNED"]
    assert pruned
    assert not any(trial.params["right"] for trial in pruned), "the rule that wins nothing is the one to be pruned"
    assert f"trial {pruned[0].number}: pruned at 1,000 env steps" in said
    with runs(tmp_path, f"{name}-runs") as store:
        assert set(store.states().values()) == {"finished", "interrupted"}


def test_settings_met_again_train_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search(tmp_path, "--trials", "4", "--seeds", "1")
    assert {trial.params["right"] for trial in study(tmp_path).trials} == {True, False}
    monkeypatch.setattr(TrainingRun, "play", None)
    assert search(tmp_path, "--trials", "6", "--seeds", "1") == ALL_DONE
    assert len(study(tmp_path).trials) == 6


def test_ctrl_c_keeps_the_trial_for_the_same_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ctrl_c_at(240, seed=101):
        assert search(tmp_path, "--trials", "1") == INTERRUPTED
    assert "stopped; what is done is kept; to go on: python -m harness.tune" in capsys.readouterr().err
    assert search(tmp_path, "--trials", "1") == ALL_DONE
    stopped, done = study(tmp_path).trials
    assert stopped.params == done.params
    with runs(tmp_path) as store:
        lines = [line for row in store.rows() for _, line in store.events(row.run_id)]
        assert any(line.startswith("resumes at 240 env steps") for line in lines)


def test_a_broken_setting_does_not_cost_the_others(tmp_path: Path, printed: Printed) -> None:
    assert search(tmp_path, "--trials", "1", "--set", "rule.fail_at=100") == SOME_MISSING
    said = printed()
    assert "trial 0: FAILED with RuntimeError: the rule broke on purpose; the other trials go on" in said
    assert "none gave a result, so there are no best settings" in said
    (trial,) = study(tmp_path).trials
    assert "the rule broke on purpose" in trial.user_attrs["traceback"]


def test_worker_processes_share_it_and_one_is_killed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    flags = ("--trials", "4", "--seeds", "1", "--search", "rule.batch_size=4:40", "--n-jobs", "2")
    with first_owner_killed(tmp_path / "s.db"):
        assert search(tmp_path, *flags, "--import", "tests.harness.fake_plugin") == ALL_DONE
    trials = study(tmp_path).trials
    assert sum(trial.state.name in ("COMPLETE", "PRUNED") for trial in trials) == 4
    (left,) = (trial for trial in trials if trial.state.name == "FAIL")
    (again,) = (trial for trial in trials if trial.user_attrs.get("again_of") == left.number)
    assert again.params == left.params
    assert "nothing left to take in search" in capfd.readouterr().out
    with runs(tmp_path) as store:
        assert set(store.states().values()) <= {"finished", "interrupted"}


def test_a_setting_that_is_no_number(tmp_path: Path, printed: Printed) -> None:
    assert search(tmp_path, "--trials", "4", "--search", "rule.word=none,slow") == ALL_DONE
    said = printed()
    for words in ("searched: word in None | slow", "word None", "word slow"):
        assert words in said
    trials = study(tmp_path).trials
    assert not [trial.user_attrs["error"] for trial in trials if trial.state.name == "FAIL"]
    assert {trial.params["word"] for trial in trials} == {None, "slow"}


MISTAKES = [
    (["--algo", "k24,qmix"], "a search is for one algorithm on one scenario"),
    (["--search", "rule.right"], "--search 'rule.right' is not of the form TARGET.KEY=RANGE; --search k24.div_coef="),
    (["--search", "k24.lr=1:2"], "this search is for rule; write rule.lr="),
    (["--search", "rule.rihgt=true,false"], "unknown setting of rule 'rihgt'; did you mean right?"),
    (["--search", "rule.batch_size=9:4"], "a range goes from 9 to 4; its first end must be the lower one"),
    (["--search", "rule.batch_size=4:9:exp"], "a range reads LOW:HIGH or LOW:HIGH:log"),
    (["--search", "rule.batch_size=8"], "one value is no choice; set it instead: --set rule.batch_size=8"),
    (["--search", "rule.right=true:false"], "only numbers have ranges; list the values: rule.right=a,b"),
    (["--set", "rule.right=false"], "right is both set and searched; leave out --set rule.right"),
    (["--trials", "0"], "--trials is 0, it must be at least 1"),
    (["--seed", "-1"], "--seed is -1, it must be at least 0"),
    (["--search", "rule.right=true,true"], "one value is no choice"),
    (["--preset", "mixed"], "--preset mixed is for k24-described; none of them takes part"),
    (["--preset", "tiny"], "unknown preset 'tiny'; known: micro, large, mixed"),
]


@pytest.mark.parametrize(("flags", "message"), MISTAKES, ids=[" ".join(flags) for flags, _ in MISTAKES])
def test_mistake(flags: list[str], message: str, tmp_path: Path, error_of: ErrorOf) -> None:
    assert message in error_of(tune.main, *command(tmp_path, *flags))
    assert not (tmp_path / "s.db").exists()


def test_a_setting_that_is_a_list_cannot_be_searched() -> None:
    """Its commas would part its numbers, and every trial failed."""
    with pytest.raises(
        UsageError, match=r"sparsity_layer_weights=1,2: it is a list of numbers, which cannot be searched"
    ):
        parse_space("kalei", ["kalei.sparsity_layer_weights=1,2"])


def test_nothing_is_recommended_for_an_algorithm_of_ones_own(error_of: ErrorOf) -> None:
    says = "no ranges are recommended for rule; name some: --search"
    assert says in error_of(tune.main, "--algo", "rule", "--scenario", "fake")


def test_another_question_under_the_same_name_is_refused(tmp_path: Path, error_of: ErrorOf) -> None:
    search(tmp_path, "--trials", "1")
    says = "asks something else (other: seed). Nothing was changed"
    assert says in error_of(tune.main, *command(tmp_path, "--trials", "1", "--seed", "5"))


@pytest.mark.parametrize(
    ("scenario", "fight"),
    [("3s5z", "micro"), ("6h_vs_8z", "large"), ("corridor", "large"), ("MMM", "mixed"), ("MMM2", "mixed")],
)
def test_the_examples_of_the_table_are_in_their_rows(scenario: str, fight: str) -> None:
    assert class_of(scenario) == fight


def test_spaces_are_those_of_the_table() -> None:
    assert recommended_space("k24-described", "mixed") == {"div_coef": Range(low=0.15, high=0.25)}
    micro = recommended_space("k24-described", "micro")
    assert set(micro) == {"div_coef", "reset_interval", "finetune_start_ratio"}
    assert micro["reset_interval"] == Range(low=500_000, high=1_000_000)
    own = {"lr", "td_lambda", "epsilon_anneal_time", "alpha_lr_scale", "decay"}
    assert set(recommended_space("k24", "micro")) == own
    assert set(recommended_space("k24-alpha-fixed", "micro")) == own - {"alpha_lr_scale"}
    assert set(recommended_space("kalei", "large")) == {"lr", "td_lambda", "epsilon_anneal_time", "div_coef"}
    assert parse_space("qmix", ["qmix.lr=1e-4:1e-2:log", "qmix.td_lambda=0.3,0.6"]) == {
        "lr": Range(low=1e-4, high=1e-2, log=True),
        "td_lambda": Choice(values=(0.3, 0.6)),
    }


@pytest.mark.parametrize("algorithm", registry.ids())
def test_settings_of_every_algorithm_survive_their_file(algorithm: str, tmp_path: Path) -> None:
    config = registry.config_class(algorithm)()
    path = tmp_path / "best.yaml"
    path.write_text(dump_settings(algorithm, config, "two\nlines"))
    read = load_settings(str(path))
    assert (read.algorithm, read.left_out) == (algorithm, ())
    assert registry.config_class(algorithm)(**read.values) == config


def test_workers_end_where_no_run_can_be_built(tmp_path: Path) -> None:
    """A run claimed by a process that could not build it used to stay claimed: two workers waited for each other."""
    file = Path(__file__).with_name("bad_constructor.py")
    flags = ["--import", str(file), "--algo", "badmix", "--scenario", "3m", "--search", "badmix.batch_size=8,9"]
    length = ["--trials", "4", "--seeds", "1", "--budget", "smoke", "--env-steps", "64", "--n-jobs", "2"]
    words = [sys.executable, "-m", "harness.tune", *flags, *length, *place(tmp_path), "--study", "bad"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == SOME_MISSING, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "none gave a result, so there are no best settings" in done.stdout
    with runs(tmp_path, "bad-runs") as store:
        assert set(store.states().values()) == {"failed"}


def test_more_battles_a_step_than_an_evaluation_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One step of 700 battles passes several evaluations at once; the next due one lies ahead, or no step is played."""
    pauses, original = [], TrainingRun.train

    def counted(self: TrainingRun, *arguments: Any, **keywords: Any) -> None:
        assert len(pauses) < 50, "it does not come forward"
        original(self, *arguments, **keywords)
        pauses.append((self.at.env_steps, self.at.next_test))

    monkeypatch.setattr(TrainingRun, "train", counted)
    flags = ("--trials", "1", "--seeds", "1", "--num-envs", "700", "--env-steps", "2000")
    assert search(tmp_path, *flags) == ALL_DONE
    assert pauses[-1][0] == 2100
    assert all(due > at for at, due in pauses)


def test_names_and_folders_that_a_shell_or_a_formula_would_read(
    tmp_path: Path, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two dollar signs make a formula in pictures, a space two words of a command."""
    out, study_name = tmp_path / "my runs", "tune $a_$"
    flags = ("--trials", "1", "--study", study_name, "--out", str(out), "--import", "tests.harness.fake_plugin")
    assert search(tmp_path, *flags) == ALL_DONE
    assert (out / study_name / "trial-0.png").stat().st_size > 0
    again = shlex.split(printed().rpartition("to compare it on other seeds: ")[2])
    parsed = read_compare(again[3:])
    assert parsed.files[0].name == str(out / study_name / "best.yaml")
    assert parsed.imports == ("tests.harness.fake_plugin",)


def test_the_best_is_compared_in_the_world_and_at_the_length_of_the_search(tmp_path: Path) -> None:
    what = ["--algo", "qmix", "--scenario", "3m", "--search", "qmix.lr=1e-4,1e-3", "--set", "env.rules=2023"]
    more = ["--env-steps", "4000", "--num-envs", "4", "--config", "qmix_rnn_1R3.yaml"]
    asked = tune.read_flags([*what, *more, *place(tmp_path)])
    again = read_compare(asked.comparison)
    assert again.files == ()
    assert (again.algorithms, again.scenarios, again.settings) == (("qmix",), ("3m",), asked.runs.settings)
    for name in ("budget", "num_envs", "storage", "out", "deterministic"):
        assert getattr(again, name) == getattr(asked.runs, name), name


def test_a_trial_holds_all_its_seeds_at_a_time(tmp_path: Path, printed: Printed) -> None:
    what = ["--algo", "qmix", "--scenario", "3m", "--search", "qmix.lr=1e-4,1e-3", "--seeds", "8"]
    asked = tune.read_flags([*what, "--budget", "smoke", *place(tmp_path)])
    tune.introduce(make_console(), asked, tune.plan_runs(asked.runs)[0])
    assert ", 8 seeds at a time)" in " ".join(printed().split())


@pytest.mark.parametrize("flag", ["--only", "--log"])
def test_flags_that_a_search_would_ignore_are_refused(flag: str, tmp_path: Path, error_of: ErrorOf) -> None:
    SearchStudy.open(database(tmp_path), "mine", request={"seed": 0}, trials=1).close()
    error = error_of(worker.main, "--storage", database(tmp_path), flag, {"--only": "1", "--log": "csv"}[flag])
    assert f"{flag} is for the runs of a comparison, and mine is a search; leave it out" in error


def test_a_search_is_deleted_as_a_whole(tmp_path: Path, printed: Printed, error_of: ErrorOf) -> None:
    assert search(tmp_path, "--trials", "2") == ALL_DONE
    where = ["--storage", database(tmp_path), "--study", STUDY]
    assert "is a search, whose trials go together: --all" in error_of(delete.main, *where, "--runs", "1")
    assert delete.main([*where, "--all"]) == ALL_DONE
    assert "a search of 2 trials would be deleted for good; type the same with --yes" in printed()
    assert len(study(tmp_path).trials) == 2
    assert delete.main([*where, "--all", "--yes"]) == ALL_DONE
    assert search_names(database(tmp_path)) == []
    assert STUDY not in optuna.get_all_study_names(storage=database(tmp_path))
    with runs(tmp_path) as store:
        assert store.rows(), "its runs are a study of their own"
    assert search(tmp_path, "--trials", "2") == ALL_DONE, "it can be asked for again"


def test_a_search_deleted_in_the_dashboard_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert search(tmp_path, "--trials", "2") == ALL_DONE
    values = [trial.value for trial in study(tmp_path).trials]
    optuna.delete_study(study_name=STUDY, storage=database(tmp_path))
    monkeypatch.setattr(TrainingRun, "train", None)
    assert search(tmp_path, "--trials", "2") == ALL_DONE, "the runs are there, and nothing is trained"
    assert [trial.value for trial in study(tmp_path).trials] == values


def test_a_search_whose_deletion_was_cut_short_keeps_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert search(tmp_path, "--trials", "2") == ALL_DONE
    where = ["--storage", database(tmp_path), "--study", STUDY, "--all", "--yes"]
    with monkeypatch.context() as patch:
        patch.setattr(SearchStudy, "_delete_rows", lambda self: None)  # killed just before
        delete.main(where)
    assert STUDY not in optuna.get_all_study_names(storage=database(tmp_path))
    assert delete.main(where) == ALL_DONE, "it can be typed again"
    assert search_names(database(tmp_path)) == []
