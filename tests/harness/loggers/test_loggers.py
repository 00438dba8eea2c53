"""Loggers: what they write is read back by the programs they write for."""

from __future__ import annotations

import csv
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.cli.errors import UsageError
from harness.loggers import LoggedRun, RunLog, check_loggers, register_logger, registry
from tests.harness.results.rows import curve_point
from tests.studies.sample import RESULT


def run_in(folder: Path, start: int = 0) -> LoggedRun:
    name, config = "k24-fake-seed0-abc", {"algorithm": {"name": "k24", "div_coef": 0.1}}
    run = dict(name=name, study="s", algorithm="k24", scenario="fake", seed=0, config=config)
    return LoggedRun(**run, folder=folder / "s" / name, start=start)


def needs(package: str) -> pytest.MarkDecorator:
    missing = importlib.util.find_spec(package) is None
    return pytest.mark.skipif(missing, reason=f"{package} is not installed; pip install -e '.[log]'")


def write_a_run(name: str, folder: Path, start: int = 0, steps: tuple[int, ...] = (1000, 2000)) -> list[str]:
    warnings: list[str] = []
    log = RunLog([name], run_in(folder, start), warnings.append)
    for step in steps:
        log.training(step - 500, {"loss": 0.75})
        log.evaluated(curve_point(step, step / 8000, extra={"temperature": 2.0}))
    log.finished(RESULT)
    log.close()
    return warnings


def read_csv(folder: Path) -> list[tuple[int, str, float]]:
    with (run_in(folder).folder / "log.csv").open(newline="") as file:
        return [(int(row["env_steps"]), row["name"], float(row["value"])) for row in csv.DictReader(file)]


def win_rates(folder: Path) -> list[tuple[int, float]]:
    return [(step, value) for step, name, value in read_csv(folder) if name == "eval/win_rate"]


def test_csv_holds_training_evaluations_and_the_result(tmp_path: Path) -> None:
    assert write_a_run("csv", tmp_path) == []
    rows = read_csv(tmp_path)
    written = {(500, "train/loss", 0.75), (2000, "eval/win_rate", 0.25), (2000, "learner/temperature", 2.0)}
    assert {*written, (RESULT.env_steps, "final/win_rate", RESULT.win_rate)} <= set(rows)
    assert "final/speedup_24" not in {name for _, name, _ in rows}, "it was not measured"


def test_csv_of_a_resumed_run_drops_what_came_after_its_checkpoint(tmp_path: Path) -> None:
    write_a_run("csv", tmp_path, steps=(1000, 2000, 3000))
    path = run_in(tmp_path).folder / "log.csv"
    path.write_text(path.read_text() + "3500,train/lo")  # a kill in the middle of a line
    log = RunLog(["csv"], run_in(tmp_path, start=2000), pytest.fail)
    assert max(step for step, *_ in read_csv(tmp_path)) == 2000
    log.evaluated(curve_point(3000, 0.5))
    log.close()
    assert win_rates(tmp_path) == [(1000, 0.125), (2000, 0.25), (3000, 0.5)]


def test_a_run_that_begins_again_leaves_nothing_of_its_first_session(tmp_path: Path) -> None:
    """It was killed before its first checkpoint."""
    write_a_run("csv", tmp_path, steps=(1000, 2000))
    write_a_run("csv", tmp_path, steps=(1000,))
    assert win_rates(tmp_path) == [(1000, 0.125)]


