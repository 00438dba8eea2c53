"""The finished runs of a study for other programs: marl-eval's JSON, CSV, Markdown, or all findings as JSON.

    python -m harness.export --study compare-quick --format marl-eval --out runs.json

``csv`` and ``markdown`` are the table of ``harness.compare`` over everything that the study holds; ``json`` adds
aggregates, performance profiles, learning curves with their bands, and the differences between algorithms.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from harness.cli.common import ALL_DONE, Parser, command, listed, log, make_console
from harness.cli.compare_args import default_study
from harness.cli.errors import UsageError, unknown_name
from harness.cli.progress import with_bar
from harness.results.findings import ComparisonReport, compute_report
from harness.results.grouping import Groups, group_runs_by_config
from harness.results.marl_eval import marl_eval_layout
from harness.results.tables import as_json, as_markdown, csv_rows, write_csv_to
from studies.reader import StudyReader
from studies.store import DEFAULT_STORAGE


@command("nothing was written")
def main(argv: Sequence[str]) -> int:
    """Export; returns the exit code: 0, or 2 for a mistake in the command."""
    console = make_console(stderr=True)
    flags = _parser().parse_args(argv)
    with StudyReader.open_existing(flags.storage, flags.study) as store:
        grouped = choose(group_runs_by_config(store.rows()), flags.study, listed(flags.algos), listed(flags.scenarios))
        if flags.format == MARL_EVAL:
            text, notes = _marl_eval(grouped, store)
        else:
            track = partial(with_bar, console, "learning curves")
            text, notes = FORMATS[flags.format](compute_report(grouped, store, title=flags.study, track=track)), []
    for note in notes:
        log(console, f"left out: {note}")
    if flags.out is None:
        print(text, end="")
    else:
        _write(Path(flags.out), text)
        log(console, f"written: {flags.out}")
    return ALL_DONE


def choose(grouped: Groups, study: str, algos: Sequence[str], scenarios: Sequence[str]) -> Groups:
    """The groups asked for; none asked: all.

    Raises:
        UsageError: a name that the study does not hold, or no finished run at all.
    """
    if not grouped:
        raise UsageError(f"study {study} holds no finished run; see how far they are by typing its command again")
    for place, kind, asked in ((0, "algorithm", algos), (1, "scenario", scenarios)):
        known = dict.fromkeys(key[place] for key in grouped)
        for name in asked:
            if name not in known:
                raise unknown_name(f"{kind} of study {study}", name, list(known))
    chosen = {
        (algorithm, scenario): runs
        for (algorithm, scenario), runs in grouped.items()
        if (not algos or algorithm in algos) and (not scenarios or scenario in scenarios)
    }
    if not chosen:
        raise UsageError(f"study {study} holds no finished run of {', '.join(algos)} on {', '.join(scenarios)}")
    return chosen


def _marl_eval(grouped: Groups, store: StudyReader) -> tuple[str, list[str]]:
    layout, left_out = marl_eval_layout(grouped, store.curve_points)
    return json.dumps(layout, indent=2) + "\n", left_out


def _csv(findings: ComparisonReport) -> str:
    text = io.StringIO(newline="")
    write_csv_to(text, csv_rows(findings))
    return text.getvalue()


MARL_EVAL = "marl-eval"
FORMATS: dict[str, Callable[[ComparisonReport], str]] = {"csv": _csv, "markdown": as_markdown, "json": as_json}


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"--out {path} cannot be written to ({error.strerror}); name another file") from error


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m harness.export",
        description="Write the finished runs of a study for other programs.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--format", required=True, choices=[MARL_EVAL, *FORMATS], help="marl-eval: its JSON layout; json: all findings")
    add("--study", default=default_study("quick", None), metavar="NAME", help="which study (default: %(default)s)")
    add("--storage", default=DEFAULT_STORAGE, metavar="URL", help="its database (default: %(default)s)")
    add("--algos", metavar="A,B", help="only these algorithms (default: all)")
    add("--scenarios", metavar="A,B", help="only these scenarios (default: all)")
    add("--out", metavar="FILE", help="where to write (default: standard output)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
