"""Origin of the numbers: every run, the commands that made them, code, versions and machine, all settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from common.errors import quoted
from harness.cli.progress import duration
from harness.report.page import Details, Section, Table
from harness.results.grouping import has_winners
from harness.results.study_data import StudyData
from harness.stats import format_interval
from studies.rows import RunRow, UnfinishedRun

NUMBERS = ("win rate [95%]", "return", "env steps", "wall time", "resumed", "trial")
COLUMNS = ("run", "scenario", "state", *NUMBERS, "begun (UTC)", "commit", "config")
SESSION = ("started", "command")
"""What differs between sessions on the same machine with the same code."""


def runs_section(data: StudyData) -> Section:
    """A line for each run, and the commands."""
    section = partial(Section, id="runs", title="Runs and their commands")
    rows = [[cells.get(name, "–") for name in COLUMNS] for cells in (_cells(data, *each) for each in data.every())]
    if not rows:
        command = f"python -m harness.compare --algos k24,qmix,kalei --study {quoted(data.study)}"
        return section(empty=f"Study {data.study} holds no run yet. Make some:", code=[command])
    words = set(COLUMNS) - set(NUMBERS)
    commands = _names_by(data, lambda record: str(record.get("command", "unknown")))
    typed = Details(
        summary=f"{len(commands)} command{'s' if len(commands) > 1 else ''}",
        code=[f"# {', '.join(names)}\n{command}" for command, names in commands.items()],
        open=len(commands) <= 3,
    )
    return section(
        lead=["A command typed again finishes what is missing and repeats nothing."],
        tables=[Table(caption=f"All runs of study {data.study}", heads=COLUMNS, words=words, rows=rows)],
        details=[typed] if commands else (),
    )


def provenance_section(data: StudyData) -> Section:
    """Code, versions and machine, each set once with the runs it stands for; settings and schedule of each variant."""
    origins = _names_by(data, lambda record: json.dumps({k: v for k, v in record.items() if k not in SESSION}))
    details = [
        Details(
            summary=f"Code and machine of {_names(names)}", pairs=_pairs(json.loads(record)), open=len(origins) <= 2
        )
        for record, names in origins.items()
    ]
    for (algorithm, scenario), members in data.groups.items():
        schedule = members[0].details.get("schedule", {})
        details.append(
            Details(
                summary=f"Settings of {algorithm} on {scenario}",
                texts=[f"Resolved schedule: {', '.join(f'{name} {value:,g}' for name, value in schedule.items())}."]
                if schedule
                else (),
                code=[json.dumps(members[0].config, indent=1)],
                printed=False,
            )
        )
    return Section(
        id="provenance",
        title="Provenance and settings",
        lead=["As recorded by the session that finished each run."] if details else (),
        details=details,
        empty="" if details else "Nothing has been run.",
    )


def _cells(data: StudyData, algorithm: str, scenario: str, run: RunRow | UnfinishedRun) -> dict[str, str]:
    """The row of a run by column; an unfinished one has fewer."""
    cells = {"run": f"{algorithm}, seed {run.seed}", "scenario": scenario}
    cells |= {"begun (UTC)": _date(run.provenance), "commit": _commit(run.provenance)}
    if isinstance(run, RunRow):
        won = format_interval(run.win_rate, run.win_low, run.win_high) if has_winners(run) else "n/a"
        return cells | {
            "state": "finished",
            "win rate [95%]": won,
            "return": f"{run.return_mean:.2f}",
            "env steps": f"{run.env_steps:,}",
            "wall time": duration(run.wall_seconds),
            "resumed": f"{run.details.get('resumes', 0)}",
            "trial": f"{run.trial_number}",
            "config": run.config_hash,
        }
    points = data.curves[run.run_id]
    cells |= {"env steps": f"{points[-1].env_steps:,} so far"} if points else {}
    return cells | {"state": f"{run.state}: {run.error}" if run.error else run.state}


def _date(record: Mapping[str, Any]) -> str:
    return str(record.get("started", "–"))[:16].replace("T", " ")


def _commit(record: Mapping[str, Any]) -> str:
    commit = str(record.get("commit", "unknown"))[:10]
    return f"{commit} + changes" if record.get("dirty") else commit


def _names_by(data: StudyData, key: Callable[[Mapping[str, Any]], str]) -> dict[str, list[str]]:
    """Group the names of the runs that have begun by what ``key`` returns for their provenance."""
    found: dict[str, list[str]] = {}
    for algorithm, scenario, run in data.every():
        if run.provenance:
            found.setdefault(key(run.provenance), []).append(f"{algorithm} {scenario} seed {run.seed}")
    return found


def _names(names: Sequence[str]) -> str:
    """Up to three names, then how many more."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"


def _pairs(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A provenance record as names and values."""
    packages = record.get("packages") or {}
    pairs = [(name, str(value)) for name, value in record.items() if name not in ("packages", "dirty")]
    if record.get("dirty"):
        pairs.append(("local changes", "yes: the code was not that of the commit alone"))
    return [*pairs, ("packages", ", ".join(f"{name} {version}" for name, version in packages.items()))]
