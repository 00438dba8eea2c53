"""The same studies on a PostgreSQL server: runs, trials, notes, queue, migration, and what goes wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from studies.db.database import Database, clock, connect
from studies.db.errors import StorageError, repeated
from studies.db.schema import SCHEMA_VERSION
from studies.db.storage_url import parse_storage_url
from studies.run_table import RunTable
from studies.search import SearchStudy
from studies.store import StudyStore, study_names
from tests.studies.sample import CONFIG, KEY, OUTCOMES, RESULT, begin, evaluate
from tests.studies.server import Restart, server
from tests.studies.test_search import kill_one_of_three, work


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[str, Restart]]:
    with server() as found:
        yield found


@pytest.fixture
def url(running: tuple[str, Restart]) -> str:
    return running[0]


@pytest.fixture
def restart(running: tuple[str, Restart]) -> Restart:
    return running[1]


@pytest.fixture
def db(url: str) -> Iterator[Database]:
    """A connection as the program's own."""
    made = connect(parse_storage_url(url))
    yield made
    made.close()


def ask(url: str, statement: str) -> list[tuple[object, ...]]:
    engine = create_engine(parse_storage_url(url).parsed)
    with engine.begin() as connection:
        found = connection.execute(text(statement))
        rows = [tuple(row) for row in found] if found.returns_rows else []
    engine.dispose()
    return rows


def test_a_run_comes_out_as_it_went_in(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # files shown with trials lie below it
    (tmp_path / "curve.png").write_bytes(b"made up")
    with StudyStore.open(url) as store:
        store.enqueue([(KEY, CONFIG, {"number": 1})])
        assert store.claim_next() == {"number": 1}
        run = begin(store)
        evaluate(run, 1000)
        run.outcomes(OUTCOMES)
        run.attach("curve.png")
        row = run.finish(RESULT)
        failed = begin(store, seed=2)
        failed.fail("loss is NaN")
    with StudyStore.open(url) as store:
        assert store.rows() == [row]
        assert store.outcomes(row.run_id) == OUTCOMES
        assert begin(store, seed=1).status == "finished"
        assert begin(store, seed=2).last_error == "loss is NaN"
    assert study_names(url) == ["compare"]
    assert len(list((tmp_path / "studies" / "artifacts").iterdir())) == 1
    assert ask(url, "SELECT state FROM trials ORDER BY number") == [("COMPLETE",), ("FAIL",), ("FAIL",)]


def test_tables_of_the_first_version_are_brought_up_to_date(url: str) -> None:
    StudyStore.open(url).close()
    ask(url, "DROP TABLE k24_alembic_version, k24_searches, k24_throughput, k24_machines")
    ask(url, "ALTER TABLE k24_runs DROP COLUMN job")
    ask(url, "UPDATE k24_schema SET version = 1")
    with StudyStore.open(url, "later") as store:
        begin(store).finish(RESULT)
    assert ask(url, "SELECT version_num FROM k24_alembic_version") == [(f"{SCHEMA_VERSION:04}",)]


def test_a_newer_schema_is_refused(url: str) -> None:
    StudyStore.open(url).close()
    ask(url, "UPDATE k24_alembic_version SET version_num = '9999'")
    with pytest.raises(StorageError, match=r"written by a newer version .*version 9999"):
        StudyStore.open(url)
    ask(url, f"UPDATE k24_alembic_version SET version_num = '{SCHEMA_VERSION:04}'")


def test_our_transactions_queue(url: str, db: Database) -> None:
    """What one has read still holds when it writes: 2 × 10 additions to one number, none lost."""
    ask(url, "CREATE TABLE counted (n INTEGER)")
    ask(url, "INSERT INTO counted VALUES (0)")

    def count(_adder: int) -> None:
        for _ in range(10):
            with db.transaction() as session:
                n = session.execute(text("SELECT n FROM counted")).scalar_one()
                time.sleep(0.002)
                session.execute(text(f"UPDATE counted SET n = {n + 1}"))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(count, range(2)))
    assert ask(url, "SELECT n FROM counted") == [(20,)]


