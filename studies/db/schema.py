"""The tables beside Optuna's own in the same file: runs, results, curves, events, outcomes, timings, provenance.

Every name starts with ``k24_``, since Optuna keeps tables called ``studies``, ``trials`` and ``alembic_version`` there.
A run refers to its study by name and to its trial by number: Optuna's tables belong to Optuna and get no foreign keys.
"""

from __future__ import annotations

from typing import Any, get_type_hints

from sqlalchemy import JSON, ForeignKey, MetaData, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from studies.rows import CurvePoint, EpisodeOutcome, RunResult, TurnReading

SCHEMA_VERSION = 4
"""Raised with every change of the tables below, each with its step in ``migrations/versions``; a database with a
higher number is refused."""

_NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_name)s",
}


class Base(DeclarativeBase):
    """Common base; constraints carry names, because SQLite migrations can only drop what has one."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {dict[str, Any]: JSON, dict[str, float]: JSON}  # noqa: RUF012  (the name and its form are SQLAlchemy's)


def columns_of(record: type, **kinds: Any) -> Any:
    """Return a base class with a column for each field of a record, whose meaning stands there (``studies/rows.py``).

    Args:
        record: the dataclass.
        kinds: field -> type of its column, where that is not the usual one of the field's type.
    """
    columns = {name: Mapped[kind] for name, kind in get_type_hints(record).items()}  # type: ignore[valid-type]
    given = {name: mapped_column(kind) for name, kind in kinds.items()}
    return type(f"ColumnsOf{record.__name__}", (), {"__annotations__": columns, **given})


class Owned:
    """Columns of what one process at a time works on; the first three are null when no process does."""

    owner_host: Mapped[str | None]
    owner_pid: Mapped[int | None]
    owner_started: Mapped[str | None]
    """Tells the owner from a later process with the same number."""
    heartbeat: Mapped[float]
    """Last heartbeat of the owner, seconds since 1970 (UTC)."""


class Schema(Base):
    """One row, for programs of before alembic, which look here and refuse (see ``migrate.py``)."""

    __tablename__ = "k24_schema"
    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]


class Run(Owned, Base):
    """One (algorithm, scenario, seed, config) of a study, from its first start on; or one trial of a search."""

    __tablename__ = "k24_runs"
    __table_args__ = (
        UniqueConstraint("study", "algorithm", "scenario", "seed", "config_hash", name="uq_k24_runs_key"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study: Mapped[str]
    algorithm: Mapped[str]
    scenario: Mapped[str]
    seed: Mapped[int]
    config_hash: Mapped[str]
    config: Mapped[dict[str, Any]]
    state: Mapped[str]
    """``queued``, ``running``, ``interrupted``, ``failed`` or ``finished``."""
    job: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What a worker needs to do the run by itself; null where only the command that began it knows."""
    error: Mapped[str | None] = mapped_column(Text)
    """What the last session failed with; null unless ``failed``."""
    trial_number: Mapped[int | None]
    """Optuna's number of the newest trial; null until that trial exists."""
    created: Mapped[float]
    """When it was first asked for, seconds since 1970 (UTC)."""
    finished: Mapped[float | None]
    """Seconds since 1970 (UTC); null unless ``finished``."""


class Search(Base):
    """The request of a search over settings, so that workers can join it; its trials are rows of ``k24_runs``."""

    __tablename__ = "k24_searches"
    study: Mapped[str] = mapped_column(primary_key=True)
    """Name of the Optuna study with its trials."""
    request: Mapped[dict[str, Any]]
    """The question: algorithm, scenario, seeds, budget, ranges."""
    trials: Mapped[int]
    """How many trials were asked for; a later command may ask for more."""
    created: Mapped[float]
    """Seconds since 1970 (UTC)."""


class Result(columns_of(RunResult), Base):  # type: ignore[misc]
    """The final numbers of a finished run; written in one transaction with ``Run.state = 'finished'``."""

    __tablename__ = "k24_results"
    run_id: Mapped[int] = mapped_column(ForeignKey("k24_runs.id", ondelete="CASCADE"), primary_key=True)


class Curve(columns_of(CurvePoint), Base):  # type: ignore[misc]
    """A greedy evaluation during training."""

    __tablename__ = "k24_curves"
    run_id: Mapped[int] = mapped_column(ForeignKey("k24_runs.id", ondelete="CASCADE"), primary_key=True)
    env_steps: Mapped[int] = mapped_column(primary_key=True)


class Event(Base):
    """A line about something that happened in training, such as a reset of masked weights."""

    __tablename__ = "k24_events"
    run_id: Mapped[int] = mapped_column(ForeignKey("k24_runs.id", ondelete="CASCADE"), primary_key=True)
    env_steps: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text, primary_key=True)


class Outcome(columns_of(EpisodeOutcome), Base):  # type: ignore[misc]
    """One episode of the final evaluation."""

    __tablename__ = "k24_outcomes"
    run_id: Mapped[int] = mapped_column(ForeignKey("k24_runs.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True)
    battle_id: Mapped[int] = mapped_column(primary_key=True)


class PartTiming(Base):
    """Seconds spent in one part of a run, such as rollout, update or evaluation, over all its sessions."""

    __tablename__ = "k24_timings"
    run_id: Mapped[int] = mapped_column(ForeignKey("k24_runs.id", ondelete="CASCADE"), primary_key=True)
    part: Mapped[str] = mapped_column(primary_key=True)
    seconds: Mapped[float]


class ThroughputReading(columns_of(TurnReading, machine=Text), Base):  # type: ignore[misc]
    """Decisions/s of a finished run's policy, measured in turn with the others of its comparison."""

    __tablename__ = "k24_throughput"
    run_id: Mapped[int] = mapped_column(ForeignKey("k24_runs.id", ondelete="CASCADE"), primary_key=True)


class Machine(Owned, Base):
    """A machine that a process keeps free of this database's other work while it measures."""

    __tablename__ = "k24_machines"
    host: Mapped[str] = mapped_column(primary_key=True)


class Provenance(Base):
    """One session of work on a run: a run that was killed and resumed has several."""

    __tablename__ = "k24_provenance"
    run_id: Mapped[int] = mapped_column(ForeignKey("k24_runs.id", ondelete="CASCADE"), primary_key=True)
    session: Mapped[int] = mapped_column(primary_key=True)
    """0, 1, 2, … in order of time."""
    started: Mapped[float]
    """Seconds since 1970 (UTC)."""
    record: Mapped[dict[str, Any]]
