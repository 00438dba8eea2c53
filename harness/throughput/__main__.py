"""Measure a policy's layers and whole agent in every storage format over a grid: table, file, picture.

python -m harness.throughput --hidden 64,256 --out throughput.json
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

import algorithms.registry
import envs.registry
from common.errors import quoted
from harness.cli.common import ALL_DONE, SOME_MISSING, at_least, command, listed, make_folder, names_in, parse_flags
from harness.cli.console import log, make_console
from harness.cli.errors import UsageError, check_known
from harness.cli.overrides import check_targets, parse_setting
from harness.flags.study import BATCHES, throughput_parser
from harness.plots.throughput import plot
from harness.policies.trained import folder_of_run, read_policy_file
from harness.runs.process import resolve_device
from harness.speed.record import Record, new_record, open_record
from harness.throughput.sweep import DTYPES, Grid, PolicySource, fresh_policy, measure, trained_policy
from harness.throughput.tables import print_tables

ALL_HIDDEN = (64, 128, 256, 512, 1024, 2048, 4096)
ALL_BATCHES = (256, 2048, 16_384, 131_072, 1_048_576)
ENDINGS = (".png", ".svg", ".pdf")


@command("finished grid points are kept where --out was given")
def main(argv: Sequence[str]) -> int:
    """Measure; return 0: done, 1: grid points or files are missing, 2: a mistake in the command, 130: Ctrl-C."""
    console = make_console()
    grid = read_flags(argv)
    record = open_record(grid.out, grid.device) if grid.out else new_record(grid.device)
    problem = measure(console, grid, record)
    if grid.json:
        print(record.as_json())
    else:
        print_tables(console, record)
    undrawn = _draw(grid.plot, record) if grid.plot else ""
    files = [*((grid.out, grid.out.with_suffix(".csv")) if grid.out else ()), *([grid.plot] if grid.plot else [])]
    written = ", ".join(str(path) for path in files if path.exists())
    problems = [each for each in (problem, undrawn) if each]
    for line in ([f"written: {written}"] if written else []) + problems:
        print(line, file=sys.stderr) if grid.json else log(console, line)
    return SOME_MISSING if problems else ALL_DONE


def _draw(path: Path, record: Record) -> str:
    """Draw the picture; return why there is none, or an empty text."""
    try:
        plot(path, record)
    except OSError as error:
        return (
            f"--plot {path} cannot be written ({error.strerror or error}). Free some space "
            f"(df -h {quoted(path.parent)}; ulimit -f) or name another place, then type the same command again; with "
            f"--out nothing is measured twice"
        )
    return ""


def read_flags(argv: Sequence[str]) -> Grid:
    """Read the command line.

    Raises:
        UsageError: an unknown name, a malformed value, or flags that contradict each other.
        SystemExit: after ``--help``.
    """
    begun = time.perf_counter()
    flags = parse_flags(throughput_parser, argv)
    device = torch.device(resolve_device(flags.device))
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)
    defaults = ("float16", "bfloat16") if device.type == "cuda" else ("float32",)
    dtypes = listed(flags.dtypes) or list(defaults)
    check_known("dtype", dtypes, DTYPES)
    batches = _numbers("--batches", flags.batches) or (ALL_BATCHES if flags.all else BATCHES)
    out, picture = (Path(given) if given else None for given in (flags.out, flags.plot))
    _check_endings(out, picture)
    if flags.minutes is not None and not flags.minutes > 0:
        raise UsageError(f"--minutes is {flags.minutes}, it must be a number above 0")
    return Grid(
        policies=_policies(flags),
        device=device,
        batches=tuple(batches),
        dtypes=tuple(dict.fromkeys(dtypes)),
        out=out,
        plot=picture,
        json=flags.json,
        deadline=begun + 60 * flags.minutes if flags.minutes else float("inf"),
    )


def _policies(flags: argparse.Namespace) -> tuple[PolicySource, ...]:
    hidden = _numbers("--hidden", flags.hidden)
    if flags.run is not None:
        if hidden or flags.all or flags.settings:
            raise UsageError("--run measures a policy as it was trained: leave out --hidden, --all and --set")
        folder = folder_of_run(flags.run, study=flags.study, storage=flags.storage, out=flags.runs)
        return (trained_policy(read_policy_file(folder)),)
    algorithm, *more = names_in("algorithm", flags.algo, algorithms.registry.ids(), algorithms.registry.resolve)
    if more:
        raise UsageError(
            f"one algorithm is measured at a time: --algo {algorithm}, then --algo {more[0]}; the same --out holds both"
        )
    scenarios = names_in("scenario", flags.scenarios, envs.registry.ids(), envs.registry.canonical_id)
    settings = tuple(parse_setting(argument) for argument in flags.settings)
    check_targets(settings, [algorithm])
    sizes = hidden or (ALL_HIDDEN if flags.all else ())
    return tuple(fresh_policy(algorithm, scenario, settings, sizes) for scenario in scenarios)


def _check_endings(out: Path | None, picture: Path | None) -> None:
    if out is not None and out.suffix != ".json":
        raise UsageError(f"--out {out}: the results are kept as JSON, a CSV file beside it; name it {out.stem}.json")
    if picture is not None and picture.suffix not in ENDINGS:
        raise UsageError(f"--plot {picture}: a picture ends in {', '.join(ENDINGS)}; name it {picture.stem}.png")
    for flag, path in (("--out", out), ("--plot", picture)):
        if path is not None:
            if path.is_dir():
                raise UsageError(
                    f"{flag} {path} is a folder; name a file in it: {flag} {path / ('found' + path.suffix)}"
                )
            make_folder(path.parent)


def _numbers(flag: str, text: str | None) -> tuple[int, ...]:
    try:
        return tuple(dict.fromkeys(at_least(1, flag, int(part.replace("_", ""))) for part in listed(text)))
    except ValueError as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{flag} {text}: whole numbers, separated by commas, such as 64,1024") from None


if __name__ == "__main__":
    sys.exit(main())
