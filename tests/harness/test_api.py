"""The harness from Python: the same study as the command, policies that act, what a study holds as tables."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.api import Comparison, StorageError, UsageError, compare, evaluate, load_policy, open_study, pull, push
from harness.cli.user_code import import_user_code
from harness.compare import main
from tests.harness.conftest import Printed

SHORT = {"env_steps": 400, "budget": "smoke", "device": "cpu", "progress": False}
needs_pandas = pytest.mark.skipif(importlib.util.find_spec("pandas") is None, reason="pandas is not installed")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Two algorithms that learn for a moment on the real engine."""
    folder = tmp_path_factory.mktemp("api")
    return compare(
        algos=["k24", "qmix"],
        scenarios="terran_5_vs_5",
        seeds=[0, 3],
        settings={"k24.div_coef": 0.2},
        storage=f"sqlite:///{folder}/s.db",
        out=folder / "runs",
        **SHORT,
    )


def place(made: Comparison) -> dict[str, object]:
    return {"storage": made.storage, "out": made.out}


def test_it_is_the_study_that_the_command_makes(made: Comparison, printed: Printed) -> None:
    assert made.complete
    assert made.name == "compare-smoke-400-steps"
    words = ["--algos", "k24,qmix", "--seeds", "0,3", "--budget", "smoke", "--env-steps", "400", "--device", "cpu"]
    words += ["--storage", made.storage, "--out", str(made.out), "--report", "none", "--set", "k24.div_coef=0.2"]
    assert main(words) == 0
    assert printed().count("already finished") == 4, "nothing is trained twice"
    again = compare(algos=["k24"], seeds=[3], settings={"k24.div_coef": 0.2}, **place(made), **SHORT)
    assert [(run["algorithm"], run["seed"]) for run in again.runs()] == [("k24", 3)], "only what was asked for"


def test_tables_hold_every_run_curve_and_battle(made: Comparison) -> None:
    runs = made.runs()
    assert {(run["algorithm"], run["seed"], run["state"]) for run in runs} == {
        (name, seed, "finished") for name in ("k24", "qmix") for seed in (0, 3)
    }
    assert {run["config.algorithm.div_coef"] for run in runs if run["algorithm"] == "k24"} == {0.2}
    assert all(run["env_steps"] == 400 and run["episodes"] == 16 for run in runs)
    curves = made.curves()
    assert {point["env_steps"] for point in curves} == {0, 400}
    assert len({tuple(point) for point in curves}) == 1, "all records have the same keys"
    outcomes = made.outcomes()
    assert len(outcomes) == 4 * 16
    wins = sum(outcome["won"] for outcome in outcomes if (outcome["algorithm"], outcome["seed"]) == ("k24", 0))
    assert wins == next(run["wins"] for run in runs if (run["algorithm"], run["seed"]) == ("k24", 0))
    assert made.table().startswith("# compare-smoke-400-steps: 400 env steps a run")
    assert "| k24 |" in made.table()
    assert made._repr_markdown_() == made.table()


@needs_pandas
def test_data_frames_are_made_when_asked_for(made: Comparison) -> None:
    frame = made.to_pandas()
    assert list(frame["algorithm"]) == ["k24", "qmix"]
    curves = made.curves().to_pandas()
    assert curves.groupby("algorithm")["env_steps"].max().to_dict() == {"k24": 400, "qmix": 400}


