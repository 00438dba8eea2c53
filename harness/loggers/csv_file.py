"""One CSV file a run: a line for each number, so that columns never change while it grows."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from harness.loggers.protocol import LoggedRun

NAME = "log.csv"
HEAD = ["env_steps", "name", "value"]


class CsvLogger:
    """Appends to ``log.csv``; every call is flushed, so the file can be followed with ``tail -f``."""

    def __init__(self, run: LoggedRun) -> None:
        run.folder.mkdir(parents=True, exist_ok=True)
        path = run.folder / NAME
        kept = _rows_until(path, run.start) if run.start and path.exists() else []
        self._file = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        self._writer.writerows([HEAD, *kept])
        self._file.flush()

    def log(self, env_steps: int, values: Mapping[str, float]) -> None:
        """Append a line for each number."""
        self._writer.writerows([env_steps, name, repr(float(value))] for name, value in values.items())
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _rows_until(path: Path, env_steps: int) -> list[list[str]]:
    """The whole lines of earlier sessions up to where this one begins; a kill may have cut the last line."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if len(row) == len(HEAD) and row[0].isdigit()]
    return [row for row in rows if int(row[0]) <= env_steps]
