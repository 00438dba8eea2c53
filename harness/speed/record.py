"""Read and write the file of results, grid point by grid point: an interrupted sweep goes on where it stopped."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from common.errors import describe, quoted
from harness.cli.errors import UsageError
from harness.runs.files import atomic_write
from harness.runs.provenance import collect
from harness.speed.results import GridPoint, GridPointResult, Peak, WorkResult, to_json
from studies.db.errors import StorageError

SCHEMA = 2
"""2: the formats that gains are about are timed again once chosen (``again``); each grid point names its policy."""
SAME = ("schema", "device_name", "torch", "cuda")
"""Fields of the header that must agree for two commands to fill the same file."""
HEADER = (*SAME, "cusparselt", "provenance")
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)
"""Errors that reading a file of another kind raises."""
LOCK_SECONDS = 60.0
"""Seconds that another command may hold the file; reading and writing it takes milliseconds."""
CSV_FIELDS = (
    *("subject", "hidden", "batch", "rows", "dtype", "part", "way", "seconds", "low", "high", "graph", "eager_seconds"),
    *("first_gain", "again_seconds", "again_low", "again_high", "gain_over_dense", "gain_low", "gain_high"),
    *("useful_tflops", "executed_tflops", "share_of_peak"),
    *("error", "weight_bytes", "peak_bytes", "setting", "auto", "refused"),
)
"""Columns as in earlier versions: ``subject`` is the policy's label, ``way`` the storage format."""


@dataclass(kw_only=True)
class Record:
    """Everything that one file holds; its keys ``cells``, ``subject`` and ``ways`` are those of earlier versions."""

    header: dict[str, Any]
    """the device, the versions and the provenance of the measurements"""
    peaks: dict[str, Peak] = field(default_factory=dict)
    """dtype -> one large product"""
    results: list[GridPointResult] = field(default_factory=list)
    graphs_refused: dict[str, str] = field(default_factory=dict)
    """storage format -> why its kernels could not be recorded as CUDA graphs"""

    def done(self) -> set[GridPoint]:
        """Return the grid points that were measured."""
        return {result.point for result in self.results}

    def by_policy(self) -> dict[str, Record]:
        """Split by policy: label -> this record with that policy's results alone, in the order of the first ones."""
        parts: dict[str, list[GridPointResult]] = {}
        for result in self.results:
            parts.setdefault(result.policy_label, []).append(result)
        return {label: replace(self, results=part) for label, part in parts.items()}

    def as_json(self) -> str:
        """Return the file's content."""
        body = {
            **self.header,
            "graphs_refused": self.graphs_refused,
            "peaks": {dtype: to_json(peak) for dtype, peak in self.peaks.items()},
            "cells": [to_json(result) for result in self.results],
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
                    self._merge(_read_matching(path, self))
                with atomic_write(path) as draft:
                    draft.write_text(self.as_json() + "\n", encoding="utf-8")
                with atomic_write(beside) as draft, draft.open("w", newline="", encoding="utf-8") as file:
                    writer = csv.DictWriter(file, CSV_FIELDS)
                    writer.writeheader()
                    writer.writerows(self.csv_rows())
        except Timeout as error:
            raise StorageError(
                f"--out {path} is held by another command for more than {LOCK_SECONDS:g} s; what was stored in it is "
                f"safe. See by which: fuser -v {quoted(error.lock_file)}; then type the same command again: it goes on"
            ) from error
        except OSError as error:
            raise StorageError(
                f"--out {path} cannot be written ({error.strerror or error}). What was stored in it before is safe. "
                f"Free some space (df -h {quoted(path.parent)}; ulimit -f) or look at who may write there (ls -ld "
                f"{quoted(path.parent)}), then type the same command again: it goes on from there"
            ) from error

    def _merge(self, stored: Record) -> None:
        """Put what the file holds before what was measured here, so that no stored number ever changes."""
        self.header = stored.header
        done = stored.done()
        self.results = [*stored.results, *(each for each in self.results if each.point not in done)]
        self.peaks = {**self.peaks, **stored.peaks}
        self.graphs_refused = {**self.graphs_refused, **stored.graphs_refused}

    def csv_rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row of the CSV file for each grid point, layer or whole agent, and storage format."""
        for result in self.results:
            parts = {**result.layers, **{f"agent, {gru} GRU": work for gru, work in result.agents.items()}}
            for part, work in parts.items():
                yield from self._csv_rows_of(result, part, work)

    def _csv_rows_of(self, result: GridPointResult, part: str, work: WorkResult) -> Iterator[dict[str, Any]]:
        peak = self.peaks[result.dtype].flops_per_second if result.dtype in self.peaks else None
        for storage_format, found in work.formats.items():
            rate = found.flops / found.seconds if found.seconds else None
            again, gain = work.again.get(storage_format), work.gain(storage_format)
            yield {
                "subject": result.policy_label,
                **{name: getattr(result, name) for name in ("hidden", "batch", "rows", "dtype")},
                **{name: getattr(found, name) for name in CSV_FIELDS if hasattr(found, name)},
                **{f"again_{name}": getattr(again, name) for name in ("seconds", "low", "high") if again},
                **{f"gain_{name}": getattr(gain, name) for name in ("low", "high") if gain},
                "part": part,
                "way": storage_format,
                "first_gain": work.first_gain(storage_format),
                "gain_over_dense": gain.times if gain else None,
                "useful_tflops": work.useful_flops / found.seconds / 1e12 if found.seconds else None,
                "executed_tflops": rate / 1e12 if rate else None,
                "share_of_peak": rate / peak if rate and peak else None,
                "weight_bytes": found.nbytes,
                "auto": storage_format == work.auto,
            }


def new_record(device: torch.device) -> Record:
    """Return an empty record for measurements on a device."""
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
    """Read a file, wherever it was measured.

    Raises:
        UsageError: there is no such file, or it is something else.
    """
    return _read(
        path,
        lambda error: (
            f"{path} holds no results of harness.throughput ({describe(error)}); make such a file: "
            f"python -m harness.throughput --out FILE.json"
        ),
    )


def open_record(path: Path, device: torch.device) -> Record:
    """Read the file that results will be added to, or return an empty record where there is none.

    Raises:
        UsageError: the file is something else, or holds what another machine or version measured.
    """
    empty = new_record(device)
    return _read_matching(path, empty) if path.exists() else empty


def _read_matching(path: Path, record: Record) -> Record:
    """Read a file whose header must agree with the record's."""
    stored = _read(path, lambda error: f"--out {path} is not a file of this command ({error}); name another file")
    for name in SAME:
        if stored.header[name] != record.header[name]:
            raise UsageError(
                f"--out {path} holds measurements with {name} = {stored.header[name]!r}, here it is "
                f"{record.header[name]!r}; name another file"
            )
    return stored


def _read(path: Path, unreadable: Callable[[Exception], str]) -> Record:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        schema = content["schema"]
        if schema == SCHEMA:
            return Record(
                header={name: content[name] for name in HEADER},
                peaks={dtype: Peak.from_json(found) for dtype, found in content["peaks"].items()},
                results=[GridPointResult.from_json(found) for found in content["cells"]],
                graphs_refused=dict(content["graphs_refused"]),
            )
    except UNREADABLE as error:
        raise UsageError(unreadable(error)) from error
    raise UsageError(
        f"{path} holds results of schema {schema!r}, this version of the program reads {SCHEMA} (in 1, gains came from "
        f"the readings that had chosen the format). The file is as it was; measure again: python -m harness.throughput "
        f"--out OTHER.json"
    )