def test_without_pandas_the_error_says_what_to_type(made: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install 'k24-harness\[data\]'"):
        made.runs().to_pandas()


def test_a_study_is_opened_by_name(made: Comparison) -> None:
    study = open_study(made.name, **place(made))
    now, then = (
        [{name: value for name, value in run.items() if not name.startswith("throughput")} for run in each.runs()]
        for each in (study, made)
    )
    assert now == then, "speeds apart, which the command may have measured meanwhile"
    assert study.algorithms == ["k24", "qmix"]
    assert repr(study) == "Study('compare-smoke-400-steps': 4 of 4 runs finished)"
    with pytest.raises(StorageError, match="unknown study 'compare-smoke-401-steps'"):
        open_study("compare-smoke-401-steps", **place(made))


def test_a_policy_acts_alike_in_a_batch_on_arrays_and_in_pettingzoo(made: Comparison) -> None:
    in_batch, on_arrays, in_world = (made.policy("k24", seed=3) for _ in range(3))
    batch, world = in_batch.make_env(1, seed=7), in_batch.parallel_env(seed=7)
    batch.reset(7)
    observations, infos = world.reset(seed=7)
    for _ in range(8):
        chosen = in_batch(batch)
        assert on_arrays.act(batch.obs[0], batch.action_mask[0], batch.unit_type[0]).tolist() == chosen[0].tolist()
        actions = in_world.act_parallel(observations, infos)
        assert list(actions.values()) == chosen[0].tolist()
        batch.step(chosen)
        observations, *_, infos = world.step(actions)
        if batch.terminated[0] or batch.truncated[0]:
            break
    batch.close()
    world.close()


@pytest.mark.parametrize("flat", [False, True])
def test_a_pettingzoo_world_is_read_in_its_own_order(made: Comparison, flat: bool) -> None:
    policy = made.policy("k24", seed=3)
    with closing(policy.parallel_env(seed=7, flat_observations=flat)) as world, closing(policy.make_env(1)) as batch:
        observations, infos = world.reset(seed=7)
        batch.reset(7)
        expected = dict(zip(world.possible_agents, policy(batch)[0].tolist(), strict=True))
        policy.reset()
        assert policy.act_parallel(dict(reversed(observations.items())), infos) == expected
        policy.reset()
        other = {f"my_{name}": observation for name, observation in observations.items()}
        other_infos = {f"my_{name}": info for name, info in infos.items()}
        with pytest.raises(ValueError, match=r"of my_ally_0, .*must be of ally_0, .*agents=world.possible_agents"):
            policy.act_parallel(other, other_infos)
        names = [f"my_{name}" for name in world.possible_agents]
        assert list(policy.act_parallel(other, other_infos, agents=names).values()) == list(expected.values())
        with pytest.raises(ValueError, match="unit_type of ally_0 is missing"):
            policy.act_parallel(observations, {"ally_0": {"action_mask": infos["ally_1"].get("action_mask", [])}})


OBS, MASK, TYPES = np.zeros((5, 82)), np.ones((5, 11)), np.zeros(5)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"unit_type": TYPES + 99}, r"unit_type holds 99\.0; TrainedPolicy\(.*\) knows 0 marine, 1 "),
        ({"unit_type": TYPES.astype(int) - 5}, "unit_type holds -5; "),
        ({"unit_type": TYPES + 0.5}, r"unit_type holds 0\.5; "),
        ({"unit_type": TYPES * np.nan}, "unit_type holds nan; "),
        ({"unit_type": [None] * 5}, "unit_type is of dtype object; it must hold whole numbers"),
        ({"unit_type": [[0], [0, 1]]}, "unit_type is no array"),
        ({"obs": OBS * np.nan}, "obs holds NaN, infinity or a number too large for float32"),
        ({"obs": OBS + 1e300}, "obs holds NaN, infinity or a number too large for float32"),
        ({"obs": OBS + 1j}, "obs is of dtype complex128; it must hold real numbers"),
        ({"obs": "x"}, "obs is of dtype <U1; it must hold real numbers"),
        ({"action_mask": MASK * 2}, "action_mask holds other values than 0 and 1"),
        ({"action_mask": MASK * np.nan}, "action_mask holds other values than 0 and 1"),
        ({"action_mask": MASK[0]}, r"action_mask is \(11,\) for each battle"),
        ({"obs": OBS[None].repeat(2, 0), "unit_type": TYPES[None].repeat(2, 0)}, r"action_mask is \(11,\) for each"),
        ({"obs": OBS[None], "action_mask": MASK[None].repeat(2, 0)}, "action_mask is of 2 battles, obs is of 1"),
        ({"obs": OBS[None][:0], "action_mask": MASK[None][:0], "unit_type": TYPES[None][:0]}, "obs is of 0 battles"),
        ({"obs": OBS[:, :3]}, r"obs is \(5, 3\) for each battle.*needs \(5, "),
        ({"action_mask": MASK * 0}, "an agent has no legal action"),
    ],
)
def test_arrays_that_no_world_gives_are_refused(made: Comparison, change: dict[str, object], fault: str) -> None:
    policy = made.policy("k24", seed=3)
    assert policy.act(OBS, MASK, TYPES).shape == (5,)
    with pytest.raises(ValueError, match=fault):
        policy.act(**{"obs": OBS, "action_mask": MASK, "unit_type": TYPES, **change})


