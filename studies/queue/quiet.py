"""Keep a machine free of one database's other work while something is timed on it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, select

from studies.db.database import clock, read_transaction, transaction
from studies.db.errors import repeated
from studies.db.schema import Machine, Run
from studies.db.storage_url import StorageUrl
from studies.queue.owner import Owner, is_free, owner_of, release, set_owner

_LOOK_AGAIN = 0.5
"""Seconds between two looks."""


@contextmanager
def quiet_machine(engine: Engine, url: StorageUrl, patience: float) -> Iterator[bool]:
    """Within this block no process begins a run of this database here; those that go on get ``patience`` seconds.

    Yields:
        Whether none goes on either, ours apart.
    """
    me, until = Owner.myself(), time.monotonic() + patience
    while not _claim(engine, url, me):
        time.sleep(_LOOK_AGAIN)
    try:
        while (busy := _runs_of_others(engine, url, me)) and time.monotonic() < until:
            time.sleep(_LOOK_AGAIN)
        yield not busy
    finally:
        _release(engine, url, me)


def wait_for_quiet_to_end(engine: Engine, url: StorageUrl) -> None:
    """Return once no other process keeps this machine free."""
    me = Owner.myself()
    while _is_claimed_by_another(engine, url, me):
        time.sleep(_LOOK_AGAIN)


@repeated
def _claim(engine: Engine, url: StorageUrl, me: Owner) -> bool:
    with transaction(engine, url) as session:
        row, now = session.get(Machine, me.host), clock(session)
        if row is None:
            row = Machine(host=me.host, heartbeat=now)
            session.add(row)
        free = owner_of(row) == me or is_free(row, now)
        if free:
            set_owner(row, me, now)
        return free


@repeated
def _release(engine: Engine, url: StorageUrl, me: Owner) -> None:
    with transaction(engine, url) as session:
        row = session.get(Machine, me.host)
        if row is not None and owner_of(row) == me:
            release(row)


@repeated
def _is_claimed_by_another(engine: Engine, url: StorageUrl, me: Owner) -> bool:
    with read_transaction(engine, url) as session:
        row = session.get(Machine, me.host)
        return row is not None and owner_of(row) != me and not is_free(row, clock(session))


@repeated
def _runs_of_others(engine: Engine, url: StorageUrl, me: Owner) -> int:
    with read_transaction(engine, url) as session:
        now, running = clock(session), select(Run).filter_by(state="running", owner_host=me.host)
        return sum(owner_of(run) != me and not is_free(run, now) for run in session.scalars(running))
