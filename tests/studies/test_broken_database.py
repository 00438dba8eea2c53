"""A database that cannot be used: a clear error, what to type next, and not a byte of the file changed."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.storages._rdb.models import BaseModel as OptunaModel
from sqlalchemy import create_engine

from studies.db.driver_errors import wrap_db_errors
from studies.db.errors import StorageError
from studies.db.schema import SCHEMA_VERSION
from studies.db.storage_url import parse_storage_url
from studies.reader import StudyReader
from studies.run import RunRecord
from studies.store import StudyStore, study_names
from tests.limits import file_size_limit
from tests.studies.sample import MODES, RESULT, begin, evaluate, finish_runs, open_store, protected, query, url


@pytest.fixture
def database(path: Path) -> Path:
    """A sound database with one finished run."""
    finish_runs(path)
    return path


def random_bytes(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(20_000))


def half_of_it(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def a_page_overwritten(path: Path) -> None:
    """A page that opening a study does not read: only a walk through the whole file finds it."""
    ((page,),) = query(path, "SELECT rootpage FROM sqlite_master WHERE name = 'k24_outcomes'")
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    path.write_bytes(bytes(content))


def some_text(path: Path) -> None:
    path.write_text("env_steps,win_rate\n1000,0.2\n" * 100, encoding="utf-8")


@pytest.mark.parametrize("damage", [random_bytes, half_of_it, a_page_overwritten, some_text])
def test_a_damaged_file_is_refused_and_left_as_it_is(database: Path, damage: Callable[[Path], None]) -> None:
    damage(database)
    before = database.read_bytes()
    says = r"studies\.db is not a sound SQLite database .* Nothing was changed.*sqlite3"
    with pytest.raises(StorageError, match=says):
        open_store(database)
    assert database.read_bytes() == before
    assert sorted(file.name for file in database.parent.iterdir()) == ["studies.db"]


def test_a_newer_schema_is_refused(database: Path) -> None:
    query(database, "UPDATE k24_alembic_version SET version_num = ?", f"{SCHEMA_VERSION + 1:04}")
    before = database.read_bytes()
    says = f"newer version .*version {SCHEMA_VERSION + 1}, .* up to {SCHEMA_VERSION}.*git pull"
    with pytest.raises(StorageError, match=says):
        open_store(database)
    assert database.read_bytes() == before


def test_tables_of_another_optuna_are_refused_with_its_own_advice(database: Path) -> None:
    query(database, "UPDATE alembic_version SET version_num = 'v0.9.0.a'")
    with pytest.raises(StorageError, match=r"installed Optuna do not fit: .*optuna storage upgrade"):
        open_store(database)


def test_a_locked_database_is_named_as_such(database: Path) -> None:
    with closing(sqlite3.connect(database)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StorageError, match=r"is locked: another process .* Nothing was changed.*fuser -v"):
            open_store(database, busy_seconds=0.1)
    open_store(database).close()


def test_a_write_against_a_lock_can_be_tried_again(database: Path) -> None:
    with open_store(database, busy_seconds=0.1) as store:
        run = begin(store, seed=2)
        with closing(sqlite3.connect(database)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StorageError, match="is locked"):
                evaluate(run, 1000)
        evaluate(run, 1000)
        assert len(run.curve_points()) == 1


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "places.sqlite"
    query(path, "CREATE TABLE bookmarks (id INTEGER)")
    before = path.read_bytes()
    with pytest.raises(StorageError, match=r"another program \(tables: bookmarks\).*Name another file: --storage"):
        open_store(path)
    assert path.read_bytes() == before


def test_a_database_that_another_process_is_just_making_is_opened(path: Path) -> None:
    engine = create_engine(url(path))
    OptunaModel.metadata.tables["studies"].create(engine)
    engine.dispose()
    with open_store(path) as store:
        assert begin(store).status == "started"


def test_a_study_with_other_objectives_is_not_taken_for_a_comparison(path: Path) -> None:
    optuna.create_study(study_name="compare", storage=url(path), direction="minimize")
    before = path.read_bytes()
    with pytest.raises(StorageError, match=r"other objectives \(\['minimize'\]\); .*--study my_comparison"):
        open_store(path)
    assert path.read_bytes() == before
    open_store(path, study="my_comparison").close()


@pytest.mark.parametrize(
    ("storage", "message"),
    [
        ("postgresql://localhost", r"names no database of the server. Type: --storage postgresql://user@host/database"),
        ("postgresql://nobody@127.0.0.1:1/runs", r"127.0.0.1:1/runs cannot be reached \(.*Try psql .*createdb runs"),
        ("runs.db", r"'runs.db' is not a URL. Type: --storage sqlite:///runs.db"),
        ("", r"'' is not a URL. Type: --storage sqlite:///studies/studies.db"),
        ("sqlite://", "names no plain file, and a study must outlive the program"),
        ("sqlite:////dev/null/runs/studies.db", r"folder /dev/null/runs .* cannot be made \(Not a directory\)"),
        ("sqlite:////dev/null/studies.db", r"folder /dev/null .* cannot be made \(File exists\)"),
    ],
)
def test_a_storage_that_cannot_be_is_explained(storage: str, message: str) -> None:
    with pytest.raises(StorageError, match=message):
        StudyStore.open(storage)


def test_a_folder_in_place_of_the_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=f"{tmp_path} is a folder, not a database. Type: .*{tmp_path}/studies.db"):
        open_store(tmp_path)


def test_an_empty_study_name_is_explained(path: Path) -> None:
    with pytest.raises(StorageError, match=r"name is empty\. Type: --study compare"):
        open_store(path, study="")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc, a folder in which nobody can make a file")
def test_a_folder_that_takes_no_file_is_explained() -> None:
    with pytest.raises(StorageError, match=r"/proc/studies\.db cannot be written \(unable to open .*ls -ld /proc"):
        open_store(Path("/proc/studies.db"))


@MODES
def test_what_may_not_be_written_is_explained(folder_mode: int, file_mode: int, database: Path) -> None:
    before = database.read_bytes()
    cannot = pytest.raises(StorageError, match=r"studies\.db cannot be written .*ls -ld")
    with protected(database, folder_mode, file_mode) as path:
        with cannot, open_store(path) as store:
            begin(store, seed=2)
        assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("INSERT INTO numbers VALUES (zeroblob(100000))", r"disk that holds .*\.db is full. .* goes on where"),
        ("SELECT * FROM nowhere", r"could not be used: no such table: nowhere\. .*pragma integrity_check"),
    ],
)
def test_trouble_in_mid_run_is_explained(path: Path, statement: str, message: str) -> None:
    query(path, "CREATE TABLE numbers (n BLOB)")
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA max_page_count = 2")  # stands for a disk without room
        with pytest.raises(StorageError, match=message), wrap_db_errors(parse_storage_url(url(path))):
            file.execute(statement)


def test_a_program_killed_while_it_made_the_file_does_no_harm(path: Path) -> None:
    path.touch()  # nothing written yet
    open_store(path).close()
    with open_store(path) as store:
        evaluate(begin(store), 1000)
    assert query(path, "SELECT version_num FROM k24_alembic_version") == [(f"{SCHEMA_VERSION:04}",)]


def test_a_program_of_before_migrations_would_refuse_too(path: Path) -> None:
    """It looks into ``k24_schema`` and knows version 1."""
    open_store(path).close()
    assert query(path, "SELECT version FROM k24_schema") == [(2,)]


def evaluate_many(run: RunRecord, points: int) -> None:
    for step in range(1, points):
        evaluate(run, step)


def test_a_full_disk_in_mid_run_loses_nothing(database: Path) -> None:
    with open_store(database) as store:
        run = begin(store, seed=2)
        evaluate(run, 0)
        text = r"studies\.db could not be read or written .*df -h .*goes on where it stopped|is full\. What was stored"
        with file_size_limit(database.stat().st_size), pytest.raises(StorageError, match=text):
            evaluate_many(run, 2000)
        kept = len(run.curve_points())
        assert 1 <= kept < 2000
        evaluate(run, 5000)
        assert len(run.curve_points()) == kept + 1
        run.finish(RESULT)
        assert len(store.rows()) == 2


@pytest.mark.parametrize("value", ["'{broken'", "CAST(X'D4D4' AS TEXT)"])
def test_text_whose_bytes_were_changed(database: Path, value: str) -> None:
    query(database, f"UPDATE k24_runs SET config = {value}")
    (study,) = study_names(url(database))
    broken = pytest.raises(StorageError, match=r"studies\.db .*(read|used)")
    with StudyReader.open(url(database), study) as reader, broken:
        reader.rows()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("k24_results SET win_rate = 'abc'", "table k24_results holds win_rate 'abc', no finite number"),
        ("k24_results SET return_mean = 9e999", "table k24_results holds return_mean 'inf', no finite number"),
        ("k24_results SET win_rate = 7", "win_rate is 7.0, it is a share"),
        ("k24_results SET details = '[1]'", "table k24_results holds details '[1]', no table of values"),
        ("k24_results SET episodes = 'x'", "table k24_results holds episodes 'x', no whole number"),
        ("k24_runs SET config = '[1]'", "table k24_runs holds config '[1]', no table of values"),
        ("k24_runs SET config = '{\"env\": [2]}'", "table k24_runs holds config/env '[2]', no table of values"),
        ("k24_runs SET seed = 'x'", "table k24_runs holds seed 'x', no whole number"),
        ("k24_curves SET loss = 'abc'", "table k24_curves holds loss 'abc', no finite number"),
        ("k24_curves SET extra = 'no JSON'", "is not a sound SQLite database (a text in it cannot be read: Expecting"),
        ("k24_outcomes SET episode_return = 'x'", "table k24_outcomes holds episode_return 'x', no finite number"),
    ],
)
def test_values_that_this_program_never_stores(change: str, says: str, database: Path) -> None:
    """Such a file may come from anybody; no reader of it meets a text where it computes with a number."""
    query(database, f"UPDATE {change}")
    with StudyReader.open(url(database), "compare") as reader, pytest.raises(StorageError, match=re.escape(says)):
        read_all(reader)


def read_all(reader: StudyReader) -> None:
    ids = [row.run_id for row in reader.rows()]
    reader.curves(ids)
    reader.all_outcomes(ids)
