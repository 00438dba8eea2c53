"""The file that holds what was measured, cell by cell, so that a run that was cut off goes on where it stopped."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from harness.cli.errors import UsageError
from harness.runs.files import atomic_write
from harness.runs.provenance import collect
from harness.throughput.grid_point import Peak
from harness.throughput.results import CellResult, Key, WorkResult, cell_from, work_from
from studies.db.errors import StorageError

SCHEMA = 2
"""2: the ways that gains are about are timed again after they were chosen (``again``); each cell names its subject."""
SAME = ("schema", "device_name", "torch", "cuda")
"""What must agree for two commands to fill the same file."""
HEADER = (*SAME, "cusparselt", "provenance")
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)
"""What a file that is something else raises."""
LOCK_SECONDS = 60.0
"""How long another command may hold the file; reading and writing it takes milliseconds."""
CSV_FIELDS = (
    *("subject", "hidden", "batch", "rows", "dtype", "part", "way", "seconds", "low", "high", "graph", "eager_seconds"),
    *("first_gain", "again_seconds", "again_low", "again_high", "gain_over_dense", "gain_low", "gain_high"),
    *("useful_tflops", "executed_tflops", "share_of_peak"),
    *("error", "weight_bytes", "peak_bytes", "setting", "auto", "refused"),
)


@dataclass(kw_only=True)
class Record:
    """Everything that one file holds."""

    header: dict[str, Any]
    """where and with which versions was measured"""
    peaks: dict[str, Peak] = field(default_factory=dict)
    """dtype -> one large product"""
    cells: list[CellResult] = field(default_factory=list)
    graphs_refused: dict[str, str] = field(default_factory=dict)
    """way -> why its kernels could not be recorded as CUDA graphs"""

    def done(self) -> set[Key]:
        """Keys of the cells that are there."""
        return {cell.key for cell in self.cells}

    def by_subject(self) -> dict[str, Record]:
        """Label of each policy -> the same record with its cells alone, in the order of the first cells."""
        labels = dict.fromkeys(cell.subject for cell in self.cells)
        return {label: replace(self, cells=[cell for cell in self.cells if cell.subject == label]) for label in labels}

    def as_json(self) -> str:
        """The file's content."""
        body = {
            **self.header,
            "graphs_refused": self.graphs_refused,
            "peaks": {dtype: dataclasses.asdict(peak) for dtype, peak in self.peaks.items()},
            "cells": [dataclasses.asdict(cell) for cell in self.cells],
        }
        return json.dumps(body, indent=1)

    def save(self, path: Path) -> None:
        """Add what is new to the file, and write a CSV file beside it; readers find the old file or the new one.

        Another command may fill the same file: what it has written stays, and is part of this record afterwards.

        Args:
            path: in a folder that is there.

        Raises:
            StorageError: there is no room, or the place may not be written; the file is as it was.
            UsageError: the file was replaced by something else.
        """
        beside = path.with_suffix(".csv")
        try:
            with FileLock(path.with_name(f".{path.name}.lock"), timeout=LOCK_SECONDS):
                if path.exists():
                    self._take_in(_mine(path, self))
                with atomic_write(path) as draft:
                    draft.write_text(self.as_json() + "\n", encoding="utf-8")
                with atomic_write(beside) as draft, draft.open("w", newline="", encoding="utf-8") as file:
                    writer = csv.DictWriter(file, CSV_FIELDS)
                    writer.writeheader()
                    writer.writerows(self.lines())
        except Timeout as error:
            raise StorageError(
                f"--out {path} is held by another command for more than {LOCK_SECONDS:g} s; what was stored in it is "
                f"safe. See by which: fuser -v {error.lock_file}; then type the same command again: it goes on"
            ) from error
        except OSError as error:
            raise StorageError(
                f"--out {path} cannot be written ({error.strerror or error}). What was stored in it before is safe. "
                f"Free some space (df -h {path.parent}; ulimit -f) or look at who may write there (ls -ld "
                f"{path.parent}), then type the same command again: it goes on from there"
            ) from error

    def _take_in(self, stored: Record) -> None:
        """What the file holds goes before what was measured here, so that no number changes once it was there."""
        self.header = stored.header
        self.cells = [*stored.cells, *(cell for cell in self.cells if cell.key not in stored.done())]
        self.peaks = {**self.peaks, **stored.peaks}
        self.graphs_refused = {**self.graphs_refused, **stored.graphs_refused}

    def lines(self) -> Iterator[dict[str, Any]]:
        """One for each cell, layer or whole agent, and way."""
        for cell in self.cells:
            parts = {**cell.layers, **{f"agent, {gru} GRU": work for gru, work in cell.agents.items()}}
            for part, work in parts.items():
                yield from self._lines_of(cell, part, work)

    def _lines_of(self, cell: CellResult, part: str, work: WorkResult) -> Iterator[dict[str, Any]]:
        peak = self.peaks[cell.dtype].flops_per_second if cell.dtype in self.peaks else None
        for way, found in work.ways.items():
            rate = found.flops / found.seconds if found.seconds else None
            again, gain = work.again.get(way), work.gain(way)
            yield {
                **{name: getattr(cell, name) for name in ("subject", "hidden", "batch", "rows", "dtype")},
                **{name: getattr(found, name) for name in CSV_FIELDS if hasattr(found, name)},
                **{f"again_{name}": getattr(again, name) for name in ("seconds", "low", "high") if again},
                **{f"gain_{name}": getattr(gain, name) for name in ("low", "high") if gain},
                "part": part,
                "way": way,
                "first_gain": work.first_gain(way),
                "gain_over_dense": gain.times if gain else None,
                "useful_tflops": work.useful_flops / found.seconds / 1e12 if found.seconds else None,
                "executed_tflops": rate / 1e12 if rate else None,
                "share_of_peak": rate / peak if rate and peak else None,
                "weight_bytes": found.nbytes,
                "auto": way == work.auto,
            }


