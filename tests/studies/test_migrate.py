"""Databases of earlier versions are led to the present tables: whole, copied first, and by one process at a time."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import optuna
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial
from sqlalchemy import create_engine

from studies.db import migrate
from studies.db.errors import StorageError
from studies.db.schema import SCHEMA_VERSION, Base
from studies.search import SearchStudy
from tests.golden.make_database import restore
from tests.studies.sample import open_store, query, url
from tests.studies.test_search import work
from tests.studies.test_two_processes import together

PAST = range(1, SCHEMA_VERSION)


@pytest.fixture
def old(path: Path) -> Path:
    """A database of the first version."""
    restore(1, path)
    return path


@pytest.mark.parametrize("version", PAST)
def test_the_migrated_tables_are_those_of_the_program(version: int, path: Path) -> None:
    restore(version, path)
    open_store(path).close()
    engine = create_engine(url(path))
    with engine.connect() as connection:
        ours = {"include_name": lambda name, kind, _: kind != "table" or name.startswith("k24_")}
        context = MigrationContext.configure(connection, opts={**ours, "version_table": migrate.VERSION_TABLE})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_there_is_one_step_for_each_version() -> None:
    steps = [step.revision for step in ScriptDirectory(str(migrate._SCRIPTS)).walk_revisions()]
    assert sorted(steps) == [f"{version:04}" for version in range(1, SCHEMA_VERSION + 1)]


def test_the_file_as_it_was_is_kept_and_named(old: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = query(old, "SELECT * FROM k24_runs")
    with caplog.at_level(logging.WARNING):
        open_store(old).close()
    kept = old.with_name("studies.db.version-1")
    (line,) = caplog.messages
    assert line == (f"{old}: tables brought from version 1 to {SCHEMA_VERSION}; the file as it was is kept as {kept}")
    assert query(kept, "SELECT * FROM k24_runs") == before
    assert query(kept, "SELECT version FROM k24_schema") == [(1,)]
    caplog.clear()
    open_store(old).close()
    assert caplog.messages == [], "it is brought up to date once"


def test_an_earlier_copy_is_not_overwritten(old: Path) -> None:
    taken = old.with_name("studies.db.version-1")
    taken.write_text("somebody's")
    open_store(old).close()
    assert taken.read_text() == "somebody's"
    assert query(old.with_name("studies.db.version-1-1"), "SELECT version FROM k24_schema") == [(1,)]


def test_a_step_that_breaks_leaves_the_old_tables(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dump = "SELECT sql FROM sqlite_master WHERE name LIKE 'k24_%' ORDER BY name"
    before = query(old, dump)
    alembic = migrate._alembic

    def breaks_after_the_step(connection, command, revision="head"):  # type: ignore[no-untyped-def]
        alembic(connection, command, revision)
        if command == "upgrade":
            raise StorageError("broke on purpose")

    monkeypatch.setattr(migrate, "_alembic", breaks_after_the_step)
    with pytest.raises(StorageError, match="on purpose"):
        open_store(old)
    assert query(old, dump) == before
    monkeypatch.undo()
    open_store(old).close()


def test_a_copy_that_cannot_be_written_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = old.read_bytes()
    monkeypatch.setattr(migrate, "count", lambda: iter([0]))
    monkeypatch.setattr(Path, "with_name", lambda self, name: self.parent / "gone" / name)
    with pytest.raises(StorageError, match=r"its copy .*/gone/.* cannot be written .* Nothing was changed.*df -h"):
        open_store(old)
    assert old.read_bytes() == before


def test_two_processes_that_open_it_at_once_migrate_it_once(old: Path) -> None:
    (first, said), (second, also_said) = together(old, [7, 8])
    assert first == second == 0, said + also_said
    assert (said + also_said).count("tables brought from version 1") == 1
    assert len(list(old.parent.glob("*.version-1*"))) == 1


def old_search(path: Path) -> None:
    """A search of version 3: answered, broken, left, repeated and waiting trials, seven asked for."""
    restore(3, path)
    insert = "INSERT INTO k24_searches (study, request, trials, created, heartbeat) VALUES ('search', ?, 7, 1.0, 2.0)"
    query(path, insert, '{"question": "what is x?", "heartbeat": 30.0}')
    study = optuna.create_study(storage=url(path), study_name="search", direction="maximize")
    x = {"distributions": {"x": FloatDistribution(0, 1)}}
    for state, value, attributes in (
        (TrialState.COMPLETE, 0.1, {}),
        (TrialState.FAIL, 0.2, {"error": "loss is NaN"}),
        (TrialState.FAIL, 0.3, {}),  # left by its worker, and repeated:
        (TrialState.COMPLETE, 0.3, {"again_of": 2}),
        (TrialState.FAIL, 0.5, {}),  # left, and not yet repeated
        (TrialState.RUNNING, 0.6, {}),
    ):
        values = value if state == TrialState.COMPLETE else None
        study.add_trial(create_trial(state=state, value=values, params={"x": value}, user_attrs=attributes, **x))
    study.add_trial(create_trial(state=TrialState.WAITING))


def test_a_search_goes_on_with_what_was_left(path: Path) -> None:
    old_search(path)
    drawn = []

    def objective(trial: optuna.Trial) -> float:
        drawn.append(trial.suggest_float("x", 0, 1))
        return drawn[-1]

    with SearchStudy.open(url(path), "search", request={"question": "what is x?"}, trials=7) as search:
        rows = query(path, "SELECT state FROM k24_runs WHERE study = 'search' ORDER BY seed")
        assert rows == [("finished",)] * 3 + [("queued",)] * 4
        work(search, objective)
        states = Counter(trial.state.name for trial in search.optuna.get_trials())
    assert drawn[:2] == [0.5, 0.6], "their settings are tried again"
    assert len(drawn) == 4
    assert states == {"COMPLETE": 6, "FAIL": 5}
