"""The life of a run in a study: started, written to, finished, failed, interrupted, taken over, begun again."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from studies.dashboard.trials import METRIC_NAMES, Trials
from studies.db.errors import RunTakenOver, StorageError
from studies.db.schema import Result
from studies.queue.owner import ABANDONED_AFTER
from studies.rows import RunResult
from studies.run_table import RunTable
from studies.store import StudyStore
from tests.studies.sample import (
    CONFIG,
    KEY,
    OUTCOMES,
    PROVENANCE,
    RESULT,
    begin,
    evaluate,
    finish_runs,
    open_store,
    optuna_url,
    query,
    states,
    trials,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "on the way {1}" / "studies.db"


def test_a_run_comes_out_as_it_went_in(path: Path) -> None:
    with open_store(path) as store:
        run = begin(store)
        assert run.status == "started"
        evaluate(run, 1000)
        run.event(1000, "temperature 3.2")
        run.timings({"rollout": 3.0, "update": 4.0})
        run.timings({"update": 4.5})
        run.outcomes(OUTCOMES)
        row = run.finish(RESULT)
    with open_store(path) as store:
        assert store.rows() == [row]
        assert {name: getattr(row, name) for name in RESULT.__dataclass_fields__} == vars(RESULT)
        assert (row.algorithm, row.scenario, row.seed, row.config_hash) == tuple(vars(KEY).values())
        assert (row.config, row.provenance, row.study, row.trial_number) == (CONFIG, PROVENANCE, "compare", 0)
        (point,) = store.curve_points(row.run_id)
        assert (point.env_steps, point.win_rate, point.return_mean) == (1000, 0.25, 5.0)
        assert store.events(row.run_id) == [(1000, "temperature 3.2")]
        assert store.outcomes(row.run_id) == OUTCOMES
    assert query(path, "SELECT part, seconds FROM k24_timings") == [("rollout", 3.0), ("update", 4.5)]


def test_optuna_shows_the_three_values_and_what_they_mean(path: Path) -> None:
    finish_runs(path)
    (trial,) = trials(path)
    assert trial.values == [0.75, 0.5, 0.0]
    shown, named = trial.user_attrs, {"algorithm": "k24", "scenario": "terran_5_vs_5", "seed": 1}
    expected = {"win rate interval": "[0.580, 0.870] 95% Wilson over battles", "2:4 speed-up": None}
    assert shown.items() >= {**named, **expected, "2:4 speed-up reason": "no CUDA device"}.items()
    assert trial.params == named, "they are what differs between trials"
    assert all(len(str(value)) < 60 for value in shown.values()), "each fits into a column"
    (summary,) = optuna.get_all_study_summaries(storage=optuna_url(path))
    assert summary.study_name == "compare"
    assert [direction.name for direction in summary.directions] == ["MAXIMIZE"] * 3
    assert METRIC_NAMES == ["win rate", "sparsity", "FLOPs saved"]


def test_the_speedup_column_is_null_where_there_is_none(path: Path) -> None:
    with open_store(path) as store:
        begin(store, seed=1).finish(RESULT)
        begin(store, seed=2).finish(replace(RESULT, speedup_24=1.41, speedup_24_reason=""))
    assert query(path, "SELECT speedup_24 FROM k24_results ORDER BY run_id") == [(None,), (1.41,)]


def test_a_finished_run_is_given_back_and_not_run_again(path: Path) -> None:
    with open_store(path) as store:
        row = begin(store).finish(RESULT)
        again = begin(store)
        assert (again.status, again.row, again.earlier) == ("finished", row, PROVENANCE)
        with pytest.raises(ValueError, match="cannot be written to: it is finished"):
            evaluate(again, 1)
    assert states(path) == ["COMPLETE"]


def test_each_part_of_the_key_makes_another_run(path: Path) -> None:
    others = [dict(algorithm="qmix"), dict(scenario="zerg_5_vs_5"), dict(seed=2), dict(config_hash="ba9876543210")]
    keys = [KEY, *(replace(KEY, **other) for other in others)]
    with open_store(path) as store:
        for key in keys:
            store.begin(key, config=CONFIG, provenance=PROVENANCE).finish(RESULT)
        assert len(store.rows()) == len(keys)
    with open_store(path, study="another") as store:
        assert begin(store).status == "started", "another study has its own runs"
        assert store.rows() == []


def test_a_point_at_the_same_step_replaces_the_first(path: Path) -> None:
    with open_store(path) as store:
        run = begin(store)
        evaluate(run, 1000, win_rate=0.1)
        evaluate(run, 1000, win_rate=0.2)
        assert [point.win_rate for point in run.curve_points()] == [0.2]


def test_rewind_drops_what_came_after_the_checkpoint(path: Path) -> None:
    with open_store(path) as store:
        run, other = begin(store), begin(store, seed=2)
        for env_steps in (0, 1000, 2000):
            evaluate(run, env_steps)
            run.event(env_steps, "reset")
        evaluate(other, 2000)
        run.rewind(1000)
        assert [point.env_steps for point in run.curve_points()] == [0, 1000]
        assert store.events(run.run_id) == [(0, "reset"), (1000, "reset")]
        run.rewind(-1)
        assert run.curve_points() == []
        assert len(other.curve_points()) == 1, "another run's curve is none of its business"


def test_a_failed_run_can_be_begun_again(path: Path) -> None:
    with open_store(path) as store:
        run = begin(store)
        evaluate(run, 1000)
        run.fail("loss is NaN at 1200 env_steps")
        again = begin(store)
        assert (again.status, again.last_error) == ("resumed", "loss is NaN at 1200 env_steps")
        assert len(again.curve_points()) == 1
        again.finish(RESULT)
    failed, complete = trials(path)
    assert (failed.state.name, failed.user_attrs["ended"]) == ("FAIL", "loss is NaN at 1200 env_steps")
    assert complete.state.name == "COMPLETE"
    assert query(path, "SELECT error FROM k24_runs") == [(None,)]


def test_a_resumed_run_knows_when_it_was_created_and_by_what_it_was_left(path: Path) -> None:
    newer = {**PROVENANCE, "commit": "def"}
    with open_store(path) as store:
        first = begin(store)
        second = store.begin(KEY, config=CONFIG, provenance=newer)
        third = begin(store)
    assert [run.earlier for run in (first, second, third)] == [None, PROVENANCE, newer]
    assert query(path, "SELECT created FROM k24_runs") == [(first.created,)]
    assert first.created == second.created == third.created
    with open_store(path.with_name("other.db")) as store:
        assert begin(store).created != first.created


def test_closing_interrupts_what_was_left_open(path: Path) -> None:
    with open_store(path) as store:
        run = begin(store)
        evaluate(run, 1000)
    assert query(path, "SELECT state, owner_pid FROM k24_runs") == [("interrupted", None)]
    assert [trial.user_attrs["ended"] for trial in trials(path)] == ["interrupted: the same command resumes the run"]
    store.close()
    with open_store(path) as store:
        assert begin(store).status == "resumed"


def test_a_second_store_in_the_same_process_keeps_off(path: Path) -> None:
    with open_store(path) as first, open_store(path) as second:
        run = begin(first)
        assert begin(second).status == "running_elsewhere"
        assert begin(first).status == "resumed"
        second.close()
        evaluate(run, 1000)
    assert states(path) == ["FAIL"]


def test_a_run_on_another_machine_is_taken_over_once_its_heartbeat_is_old(path: Path) -> None:
    with open_store(path) as store, open_store(path) as later:
        run = begin(store)
        elsewhere = "UPDATE k24_runs SET owner_host = 'node17', owner_started = 'boot/pid/1', heartbeat = ?"
        query(path, elsewhere, time.time() - ABANDONED_AFTER / 2)
        waiting = begin(later)
        assert waiting.status == "running_elsewhere"
        assert "on node17, process" in waiting.owner
        query(path, elsewhere, time.time() - ABANDONED_AFTER - 1)
        taken = begin(later)
        assert (taken.status, taken.trial_number) == ("resumed", run.trial_number)


@pytest.mark.parametrize("other", ["owner_host = 'node17'", "owner_pid = 1", "owner_started = 'boot/pid:[1]/1'"])
def test_a_process_that_lost_its_run_stops_writing(path: Path, other: str) -> None:
    with open_store(path) as store:
        run = begin(store)
        query(path, f"UPDATE k24_runs SET {other}")
        with pytest.raises(RunTakenOver, match=r"Run 1 in .* is no longer held by this process"):
            evaluate(run, 1000)
        assert query(path, "SELECT * FROM k24_curves") == []
        with pytest.raises(RunTakenOver, match="no longer held"):
            run.finish(RESULT)
        assert query(path, "SELECT state FROM k24_runs") == [("running",)]
        query(path, "UPDATE k24_runs SET owner_host = 'node17', owner_started = 'boot/pid:[1]/1'")
    assert states(path) == ["RUNNING"], "closing leaves the other machine's trial alone"


def test_heartbeats_are_written_now_and_then(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(path) as store:
        run = begin(store)
        query(path, "UPDATE k24_runs SET heartbeat = 0")
        run.heartbeat()
        assert query(path, "SELECT heartbeat FROM k24_runs") == [(0,)], "too early for another one"
        later = time.monotonic() + 60
        monkeypatch.setattr("studies.run.time.monotonic", lambda: later)
        run.heartbeat()
        ((heartbeat,),) = query(path, "SELECT heartbeat FROM k24_runs")
        assert time.time() - heartbeat < 30


def test_a_study_deleted_in_the_dashboard_is_rebuilt_from_our_rows(path: Path) -> None:
    finish_runs(path)
    optuna.delete_study(study_name="compare", storage=optuna_url(path))
    with open_store(path) as store:
        assert begin(store).status == "finished"
    (trial,) = trials(path)
    assert (trial.values, trial.user_attrs["algorithm"]) == ([0.75, 0.5, 0.0], "k24")
    assert trial.user_attrs["win rate interval"].startswith("[0.580")


def test_a_trial_ended_by_hand_does_not_cost_the_result(path: Path) -> None:
    with open_store(path) as store:
        run = begin(store)
        query(path, "UPDATE trials SET state = 'FAIL'")
        run.finish(RESULT)
    assert states(path) == ["FAIL", "COMPLETE"]


def test_a_result_that_did_not_reach_optuna_is_reported_when_the_store_closes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_arguments: object) -> int:
        raise StorageError("locked")

    with open_store(path) as store:
        run = begin(store)
        with monkeypatch.context() as while_locked:
            while_locked.setattr(Trials, "complete", locked)
            with pytest.raises(StorageError, match="locked"):
                run.finish(RESULT)
        assert states(path) == ["RUNNING"]
        assert begin(store).status == "finished"
    assert states(path) == ["COMPLETE"]


def test_a_plot_is_attached_to_the_trial(path: Path, tmp_path: Path) -> None:
    plot = tmp_path / "curve.png"
    plot.write_bytes(b"\x89PNG made up")
    with open_store(path) as store:
        run = begin(store)
        run.attach(plot)
        with pytest.raises(ValueError, match=r"none\.png could not be attached to trial 0 .*ls -ld"):
            run.attach(tmp_path / "none.png")
    (copy,) = (path.parent / "artifacts").iterdir()
    assert copy.read_bytes() == plot.read_bytes()
    names = [json.loads(text)["filename"] for text in trials(path)[0].system_attrs.values()]
    assert names == ["curve.png"], "the failed one leaves no link"


def test_the_default_is_one_study_in_the_studies_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    StudyStore.open().close()
    assert (tmp_path / "studies" / "studies.db").is_file()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"win_rate": float("nan")}, "win_rate is nan, it must be a finite number .* RunRecord.fail"),
        ({"throughput": float("inf")}, "throughput is inf"),
        ({"throughput": 0.0}, "throughput is 0.0, it must be above 0 decisions/s"),
        ({"sparsity_masked": 50.0}, r"sparsity_masked is 50.0, it is a share and must be within 0..1"),
        ({"speedup_24_reason": ""}, "speedup_24 is None, so speedup_24_reason must say why"),
        ({"speedup_24": -1.0}, "speedup_24 is -1.0, it must be a finite factor above 0, or None"),
    ],
)
def test_a_result_that_optuna_could_not_hold_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(RESULT, **changes)  # type: ignore[arg-type]


def test_a_curve_point_without_a_number_is_refused(path: Path) -> None:
    with open_store(path) as store:
        run = begin(store)
        with pytest.raises(ValueError, match="CurvePoint: win_rate is nan"):
            evaluate(run, 1000, win_rate=float("nan"))
        assert run.curve_points() == []


def test_results_and_rows_hold_the_same_fields() -> None:
    """A field added to the result and forgotten in the table would be lost silently."""
    assert set(Result.__table__.columns.keys()) == {"run_id", *RunResult.__dataclass_fields__}


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
def test_a_diagnostic_or_loss_that_is_not_finite_is_left_out(path: Path, number: float) -> None:
    """A learner that diverges ends no comparison. JSON has no word for it, and PostgreSQL refuses it."""
    with open_store(path) as store:
        run = begin(store)
        evaluate(run, 0, loss=number, extra={"grad_norm": number, "temperature": 0.5})
        assert [(point.loss, point.extra) for point in run.curve_points()] == [(None, {"temperature": 0.5})]
    query(path, "UPDATE k24_curves SET loss = 9e999")  # as earlier versions stored it
    with open_store(path) as store:
        assert [point.loss for point in store.curve_points(run.run_id)] == [None]


def test_a_database_that_cannot_be_closed_hides_no_other_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk fails the checkpoint first, then the end of the run in the database."""

    def full(self: RunTable) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(RunTable, "interrupt_orphans", full)
    with pytest.raises(KeyboardInterrupt), open_store(path):
        raise KeyboardInterrupt
    with pytest.raises(StorageError, match="the disk is full"), open_store(path):
        pass