def new_record(device: torch.device) -> Record:
    """An empty record of what is about to be measured."""
    provenance = collect(str(device))
    library = torch.backends.cusparselt
    header = {
        "schema": SCHEMA,
        "device_name": provenance["device_name"],
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cusparselt": library.version() if library.is_available() else None,
        "provenance": provenance,
    }
    return Record(header=header)


def read_record(path: Path) -> Record:
    """What a file holds, wherever it was measured.

    Raises:
        UsageError: there is no such file, or it is something else.
    """
    try:
        return _stored(path)
    except UsageError:
        raise
    except UNREADABLE as error:
        raise UsageError(
            f"{path} holds no results of harness.throughput ({type(error).__name__}: {error}); make such a file: "
            f"python -m harness.throughput --out FILE.json"
        ) from error


def open_record(path: Path, device: torch.device) -> Record:
    """What the file holds already, or an empty record.

    Raises:
        UsageError: the file is something else, or holds what another machine or version measured.
    """
    mine = new_record(device)
    return _mine(path, mine) if path.exists() else mine


def _mine(path: Path, record: Record) -> Record:
    """What a file holds, once it is known that it was made like the record."""
    try:
        stored = _stored(path)
    except UsageError:
        raise
    except UNREADABLE as error:
        raise UsageError(f"--out {path} is not a file of this command ({error}); name another file") from error
    for name in SAME:
        if stored.header[name] != record.header[name]:
            raise UsageError(
                f"--out {path} holds measurements with {name} = {stored.header[name]!r}, here it is "
                f"{record.header[name]!r}; name another file"
            )
    return stored


def _stored(path: Path) -> Record:
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["schema"] != SCHEMA:
        raise UsageError(
            f"{path} holds results of schema {content['schema']!r}, this version of the program reads {SCHEMA} (in 1, "
            f"gains came from the readings that had chosen the way). The file is as it was; measure again: python -m "
            f"harness.throughput --out OTHER.json"
        )
    return Record(
        header={name: content[name] for name in HEADER},
        peaks={dtype: _peak_from(found) for dtype, found in content["peaks"].items()},
        cells=[cell_from(found) for found in content["cells"]],
        graphs_refused=dict(content["graphs_refused"]),
    )


def _peak_from(record: Mapping[str, Any]) -> Peak:
    return Peak(**{**record, "work": work_from(record["work"])})