def wandb_history(path: Path) -> list[dict[str, float]]:
    """The rows that ``wandb sync`` would upload: protobuf records in LevelDB's log format after a head of 7 bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, rows = path.read_bytes(), []
    at, part = 7, b""
    while at + 7 <= len(data):
        if at % 32768 > 32768 - 7:  # a block's rest that holds no head
            at += 32768 - at % 32768
        length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        part += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            record = Record.FromString(part)
            part = b""
            if record.WhichOneof("record_type") == "history":
                items = record.history.item
                rows.append({(each.key or "/".join(each.nested_key)): json.loads(each.value_json) for each in items})
    return rows


@needs("tensorboard")
def test_tensorboard_reads_what_was_written_and_forgets_what_a_resumed_run_repeats(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert write_a_run("tensorboard", tmp_path, steps=(1000, 2000, 3000)) == []
    assert write_a_run("tensorboard", tmp_path, start=2000, steps=(3000,)) == []
    events = EventAccumulator(str(tmp_path / "s" / "tensorboard" / "k24-fake-seed0-abc"))
    events.Reload()
    assert [(each.step, each.value) for each in events.Scalars("eval/win_rate")] == [
        (1000, 0.125),
        (2000, 0.25),
        (3000, 0.375),
    ]
    assert events.Scalars("final/win_rate")[-1].value == pytest.approx(RESULT.win_rate)


@needs("wandb")
def test_wandb_writes_offline_runs_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    import wandb

    assert write_a_run("wandb", tmp_path) == []
    wandb.teardown()  # as at the end of a program: W&B's own process writes what it was handed
    (offline,) = (tmp_path / "s" / "wandb").glob("offline-run-*")
    history = wandb_history(next(offline.glob("*.wandb")))
    evaluated = [(row["env_steps"], row["eval/win_rate"]) for row in history if "eval/win_rate" in row]
    assert evaluated == [(1000, 0.125), (2000, 0.25)]
    assert history[-1]["final/win_rate"] == RESULT.win_rate


@needs("mlflow")
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's own, beside SQLAlchemy 2.1
def test_mlflow_keeps_metrics_and_settings_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.tracking import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert write_a_run("mlflow", tmp_path) == []
    assert write_a_run("mlflow", tmp_path, start=2000, steps=(3000,)) == []
    client = MlflowClient(f"sqlite:///{tmp_path}/s/mlflow.db")
    experiment = client.get_experiment_by_name("s")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.params["algorithm.div_coef"] == "0.1"
    history = client.get_metric_history(run.info.run_id, "eval/win_rate")
    assert [(each.step, each.value) for each in history] == [(1000, 0.125), (2000, 0.25), (3000, 0.375)]


class Breaking:
    """A logger that works once."""

    def __init__(self, run: LoggedRun) -> None:
        self.calls = 0

    def log(self, env_steps: int, values: Mapping[str, float]) -> None:
        self.calls += 1
        if self.calls > 1:
            raise OSError("no space left on device")

    def close(self) -> None: ...


def test_a_logger_that_fails_is_dropped_and_the_others_go_on(tmp_path: Path) -> None:
    warnings: list[str] = []
    with registry._registry.preserved():
        register_logger("breaking", entry_point=f"{__name__}:Breaking", summary="breaks")
        log = RunLog(["breaking", "csv"], run_in(tmp_path), warnings.append)
    for step in (1000, 2000, 3000):
        log.evaluated(curve_point(step))
    log.close()
    assert warnings == ["--log breaking stopped (OSError: no space left on device); the run goes on without it"]
    assert {step for step, *_ in read_csv(tmp_path)} == {1000, 2000, 3000}


def test_numbers_that_are_not_finite_are_left_out(tmp_path: Path) -> None:
    log = RunLog(["csv"], run_in(tmp_path), pytest.fail)
    log.training(10, {"loss": float("nan"), "epsilon": 1.0})
    log.close()
    assert read_csv(tmp_path) == [(10, "train/epsilon", 1.0)]


def test_training_is_logged_now_and_then(tmp_path: Path) -> None:
    log = RunLog(["csv"], run_in(tmp_path, start=500), pytest.fail)
    due = [step for step in range(500, 3501, 500) if log.is_due(step) and log.training(step, {"loss": 1.0}) is None]
    assert due == [500, 1500, 2500, 3500]
    log.close()
    assert not RunLog([], run_in(tmp_path), pytest.fail).is_due(10**6)


def test_names_are_checked() -> None:
    assert check_loggers(["csv", "csv"]) == ("csv",)
    with pytest.raises(UsageError, match="unknown logger 'tensorbord': did you mean tensorboard"):
        check_loggers(["tensorbord"])
    with pytest.raises(ValueError, match="already registered"):
        register_logger("csv", entry_point="a:b", summary="")
    with pytest.raises(ValueError, match="must be 'module:class'"):
        register_logger("mine", entry_point="a", summary="")
    assert next(iter(registry.summaries())) == "csv"


def test_a_missing_package_is_named_with_what_to_type() -> None:
    package = dict(package="no_such_package_24", install="'k24-harness[log]'")
    with registry._registry.preserved():
        register_logger("far", entry_point="a:b", summary="", **package)
        with pytest.raises(UsageError, match=r"the package no_such_package_24.*pip install 'k24-harness\[log\]'"):
            check_loggers(["far"])
