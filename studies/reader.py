"""A study read without writing a byte: a colleague's file may be write-protected, or others may be at work on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from common.errors import quoted
from common.registry import unknown_name_text
from studies import row_queries
from studies.db.database import Database, clock, connect, connect_to_read, inspect_file
from studies.db.errors import StorageError, repeated, repeated_at_start
from studies.db.schema import SCHEMA_VERSION
from studies.db.storage_url import BUSY_SECONDS, StorageUrl, parse_storage_url, without_passwords
from studies.rows import CurvePoint, EpisodeOutcome, RunRow, UnfinishedRun

T = TypeVar("T")


class StudyReader:
    """Read one study of a database.

    Args:
        db: the database.
        study: name of the Optuna study.
    """

    def __init__(self, db: Database, study: str) -> None:
        self._db, self.url, self.study = db, db.url, study

    @classmethod
    @repeated_at_start
    def open(cls, storage: str, study: str, *, busy_seconds: float = BUSY_SECONDS) -> StudyReader:
        """Open a study to read it; one that is not there has no runs.

        Args:
            storage: as ``StudyStore.open`` takes it.
            study: its name.
            busy_seconds: how long to wait for another process's write.

        Raises:
            StorageError: there is no such database, it cannot be read, or its tables are of another version and the
                file may not be written. Tables of an older version in a file that may be written are brought up to
                date, a copy of the file kept.
        """
        return cls(_connect(parse_storage_url(storage, busy_seconds)), study)

    @classmethod
    def open_existing(cls, storage: str, study: str) -> StudyReader:
        """Open a study that has runs.

        Raises:
            StorageError: as of ``open``, or there is no such study.
        """
        reader = cls.open(storage, study)
        try:
            known = reader.studies()
        except StorageError:
            reader.close()
            raise
        if study in known:
            return reader
        reader.close()
        hint = f"It is looked for in {without_passwords(storage)}."
        raise StorageError(unknown_name_text("study", study, known, hint=hint))

    @repeated
    def _read(self, query: Callable[..., T], *arguments: Any) -> T:
        """Return what ``query(session, *arguments)`` gives."""
        with self._db.read_transaction() as session:
            return query(session, *arguments)

    def studies(self) -> list[str]:
        """Names of all studies of this database that have runs."""
        return self._read(row_queries.studies)

    def rows(self) -> list[RunRow]:
        """The finished runs of this study, in the order in which they were first started."""
        return self._read(row_queries.read_rows, self.study)

    def unfinished(self) -> list[UnfinishedRun]:
        """The other runs of this study, likewise."""
        return self._read(row_queries.unfinished, self.study)

    def states(self) -> dict[int, str]:
        """Run id -> ``queued``, ``running``, ``interrupted``, ``failed`` or ``finished``, as the rows say."""
        return self._read(row_queries.states, self.study)

    def now(self) -> float:
        """Seconds since 1970 (UTC) by the clock that heartbeats are written with."""
        return self._read(clock)

    def silent_since(self, moment: float) -> list[int]:
        """Ids of runs that are ``running`` and whose owner has given no heartbeat since then."""
        return self._read(row_queries.silent_since, self.study, moment)

    def curve_points(self, run_id: int) -> list[CurvePoint]:
        """The evaluations made during a run's training, in order of ``env_steps``."""
        return self.curves([run_id])[run_id]

    def curves(self, run_ids: Sequence[int]) -> dict[int, list[CurvePoint]]:
        """Run id -> its evaluations, for many runs at once."""
        return self._read(row_queries.curves_of, run_ids)

    def all_outcomes(self, run_ids: Sequence[int]) -> dict[int, list[EpisodeOutcome]]:
        """Run id -> the episodes of its final evaluation, for many runs at once."""
        return self._read(row_queries.outcomes_of, run_ids)

    def events(self, run_id: int) -> list[tuple[int, str]]:
        """(env_steps, line) of what happened in a run's training."""
        return self._read(row_queries.events, run_id)

    def outcomes(self, run_id: int) -> list[EpisodeOutcome]:
        """The episodes of a run's final evaluation, by slot and battle."""
        return self.all_outcomes([run_id])[run_id]

    def close(self) -> None:
        """Release the connections."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            self.close()
        except StorageError:
            if error is None:
                raise  # else what ended the block says more, and the next opener ends what was left open


def _connect(url: StorageUrl) -> Database:
    """Open tables of this program's version."""
    if url.path and not url.path.is_file():
        raise StorageError(
            f"There is no database {url}. Make one: python -m harness.compare --storage {quoted(url.redacted)}"
        )
    inspect_file(url)
    db, version = connect_to_read(url)
    if version == SCHEMA_VERSION:
        return db
    db.close()
    if url.path and not (_may_write(url.path) and _may_write(url.path.parent)):
        found = "holds no tables of this program" if version is None else f"is of an older version ({version})"
        raise StorageError(
            f"{url} {found}, and cannot be brought to this program's version ({SCHEMA_VERSION}), since it may not be "
            f"written. Copy it and read the copy: cp {quoted(url)} copy.db; then --storage sqlite:///copy.db"
        )
    connect(url).close()
    return connect_to_read(url)[0]


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
