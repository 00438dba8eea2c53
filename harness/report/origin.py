"""Where the numbers come from: every run, the commands, code, versions and machine, settings, and the method."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from common.errors import counted, quoted
from harness.cli.progress import duration
from harness.report.page import Details, Section, Table
from harness.results.grouping import has_winners
from harness.results.published import SOURCE
from harness.results.study_data import StudyData
from harness.stats.bootstrap import RESAMPLES
from harness.stats.by_seeds import COVERAGE, COVERAGE_NEAR_ZERO, ENOUGH_SEEDS
from harness.stats.interval import format_interval
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
        summary=counted(len(commands), "command"),
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


def method_section(runs: Iterable[RunRow]) -> Section:
    """One folded paragraph for each kind of number, with the settings of these runs where they decide."""
    explained = {
        "Win rate": [
            f"Wins / finished greedy battles (ε = 0) after training, {battles(runs)} a run, played by the policy as "
            "training left it. Every slot plays the same number of battles, so that short ones are not preferred; all "
            "algorithms meet the same battles of a seed. A battle cut by the time limit is finished and not won; an "
            "aborted one is reported and not counted.",
            "One seed: Wilson's 95% interval over its battles, which speaks of this one trained policy. Two to "
            f"{ENOUGH_SEEDS - 1}: mean with Student's t over seeds. {ENOUGH_SEEDS} or more: interquartile mean with a "
            f"stratified percentile bootstrap ({RESAMPLES:,} resamples, a generator of its own and a fixed seed, so "
            "the same runs give the same interval). None is narrower than Wilson's over all battles behind it.",
            f"In simulations “95%” holds the truth in {_shares(COVERAGE)} of 100 cases, and in "
            f"{_shares(COVERAGE_NEAR_ZERO)} where most seeds win next to nothing and a few win more.",
        ],
        "Learning curves": [
            "Each point is a greedy evaluation during training, on battles of its own, the same for every algorithm. "
            "Lines and bands are computed at each env_step as the final win rate is, by the number of seeds. env_steps "
            "are summed over all battles played side by side.",
            f"Published: {SOURCE}. StarCraft II and the built-in engine are not the same game; the curve is there for "
            "scale.",
        ],
        "Verdicts": [
            "Two algorithms of the same seed play the same battles, so they are compared battle by battle and what the "
            "battles share drops out. Over seeds: Student's t, never narrower than the battles alone allow.",
            "Fix the number of seeds beforehand: then a verdict calls one of two equal algorithms better in 5 of 100 "
            "cases. Seeds added until it does call one better in 14 of 100 (measured, beginning with 3 seeds of "
            "one scenario).",
        ],
        "Performance profiles, probability of improvement": [
            "A profile is the share of runs that win more than τ. The probability of improvement is how likely a run "
            "of one algorithm wins more than a run of the other on a scenario drawn at random, a tie counting half. "
            f"Both after Agarwal et al., NeurIPS 2021. Below {ENOUGH_SEEDS} seeds profiles have Wilson's interval over "
            "runs, and probabilities of improvement Newcombe's for the Mann–Whitney statistic.",
        ],
        "Sparsity": [
            "Zeros / entries, counted on the tensors that the trained policy multiplies with: of the prunable layers, "
            "and of all weights that one agent uses. Mean over seeds.",
        ],
        "Decisions/s, 2:4 speed-up": [
            "Agent decisions per second of the trained policy on the run's device: agents × battles / the median "
            "seconds of a greedy call, after a warm-up. The 2:4 speed-up is dense seconds / compressed seconds of a "
            "whole greedy pass on sparse tensor cores, its output checked against the masked dense one first; where "
            "there are no such cores it is n/a, never an estimate.",
        ],
        "Masks": [
            "Pattern use: of all groups of four consecutive inputs, the share in which a unit type keeps a given two "
            "of four. FLOPs: multiplications and additions of one agent's decision that the masks keep, whether or "
            "not the hardware profits.",
        ],
    }
    details = [Details(summary=name, texts=texts) for name, texts in explained.items()]
    return Section(id="method", title="How the numbers are computed", details=details)


def _shares(coverage: Mapping[int, float]) -> str:
    each = [f"{share * 100:.0f} ({counted(count, 'seed')})" for count, share in coverage.items()]
    return ", ".join(each[:-1]) + f" or {each[-1]}"


def battles(runs: Iterable[RunRow]) -> str:
    """Say how many battles each run was evaluated on."""
    counts = sorted({run.episodes + run.aborted for run in runs})
    return " or ".join(f"{count:,}" for count in counts) or "a fixed number"
