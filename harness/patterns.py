"""How the masks of finished runs are used: tables, CSV and pictures from what the study keeps of them.

    python -m harness.patterns --study compare-quick

For K24 and its controls: how often each of the six 2:4 patterns is chosen, per layer and unit type, how alike types
are, and how patterns moved in training. For Kalei: sparsity per layer and type. For all: multiplications kept.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from common.errors import quoted
from harness.cli.common import ALL_DONE, command, listed, make_folder, writing_results
from harness.cli.console import log, make_console
from harness.cli.errors import UsageError, check_known
from harness.cli.progress import with_bar
from harness.flags.study import patterns_parser
from harness.plots.diagnostics import plot_masks_over_training
from harness.plots.masks import plot_run_masks
from harness.results.mask_tables import label, show, write_mask_files
from harness.runs.files import file_name, study_folder
from studies.db.storage_url import without_passwords
from studies.reader import StudyReader
from studies.rows import CurvePoint, RunRow


@command("files that were finished are kept")
def main(argv: Sequence[str]) -> int:
    """Show and write; returns the exit code: 0, or 2 for a mistake in the command."""
    console = make_console()
    flags = patterns_parser().parse_args(argv)
    with StudyReader.open_existing(flags.storage, flags.study) as store:
        runs = choose(store.rows(), flags.study, listed(flags.algos), listed(flags.scenarios))
        curves = store.curves([run.run_id for run in runs])
    folder = study_folder(Path(flags.out), flags.study) / "patterns"
    make_folder(folder)
    with writing_results(folder, without_passwords(flags.storage)):
        written = write_mask_files(folder, runs, [curves[run.run_id] for run in runs])
        for run in with_bar(console, "pictures", runs):
            show(console, run)
            written += draw(folder, run, curves[run.run_id])
    log(console, f"written: {', '.join(map(str, written))}")
    return ALL_DONE


def choose(rows: Sequence[RunRow], study: str, algos: Sequence[str], scenarios: Sequence[str]) -> list[RunRow]:
    """Return the runs that have masks to show; ``algos`` and ``scenarios`` are those asked for, all if empty.

    Raises:
        UsageError: none is left, and why.
    """
    check_known(f"algorithm of study {study}", algos, sorted({run.algorithm for run in rows}))
    check_known(f"scenario of study {study}", scenarios, sorted({run.scenario for run in rows}))
    asked_for = [
        run for run in rows if (not algos or run.algorithm in algos) and (not scenarios or run.scenario in scenarios)
    ]
    masked = [run for run in asked_for if "masks" in run.details and run.sparsity_masked > 0]
    if not masked:
        message = ", ".join(sorted({run.algorithm for run in asked_for})) or "no run at all"
        raise UsageError(
            f"study {study} holds no finished run with masks (finished: {message}; runs of earlier versions kept no "
            f"record of them); make one: python -m harness.compare --algos k24,kalei --study {quoted(f'{study}-masks')}"
        )
    return masked


def draw(folder: Path, run: RunRow, points: Sequence[CurvePoint]) -> list[Path]:
    """The pictures of one run; returns their paths."""
    stem = f"{file_name(run.algorithm)}-{file_name(run.scenario)}-seed{run.seed}-{run.config_hash}"
    use, training = folder / f"{stem}-masks.png", folder / f"{stem}-training.png"
    plot_run_masks(use, run.details["masks"], title=label(run))
    layers = list(run.details["masks"]["layers"])
    drawn = plot_masks_over_training(training, points, layers, title=f"{label(run)}, over training")
    return [use, training] if drawn else [use]


if __name__ == "__main__":
    sys.exit(main())
