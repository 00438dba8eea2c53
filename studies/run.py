"""One run of a study while it is worked on: its curve, events, outcomes, and its end."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import delete
from sqlalchemy.orm import Session

from studies import row_queries
from studies.db.errors import StorageError, repeated
from studies.db.schema import Curve, Event, Outcome, PartTiming
from studies.queue.owner import HEARTBEAT_IN_TRAINING
from studies.rows import CurvePoint, EpisodeOutcome, RunKey, RunResult, RunRow
from studies.run_table import INTERRUPTED, RunTable

Status = Literal["finished", "running_elsewhere", "started", "resumed"]


@dataclass(kw_only=True)
class RunRecord:
    """A run that ``StudyStore.begin`` has answered; only a ``started`` or ``resumed`` one can be written to.

    Every write is one transaction that also renews the heartbeat, and is refused once another process has the run.

    Raises:
        StorageError: the run is not ours to write (finished, or running elsewhere), or the database cannot be used.
        RunTakenOver: it was ours, and another process continues it.
    """

    key: RunKey
    run_id: int
    """Primary key in ``k24_runs``."""
    trial_number: int
    """Optuna's number of the trial; -1 where a run elsewhere has none yet."""
    created: float
    """First start of the run, seconds since 1970 (UTC); distinguishes it from the same run in another database."""
    status: Status
    """``started``: first time ever. ``resumed``: begun before, killed, interrupted or failed; look for a checkpoint and
    ``rewind`` to it. ``finished``: use ``row``. ``running_elsewhere``: ``owner`` says who."""
    row: RunRow | None = None
    """The result, where ``finished``."""
    owner: str = ""
    """Host, process and age of the last heartbeat, where ``running_elsewhere``."""
    last_error: str | None = None
    """What the session before failed with, where it did."""
    earlier: dict[str, Any] | None = None
    """Provenance of the newest session before this one: the one that finished the run, where ``finished``."""
    run_table: RunTable = field(repr=False)

    def __post_init__(self) -> None:
        self._open = self.status in ("started", "resumed")
        self._last_heartbeat = time.monotonic()

    @property
    def is_open(self) -> bool:
        """Whether it can be written to: begun, and neither finished nor ended since."""
        return self._open

    @repeated
    def curve(self, point: CurvePoint) -> CurvePoint:
        """Store an evaluation made during training; one at the same ``env_steps`` is replaced.

        Returns:
            What was stored: diagnostics that are not finite are left out, as JSON has no word for them.
        """
        extra = {name: value for name, value in point.extra.items() if math.isfinite(value)}
        point = replace(point, extra=extra)
        with self._write() as session:
            session.merge(Curve(run_id=self.run_id, **asdict(point)))
        return point

    @repeated
    def curve_points(self) -> list[CurvePoint]:
        """The stored evaluations in order of ``env_steps``."""
        with self.run_table.db.read_transaction() as session:
            return row_queries.curves_of(session, [self.run_id])[self.run_id]

    @repeated
    def event(self, env_steps: int, text: str) -> None:
        """Store a line about something that happened; the same line at the same step is stored once."""
        with self._write() as session:
            session.merge(Event(run_id=self.run_id, env_steps=env_steps, text=text))

    @repeated
    def rewind(self, env_steps: int) -> None:
        """Drop curve points and events after ``env_steps``, where a resumed run starts again; -1 drops all."""
        with self._write() as session:
            session.execute(delete(Curve).where(Curve.run_id == self.run_id, Curve.env_steps > env_steps))
            session.execute(delete(Event).where(Event.run_id == self.run_id, Event.env_steps > env_steps))

    @repeated
    def outcomes(self, outcomes: Iterable[EpisodeOutcome]) -> None:
        """Store how each episode of the final evaluation ended, in place of any stored before."""
        rows = [Outcome(run_id=self.run_id, **asdict(outcome)) for outcome in outcomes]
        with self._write() as session:
            session.execute(delete(Outcome).where(Outcome.run_id == self.run_id))
            session.add_all(rows)

    @repeated
    def timings(self, seconds: Mapping[str, float]) -> None:
        """Store seconds by part of the work (``rollout``, ``update``, …), totals over all sessions of the run."""
        with self._write() as session:
            for part, value in seconds.items():
                session.merge(PartTiming(run_id=self.run_id, part=part, seconds=value))

    def heartbeat(self) -> None:
        """Say that this process still works on the run; call it as often as convenient."""
        if time.monotonic() - self._last_heartbeat >= HEARTBEAT_IN_TRAINING:
            self._confirm()

    def attach(self, path: Path | str) -> None:
        """Show a file (a plot, for example) with the trial in the dashboard; before ``finish`` or ``fail``."""
        self._confirm()
        self.run_table.trials.attach(self.trial_number, Path(path))

    def finish(self, result: RunResult) -> RunRow:
        """Store the result, then tell Optuna; a kill between the two is made good when the study is next opened."""
        self._store(result)
        self._open = False
        return self.run_table.finalize(self.run_id)

    @repeated
    def _store(self, result: RunResult) -> None:
        with self._write() as session:
            self.run_table.store_result(session, self.run_id, result)

    @repeated
    def _confirm(self) -> None:
        """Renew the heartbeat, or raise where the run is no longer ours."""
        with self._write():
            pass

    def fail(self, error: str) -> None:
        """End this session with an error; the trial becomes FAIL, and the run can be begun again."""
        self._end("failed", error)

    def mark_interrupted(self, reason: str) -> None:
        """End this session without a result; the trial becomes FAIL with the reason, and the run can be resumed."""
        self._end("interrupted", None, reason)

    def _end(self, state: str, error: str | None, reason: str = INTERRUPTED) -> None:
        self._confirm()
        self._open = False
        self.run_table.end_session(self.run_id, state, error, reason)

    @contextmanager
    def _write(self) -> Iterator[Session]:
        if not self._open:
            raise StorageError(
                f"The run ({self.key}) cannot be written to: it is {self.status.replace('_', ' ')}"
                f"{' ' + self.owner if self.owner else ''}, or this record was ended. Begin it again with "
                f"StudyStore.begin, and write only where status is 'started' or 'resumed'."
            )
        with self.run_table.db.transaction() as session:
            self.run_table.renew(session, self.run_id)
            yield session
        self._last_heartbeat = time.monotonic()
