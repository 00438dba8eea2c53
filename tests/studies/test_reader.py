"""A study that is only read: the file may be write-protected, locked by a writer, or of an older version."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from studies.db.errors import StorageError
from studies.db.schema import SCHEMA_VERSION
from studies.reader import StudyReader
from tests.golden.make_database import restore
from tests.studies.sample import MODES, OUTCOMES, RESULT, begin, finish_runs, open_store, protected, query, url


def make(path: Path) -> None:
    """A finished run, and one that its killed owner left running."""
    finish_runs(path)
    with open_store(path) as store:
        begin(store, seed=2)
    gone = "owner_host = 'gone', owner_pid = 1, owner_started = '-', heartbeat = 0"
    query(path, f"UPDATE k24_runs SET state = 'running', {gone} WHERE seed = 2")


def read(path: Path) -> StudyReader:
    return StudyReader.open(url(path), "compare", busy_seconds=0.2)


@MODES
def test_a_file_that_may_not_be_written_is_read(folder_mode: int, file_mode: int, path: Path) -> None:
    make(path)
    with protected(path, folder_mode, file_mode) as copy, read(copy) as reader:
        assert reader.studies() == ["compare"]
        (row,) = reader.rows()
        assert (row.win_rate, row.seed) == (RESULT.win_rate, 1)
        assert [(run.seed, run.state) for run in reader.unfinished()] == [(2, "interrupted")], "its owner is gone"
        assert reader.states() == {1: "finished", 2: "running"}
        assert [point.env_steps for point in reader.curve_points(1)] == [1000]
        assert reader.outcomes(1) == OUTCOMES
        assert (500, "masks frozen") in reader.events(1)
        assert [file.name for file in copy.parent.iterdir()] == ["studies.db"]


@MODES
def test_an_older_one_must_be_copied(folder_mode: int, file_mode: int, path: Path) -> None:
    restore(1, path)
    says = rf"of an older version \(1\), and .* version \({SCHEMA_VERSION}\), .* cp \S+ copy\.db; then --storage sqlite"
    with protected(path, folder_mode, file_mode) as copy:
        with pytest.raises(StorageError, match=says):
            read(copy)
        assert [file.name for file in copy.parent.iterdir()] == ["studies.db"]


def test_a_file_without_our_tables_is_not_an_older_one(path: Path) -> None:
    path.touch()
    refused = pytest.raises(StorageError, match="holds no tables of this program, and cannot be brought")
    with protected(path, 0o555, 0o444) as copy, refused:
        read(copy)


def test_an_older_one_that_may_be_written_is_brought_up_to_date(path: Path) -> None:
    restore(1, path)
    with read(path) as reader:
        assert len(reader.rows()) == 1
    assert query(path, "SELECT version_num FROM k24_alembic_version") == [(f"{SCHEMA_VERSION:04}",)]
    assert path.with_name("studies.db.version-1").exists()


def test_nothing_is_written_and_nobody_is_waited_for(path: Path) -> None:
    make(path)
    before = path.read_bytes()
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with read(path) as reader:
            assert len(reader.rows()) == 1
    assert path.read_bytes() == before
