"""Write ``schema_<version>.sql``, a small database as text: ``python -m tests.golden.make_database``.

One file per version of the tables stays in the repository, so that every later program can be shown to open it. It
holds a finished run, a failed one and an interrupted one.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from studies.db.schema import SCHEMA_VERSION
from tests.studies.sample import OUTCOMES, RESULT, begin, evaluate, open_store

FOLDER = Path(__file__).parent


def make(path: Path) -> None:
    """Fill a new database."""
    with open_store(path) as store:
        finished = begin(store, seed=1)
        for env_steps, win_rate in ((1000, 0.125), (2000, 0.5), (3000, 0.71875)):
            evaluate(finished, env_steps, win_rate)
        finished.event(2400, "masks frozen, learning rate 0.0009")
        finished.timings({"rollout": 3.5, "update": 2.75})
        finished.outcomes(OUTCOMES)
        finished.finish(replace(RESULT, speedup_24=1.25, speedup_24_reason=""))
        failed = begin(store, seed=2)
        evaluate(failed, 1000)
        failed.fail("loss is NaN at 1200 env_steps")
        evaluate(begin(store, seed=3), 1000)  # left open: closing the store interrupts it


def restore(version: int, path: Path) -> None:
    """Turn the text of a version back into a database file."""
    with closing(sqlite3.connect(path)) as file:
        file.executescript((FOLDER / f"schema_{version}.sql").read_text())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "studies.db"
        make(database)
        with closing(sqlite3.connect(database)) as opened:
            text = "\n".join(opened.iterdump())
    (FOLDER / f"schema_{SCHEMA_VERSION}.sql").write_text(text + "\n")
