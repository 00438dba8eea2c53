"""A study as one HTML page, with its plots and battles beside it.

    python -m harness.report --study compare-quick

The page needs no network and opens from disk. Runs that are still in training are shown as far as they have come.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import envs.registry
from harness.cli.common import ALL_DONE, at_least, command, command_line, make_folder, parse_flags, writing_results
from harness.cli.console import log, make_console
from harness.cli.errors import UsageError, unknown_name
from harness.cli.progress import with_bar
from harness.flags.study import report_parser
from harness.report.build import Report, ReportArgs, write_report
from harness.results.findings import ComparisonReport, compute_report
from harness.results.study_data import collect
from harness.results.tables import as_json
from harness.runs.files import study_folder
from studies.db.storage_url import without_passwords
from studies.reader import StudyReader


@command("the page was not written")
def main(argv: Sequence[str]) -> int:
    """Write the report; returns the exit code: 0 done, 2 a mistake in the command, 130 Ctrl-C."""
    flags = parse_flags(report_parser, argv)
    console = make_console(stderr=flags.json)
    args = report_args(flags, command_line("harness.report", argv))
    with StudyReader.open_existing(flags.storage, flags.study) as store:
        data = collect(store, flags.study)
    if args.clip_scenario is not None and args.clip_scenario not in data.scenarios:
        hint = "No battles at all: --clips none"
        raise unknown_name(f"scenario of study {data.study}", args.clip_scenario, data.scenarios, hint=hint)
    make_folder(args.out.parent)
    findings = compute_report(data.groups, data, title=data.study, track=partial(with_bar, console, "learning curves"))
    with writing_results(args.out.parent, without_passwords(flags.storage)):
        report = write_report(data, findings, args, console)
    log(console, written_line(report))
    if flags.json:
        print(as_document(report, findings), end="")
    return ALL_DONE


def written_line(report: Report) -> str:
    """Return the line that names the written files."""
    size = report.page.stat().st_size / 1e6
    beside = (
        f"; {len(report.files)} files of plots and battles in {report.page.with_suffix('')}" if report.files else ""
    )
    return f"written: {report.page} ({size:.1f} MB, opens in a browser){beside}"


def as_document(report: Report, findings: ComparisonReport) -> str:
    """The findings and what was written, for machines."""
    written = [str(path) for path in (report.page, *report.files)]
    return json.dumps({"written": written, **json.loads(as_json(findings))}, indent=2) + "\n"


def report_args(flags: argparse.Namespace, command: str) -> ReportArgs:
    """The flags as what the report shall hold.

    Raises:
        UsageError: one of them cannot be followed.
    """
    runs = Path(flags.runs)
    out = Path(flags.out) if flags.out else study_folder(runs, flags.study) / "report.html"
    if out.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--out {out}: the report is an HTML page; name a file such as {out.with_suffix('.html')}")
    if flags.throughput is not None and not Path(flags.throughput).is_file():
        raise UsageError(
            f"--throughput {flags.throughput}: no such file; make one: python -m harness.throughput --out FILE"
        )
    return ReportArgs(
        out=out,
        runs_folder=runs,
        clips=flags.clips != "none",
        clip_scenario=None if flags.clips in (None, "none") else envs.registry.canonical_id(flags.clips),
        clip_seed=at_least(0, "--clip-seed", flags.clip_seed),
        throughput=Path(flags.throughput) if flags.throughput else None,
        command=command,
    )


if __name__ == "__main__":
    sys.exit(main())