def test_the_clock_is_the_servers(url: str, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Machines whose clocks differ agree on whose heartbeat is too old."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    with db.transaction() as session:
        assert clock(session) == pytest.approx(now, abs=60)


def test_a_lock_that_takes_too_long_is_reported(url: str, db: Database) -> None:
    with db.transaction() as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(StorageError, match=r"is locked: another process .*pg_stat_activity"):
            StudyStore.open(url, busy_seconds=0.1)


def test_a_server_that_dropped_its_connections_is_asked_again(url: str) -> None:
    with StudyStore.open(url, "patient") as store:
        run = begin(store)
        evaluate(run, 1000)
        ask(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        evaluate(run, 2000)
        assert run.finish(RESULT).win_rate == RESULT.win_rate


def test_a_server_that_is_restarted_is_waited_for(url: str, restart: Restart) -> None:
    """Both sides of a study come back: ours, and Optuna's with its heartbeats."""

    def objective(trial: optuna.Trial) -> float:
        restart(0.5)
        return trial.suggest_float("x", 0, 1)

    with SearchStudy.open(url, "restarted", request={"question": "what is x?"}, trials=1) as search:
        work(search, objective)
        assert [trial.state for trial in search.optuna.get_trials()] == [TrialState.COMPLETE]
    with StudyStore.open(url, "patient") as store:
        run = begin(store, seed=3)
        restart(0.5)
        evaluate(run, 1000)
        assert run.finish(RESULT).win_rate == RESULT.win_rate


def test_a_server_is_waited_for_as_long_as_asked(url: str, restart: Restart, caplog: pytest.LogCaptureFixture) -> None:
    hasty, patient = (connect(parse_storage_url(url, seconds)) for seconds in (0.3, 20))
    restart(4.0)
    gone = pytest.raises(StorageError, match=r"cannot be reached \(.* What was stored before is safe")
    with gone, hasty.transaction() as session:
        session.execute(text("SELECT 1"))
    with patient.transaction() as session:
        assert session.execute(text("SELECT 1")).scalar() == 1
    endings = [record.message.partition("); ")[2] for record in caplog.records]
    assert endings == ["tried again for 0.3 s", "tried again for 20 s"]
    hasty.close()
    patient.close()


def test_a_missing_database_is_reported(url: str) -> None:
    says = r'/nowhere\?.* cannot be reached .*"nowhere" does not exist.*createdb nowhere'
    with pytest.raises(StorageError, match=says):
        StudyStore.open(url.replace("/studies?", "/nowhere?"))


def test_of_three_workers_one_is_killed_and_every_trial_is_done_once(url: str, tmp_path: Path) -> None:
    kill_one_of_three(url, tmp_path / "log.txt")


def test_a_transaction_that_a_restart_interrupts_is_done_again_whole(
    url: str, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server goes away between a statement and its COMMIT; nothing is lost, nothing is there twice."""
    real, seen = RunTable.renew, list[int]()

    def renew(self: RunTable, session: Session, run_id: int) -> None:
        real(self, session, run_id)
        seen.append(run_id)
        if len(seen) == 1:
            restart(0.5)

    with StudyStore.open(url, "interrupted") as store:
        run = begin(store, seed=7)
        monkeypatch.setattr(RunTable, "renew", renew)
        evaluate(run, 1000)
        assert len(seen) == 2, "once in vain, once for good"
        assert [point.env_steps for point in run.curve_points()] == [1000]
        seen.clear()
        assert run.finish(RESULT).win_rate == RESULT.win_rate
        assert len(store.rows()) == 1


@pytest.mark.parametrize("stored", [True, False], ids=["stored", "not stored"])
def test_a_commit_whose_answer_is_lost_is_looked_up(
    url: str, db: Database, stored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg
    from sqlalchemy.exc import OperationalError

    real, lost = Session.commit, list[bool]()

    def commit(self: Session) -> None:
        if lost:
            return real(self)
        lost.append(True)
        real(self) if stored else self.rollback()
        raise OperationalError("COMMIT", {}, psycopg.OperationalError("server closed the connection"))

    @repeated
    def add() -> None:
        with db.transaction() as session:
            session.execute(text("INSERT INTO looked_up VALUES (1)"))

    ask(url, "DROP TABLE IF EXISTS looked_up")
    ask(url, "CREATE TABLE looked_up (n INTEGER)")
    with monkeypatch.context() as patch:
        patch.setattr(Session, "commit", commit)
        add()
    assert ask(url, "SELECT count(*) FROM looked_up") == [(1,)]


def test_reading_waits_for_no_lock(url: str, db: Database) -> None:
    with StudyStore.open(url, "read", busy_seconds=0.5) as store, db.transaction() as session:
        session.execute(text("SELECT 1"))
        assert store.rows() == []
        assert store.unfinished() == []


def test_a_server_that_restarts_is_waited_for_at_the_start(url: str, restart: Restart) -> None:
    StudyStore.open(url, "first").close()
    restart(1.0)
    with StudyStore.open(url, "first") as store:
        assert store.rows() == []
    restart(1.0)
    with SearchStudy.open(url, "second", request={"question": "what is x?"}, trials=1) as search:
        assert search.name == "second"
