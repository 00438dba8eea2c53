"""Measure the decisions/s of a study's finished runs, all in turn, on a machine kept free of the study's other work.

On a card the 2:4 speed-up of each policy is measured again as well: the reading at the end of its training shared the
card with whatever trained beside it.

    python -m harness.measure --study compare-quick

``harness.compare`` does the same after training; this command repeats it, on a quieter hour or another machine.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from algorithms.protocol import Algorithm
from common.errors import describe
from harness.cli.common import ALL_DONE, SOME_MISSING, command, parse_flags
from harness.cli.console import log, make_console
from harness.cli.errors import UsageError
from harness.flags.study import measure_parser
from harness.policies.trained import read_policy_of
from harness.runs.files import run_folder
from harness.runs.process import prepare_process, resolve_device
from harness.speed.decisions import Effort, measure_in_turn
from harness.speed.speedup24 import measure_speedup24
from studies.db.errors import StorageError
from studies.reader import StudyReader
from studies.rows import RunRow, key_of
from studies.store import StudyStore


@command("readings of before are kept")
def main(argv: Sequence[str]) -> int:
    """Measure; returns the exit code: 0 all measured, 1 some were not, 2 a mistake in the command, 130 Ctrl-C."""
    flags = parse_flags(measure_parser, argv)
    console = make_console()
    prepare_process(deterministic=False)
    StudyReader.open_existing(flags.storage, flags.study).close()  # a wrong name would make a study
    with StudyStore.open(flags.storage, flags.study) as store:
        runs = store.rows()
        if not runs:
            raise UsageError(f"study {flags.study} has no finished run; other studies: --study NAME")
        measured = measure_runs(store, runs, Path(flags.runs), device=flags.device, message=partial(log, console))
        for row in store.rows():
            if row.in_turn:
                rate = f"{row.in_turn.decisions_per_second:,.0f} [{row.in_turn.low:,.0f}, {row.in_turn.high:,.0f}]"
                load = "" if row.in_turn.quiet else f", under load ({row.in_turn.load:.1f} cores of others)"
                log(console, f"{row.algorithm} {row.scenario} seed {row.seed}: {rate} decisions/s{load}")
    return ALL_DONE if len(measured) == len(runs) else SOME_MISSING


def measure_runs(
    store: StudyStore,
    runs: Sequence[RunRow],
    folder: Path,
    *,
    device: str | None = None,
    effort: Effort | None = None,
    message: Callable[[str], None],
) -> set[int]:
    """Measure finished runs in turn and store the readings; returns the ids of those measured.

    Args:
        store: of their study.
        runs: which.
        folder: ``--out`` of the comparison, where their policies lie.
        device: where to measure; ``None``: each where it was trained.
        effort: how hard to try for a reading without load.
        message: takes a line about what is left out or repeated.
    """
    policies = _policies(runs, folder, device, message)
    if not policies:
        return set()
    effort = effort or Effort()
    try:
        with store.quiet_machine(effort.patience) as alone:
            readings = measure_in_turn(policies, seed=0, alone=alone, effort=effort, message=message)
            on_cards = {run: policy for run, policy in policies.items() if policy.device.type == "cuda"}
            speedups = {run: measure_speedup24(policy) for run, policy in on_cards.items()}
    except StorageError:
        raise
    except Exception as error:  # a user's policy, or a card without room: the table is worth more than this column
        message(f"decisions/s not measured: {describe(error)}")
        return set()
    store.store_readings(readings)
    store.store_speedups({run: asdict(found) | {"alone": alone} for run, found in speedups.items()})
    return set(readings)


def _policies(
    runs: Sequence[RunRow], folder: Path, device: str | None, message: Callable[[str], None]
) -> dict[int, Algorithm]:
    """Run id -> its policy; a line for each that cannot be had."""
    found = {}
    for run in runs:
        try:
            trained = read_policy_of(run, run_folder(folder, run.study, key_of(run)))
            if trained.backend != "battle":
                raise UsageError("its world is a game of StarCraft II, which is not started to measure")
            found[run.run_id] = trained.restore(resolve_device(device or run.device))
        except UsageError as error:
            message(f"decisions/s of {run.algorithm} {run.scenario} seed {run.seed} not measured: {error}")
    return found


if __name__ == "__main__":
    sys.exit(main())
