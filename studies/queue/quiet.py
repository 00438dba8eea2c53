"""Keep a machine free of one database's other work while something is timed on it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select

from studies.db.database import Database, clock
from studies.db.errors import repeated
from studies.db.schema import Machine, Run
from studies.queue.owner import Owner, is_free, owner_of, release, set_owner

_LOOK_AGAIN = 0.5
"""Seconds between two looks."""


@contextmanager
def quiet_machine(db: Database, patience: float) -> Iterator[bool]:
    """Within this block no process begins a run of this database here; those that go on get ``patience`` seconds.

    Yields:
        Whether none goes on either, ours apart.
    """
    me, until = Owner.myself(), time.monotonic() + patience
    while not _claim(db, me):
        time.sleep(_LOOK_AGAIN)
    try:
        while (busy := _runs_of_others(db, me)) and time.monotonic() < until:
            time.sleep(_LOOK_AGAIN)
        yield not busy
    finally:
        _release(db, me)


def wait_for_quiet_to_end(db: Database) -> None:
    """Return once no other process keeps this machine free."""
    me = Owner.myself()
    while _is_claimed_by_another(db, me):
        time.sleep(_LOOK_AGAIN)


@repeated
def _claim(db: Database, me: Owner) -> bool:
    with db.transaction() as session:
        row, now = session.get(Machine, me.host), clock(session)
        if row is None:
            row = Machine(host=me.host, heartbeat=now)
            session.add(row)
        free = owner_of(row) == me or is_free(row, now)
        if free:
            set_owner(row, me, now)
        return free


@repeated
def _release(db: Database, me: Owner) -> None:
    with db.transaction() as session:
        row = session.get(Machine, me.host)
        if row is not None and owner_of(row) == me:
            release(row)


@repeated
def _is_claimed_by_another(db: Database, me: Owner) -> bool:
    with db.read_transaction() as session:
        row = session.get(Machine, me.host)
        return row is not None and owner_of(row) != me and not is_free(row, clock(session))


@repeated
def _runs_of_others(db: Database, me: Owner) -> int:
    with db.read_transaction() as session:
        now, running = clock(session), select(Run).filter_by(state="running", owner_host=me.host)
        return sum(owner_of(run) != me and not is_free(run, now) for run in session.scalars(running))