def test_a_policy_is_loaded_by_its_trials_number(made: Comparison) -> None:
    run = next(run for run in made.runs() if run["algorithm"] == "k24")
    policy = load_policy(run["trial"], study=made.name, **place(made))
    assert repr(policy) == "TrainedPolicy(k24 on terran_5_vs_5, 400 env steps)"


def test_memory_is_kept_between_calls_and_reset_forgets_it(made: Comparison) -> None:
    policy, env = made.policy("qmix", seed=0), made.policy("qmix", seed=0).make_env(2)
    env.reset(1)
    policy.act(env.obs, env.action_mask, env.unit_type)
    before = {name: value.clone() for name, value in policy._greedy._state.items()}
    policy.act(env.obs, env.action_mask, env.unit_type)
    assert any(not before[name].equal(value) for name, value in policy._greedy._state.items())
    with pytest.raises(ValueError, match=r"1 battles, before there were 2; call reset\(\)"):
        policy.act(env.obs[0], env.action_mask[0], env.unit_type[0])
    policy.reset()
    assert policy.act(env.obs[0], env.action_mask[0], env.unit_type[0]).shape == (5,)
    env.close()


def test_evaluate_plays_policies_and_scripts(made: Comparison) -> None:
    policy = made.policy("qmix", seed=0)
    found = evaluate(policy, battles=8, seed=1)
    assert found.battles == 8
    assert evaluate(policy, battles=8, seed=1).outcomes == found.outcomes, "a seed gives the same battles"
    assert evaluate(policy, battles=8, seed=2).outcomes != found.outcomes
    with closing(policy.make_env(1)) as env:
        env.reset(0)
        assert policy.act(env.obs[0], env.action_mask[0], env.unit_type[0]).shape == (5,), "it begins a new battle"
    assert str(found).startswith("qmix on terran_5_vs_5: win rate 0.")
    assert len(found.records()) == 8
    nearest = evaluate("nearest", "terran_5_vs_5", battles=64)
    assert nearest.win_rate.estimate > evaluate("random", "terran_5_vs_5", battles=64).win_rate.estimate
    assert evaluate(policy, "zerg_5_vs_5", battles=4).battles == 4, "another map of the same sizes"


def test_another_name_of_a_map_is_the_same_map() -> None:
    by_alias, by_id = (evaluate("random", name, battles=4) for name in ("3s6z", "3s5z_vs_3s6z"))
    assert by_alias == by_id


def test_mistakes_are_reported_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown algorithm 'k25'"):
        compare(algos=["k25"], storage=f"sqlite:///{tmp_path}/s.db")
    with pytest.raises(UsageError, match=r"--seeds '-1,': give how many"):
        compare(algos=["k24"], seeds=[-1], storage=f"sqlite:///{tmp_path}/s.db")
    with pytest.raises(UsageError, match="a run's folder looks like"):
        load_policy(tmp_path)
    with pytest.raises(UsageError, match="setting of k24 'div_cof'"):
        compare(algos=["k24"], settings={"k24.div_cof": 1}, storage=f"sqlite:///{tmp_path}/s.db")
    assert list(tmp_path.iterdir()) == []


def test_of_two_worlds_a_policy_is_taken_only_by_name(made: Comparison, tmp_path: Path) -> None:
    """One scenario under two rules is two scenarios."""
    where = dict(storage=f"sqlite:///{tmp_path}/s.db", out=tmp_path)
    for rules in ("2023", "2024"):
        again = compare(algos="qmix", scenarios="3m", seeds=1, settings={"env.rules": rules}, **where, **SHORT)
    study = open_study(again.name, **where)
    assert len(study.scenarios) == 2
    with pytest.raises(UsageError, match=r"has qmix on several scenarios; name one; finished: qmix 3m@"):
        study.policy("qmix")
    assert study.policy("qmix", study.scenarios[1]).env_options["rules"] == "2024"


