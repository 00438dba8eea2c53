"""All results of one or several databases as one static page that can be filtered and sorted.

    python -m harness.leaderboard --storage sqlite:///studies/studies.db --out leaderboard.html

The page needs no network. Its rows are those of the comparison's table: an algorithm with one set of settings on one
scenario, over its seeds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from harness.cli.common import ALL_DONE, command, listed, writing_results
from harness.cli.console import log, make_console
from harness.cli.errors import UsageError, check_known
from harness.flags.study import leaderboard_parser
from harness.report.page import fill_in
from harness.results.aggregates import AlgorithmRow, summarize_groups
from harness.results.grouping import group_runs_by_config, name_across_studies
from harness.runs.files import atomic_write
from studies.db.storage_url import DEFAULT_STORAGE, parse_storage_url, without_passwords
from studies.reader import StudyReader
from studies.rows import RunRow
from studies.search import search_names
from studies.store import study_names

FILTERS = ("scenario", "algorithm", "study", "device")
"""Columns of which a value can be chosen."""


@command("nothing was written")
def main(argv: Sequence[str]) -> int:
    """Write the page; returns the exit code: 0, or 2 for a mistake in the command."""
    flags = leaderboard_parser().parse_args(argv)
    out, storages = Path(flags.out), flags.storage or [DEFAULT_STORAGE]
    if out.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--out {out}: the leaderboard is an HTML page; name a file such as {out}.html")
    entries = read_entries(storages, listed(flags.study))
    if not entries:
        hint = "make some: python -m harness.compare; runs of a search must be named: --study NAME-runs"
        raise UsageError(f"no finished run was found in {_shown(storages)}; {hint}")
    with writing_results(out.parent, _shown(storages)):
        out.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(out) as draft:
            draft.write_text(render(ranked(entries)), encoding="utf-8")
    log(make_console(), f"written: {out} ({len(entries)} results, opens in a browser)")
    return ALL_DONE


def read_entries(storages: Sequence[str], studies: Collection[str] = ()) -> list[dict[str, Any]]:
    """Return the results of databases, a dictionary each.

    Args:
        storages: the databases; one that is named twice is read once.
        studies: only these, wherever they are; none: all but the runs of searches, whose seeds chose their settings.

    Raises:
        UsageError: no database holds a study of such a name.
        StorageError: a database cannot be read.
    """
    places: dict[str, str] = {}
    for storage in storages:
        places.setdefault(_place(storage), storage)
    known = {storage: study_names(storage) for storage in places.values()}
    every = set().union(*known.values())
    check_known("study", studies, sorted(every), hint=f"It is looked for in {_shown(known)}.")
    chosen = [
        (storage, name)
        for storage in known
        for name in dict.fromkeys(studies) or _comparisons(storage, known[storage])
        if name in known[storage]
    ]
    groups = [(study, runs) for storage, study in chosen for runs in _groups(storage, study)]
    names, legend = name_across_studies([runs[0] for _, runs in groups])
    entries = []
    for (study, runs), place in zip(groups, names, strict=True):
        (row,) = summarize_groups({place: runs})
        settings = ", ".join(legend[name] for name in place if name in legend)
        commits = {str(run.provenance.get("commit", "unknown"))[:10] for run in runs}
        entries.append(_entry(study, row, settings, commits))
    return entries


def _place(storage: str) -> str:
    """Return where a database lies, however its address is spelt."""
    url = parse_storage_url(storage)
    return str(url.path.resolve()) if url.path else url.address


def _groups(storage: str, study: str) -> list[list[RunRow]]:
    """The finished runs of a study, those together that differ in their seeds alone."""
    with StudyReader.open(storage, study) as reader:
        return list(group_runs_by_config(reader.rows()).values())


def _comparisons(storage: str, names: Iterable[str]) -> list[str]:
    """Those of a database's studies that are no trials of a search."""
    of_searches = {f"{name}-runs" for name in search_names(storage)}
    return [name for name in names if name not in of_searches]


def _shown(storages: Iterable[str]) -> str:
    """Return databases as messages name them, without passwords."""
    return ", ".join(map(without_passwords, dict.fromkeys(storages)))


def _entry(study: str, row: AlgorithmRow, settings: str, commits: Iterable[str]) -> dict[str, Any]:
    return {
        "scenario": row.scenario,
        "algorithm": row.algorithm,
        "win_rate": row.win_rate if row.can_be_won else None,
        "win_low": row.win_low,
        "win_high": row.win_high,
        "return": row.return_mean,
        "env_steps": row.env_steps,
        "seeds": len(row.seeds),
        "battles": row.episodes,
        "sparsity": row.sparsity_masked,
        "decisions": row.throughput,
        "speedup_24": row.speedup_24,
        "device": row.device,
        "study": study,
        "settings": settings,
        "commit": ", ".join(sorted(commits)),
    }


def ranked(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries with their rank among those of the same scenario and length, best first.

    The rank goes by win rate, and by return where no one wins. It says nothing about whether a difference is larger
    than chance: the intervals do.
    """
    places: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for entry in entries:
        places.setdefault((entry["scenario"], entry["env_steps"]), []).append(entry)
    found = []
    for place in sorted(places):
        own = sorted(places[place], key=lambda entry: (entry["win_rate"] or 0.0, entry["return"]), reverse=True)
        found += [{"rank": rank, **entry} for rank, entry in enumerate(own, start=1)]
    return found


def render(entries: Sequence[dict[str, Any]]) -> str:
    """Return the page as HTML."""
    return fill_in(
        "leaderboard.html",
        entries=Markup(json.dumps(entries, allow_nan=False).replace("<", "\\u003c")),
        values={name: sorted({str(entry[name]) for entry in entries}) for name in FILTERS},
        written=f"{len(entries)} results · written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )


if __name__ == "__main__":
    sys.exit(main())