def test_loggers_follow_runs_of_the_api(tmp_path: Path) -> None:
    where = dict(storage=f"sqlite:///{tmp_path}/s.db", out=tmp_path / "runs")
    result = compare(algos=["rule"], scenarios=["fake"], log=["csv"], **where, **{**SHORT, "env_steps": 2000})
    (log,) = (tmp_path / "runs" / result.name).glob("rule-fake-seed0-*/log.csv")
    names = {line.split(",")[1] for line in log.read_text().splitlines()[1:]}
    assert {"eval/win_rate", "train/loss", "train/env_steps_per_second", "final/win_rate"} <= names


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda made: compare(seeds=1.5), "compare: seeds is 1.5, it must be a whole number or a list or None"),
        (lambda made: compare(algos=3), "compare: algos is 3, it must be a list"),
        (lambda made: compare(settings=[("k24.lr", 1)]), "it must be a dictionary or None"),
        (lambda made: load_policy(1.0), "load_policy: run is 1.0, it must be a string or of type Path or a whole"),
        (lambda made: load_policy("z" * 400), "File name too long"),
        (lambda made: open_study(3), "open_study: study is 3, it must be a string"),
        (lambda made: made.policy("k24", seed="0"), "policy: seed is '0', it must be a whole number or None"),
        (lambda made: evaluate("random", "3m", battles="4"), "evaluate: battles is '4', it must be a whole number"),
        (lambda made: evaluate("random", "3m", battles=10**12), "battles is 1000000000000, it must be 1 to 10,000,000"),
        (lambda made: evaluate("random", "3m", seed=-1), "seed is -1, it must be at least 0"),
        (lambda made: evaluate("random", "3m", num_envs=3), "evaluate takes no num_envs"),
        (lambda made: evaluate(None, "3m"), "evaluate: policy is None, it must be of type TrainedPolicy or a string"),
        (lambda made: evaluate("random", "3m", battles=0), "battles is 0"),
        (lambda made: evaluate("nearest"), "name a scenario, for example evaluate('nearest'"),
        (lambda made: evaluate("nearest", "terran_5_vs_5", backend="sc2"), "policy nearest needs"),
        (lambda made: evaluate(made.policy("k24"), heuristic_ai=True), "lets the world act in the policy's place"),
        (lambda made: evaluate(made.policy("k24"), "MMM3"), "MMM3"),
        (lambda made: evaluate(made.policy("k24"), "MMM2"), "they differ in n_agents 5 and 10; n_actions 11 and 18"),
        (lambda made: made.policy("kalei"), "no finished run kalei; finished: k24 terran_5_vs_5 seed"),
        (lambda made: push(3, "a/b"), "push: run is 3, it must be a string or of type Path"),
        (lambda made: pull(3), "pull: name is 3, it must be a string"),
    ],
)
def test_arguments_that_cannot_be_used_are_named(made: Comparison, call: Any, says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        call(made)


def test_one_logger_may_come_as_a_string(made: Comparison) -> None:
    asked = dict(algos="k24", seeds=[0], settings={"k24.div_coef": 0.2}, log="csv", imports=())
    assert compare(**asked, **place(made), **SHORT).complete


def test_a_policy_of_the_game_is_evaluated_in_the_game(made: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def make(scenario: str, *, num_envs: int, **options: Any) -> None:
        asked.update(options, num_envs=num_envs)
        raise ValueError("no game here")

    policy = made.policy("qmix", seed=0)
    monkeypatch.setattr(policy, "_run", dataclasses.replace(policy._run, backend="sc2"))
    monkeypatch.setattr("envs.make", make)
    with pytest.raises(UsageError, match="no game here"):
        evaluate(policy, battles=8)
    assert (asked["backend"], asked["num_envs"]) == ("sc2", 4)


def test_a_file_of_ones_own_may_be_named_in_every_call(tmp_path: Path) -> None:
    file = tmp_path / "map_named_in_every_call.py"
    file.write_text("raise ValueError('a slip')")
    for _ in range(2):
        with pytest.raises(UsageError, match="ValueError: a slip"):
            import_user_code(str(file))
    file.write_text("ran = globals().get('ran', 0) + 1\n")
    for _ in range(2):
        import_user_code(str(file))
    assert sys.modules[file.stem].ran == 1
    file.write_text("ran = 3\n")
    with pytest.raises(UsageError, match="it has changed since it was imported; start Python again"):
        import_user_code(str(file))
    other = tmp_path / "elsewhere" / file.name
    other.parent.mkdir()
    other.write_text("")
    with pytest.raises(UsageError, match=f"a module named {file.stem} is there already"):
        import_user_code(str(other))
