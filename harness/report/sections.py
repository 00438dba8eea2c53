"""The sections that show results: table and verdicts, curves, trade-offs, profiles, masks, battles."""

from __future__ import annotations

from collections.abc import Sequence

from harness.plots.figure import Plot
from harness.report.clips import Clip
from harness.report.page import Details, Section, Table
from harness.report.references import BATTLES, Reference
from harness.results.aggregates import AlgorithmRow
from harness.results.findings import ComparisonReport
from harness.results.footnotes import footnotes
from harness.results.grouping import label_legend
from harness.results.study_data import StudyData
from harness.results.tables import (
    AGGREGATE_COLUMNS,
    COLUMNS,
    LEFT,
    aggregate_rows,
    between,
    cells_of,
    columns_of,
    short_kind,
)

ORDER = tuple(dict.fromkeys(("algorithm", "win rate [95%]", *COLUMNS)))
"""Columns of the page: the key figure beside the name, so that a phone shows both."""
SCRIPTS = (
    f"(script): policies that do not learn, over {BATTLES:,} battles of the same world: nearest attacks the nearest "
    "enemy by legal actions and walks towards it out of range; random draws a legal action"
)
OF_PLOTS = {
    "curves": ("Learning curves", "No run has been evaluated yet: curves begin with the first greedy evaluation."),
    "learner": ("The learners from inside", "No run has reported any yet."),
    "trade-offs": ("Win rate against sparsity against throughput", "Shown once a run has finished."),
    "profiles": (
        "Performance profiles",
        "A profile is drawn over runs: it needs at least two seeds of each algorithm on a scenario, the same for all "
        "of them. Type the study's command again with more --seeds.",
    ),
}
"""Title of a section of plots alone, and what it says without any."""


def result_section(
    data: StudyData, findings: ComparisonReport, plots: Sequence[Plot], scripts: Sequence[Reference] = ()
) -> Section:
    """Build the section of verdicts, table and picture."""
    begun = [f"{run.algorithm} on {run.scenario}, seed {run.seed}, {run.state}" for *_, run in data.unfinished()]
    if not findings.rows:
        empty = f"No run of study {data.study} has finished yet" + (f"; begun: {'; '.join(begun)}." if begun else ".")
        return Section(id="result", title="Result", empty=empty)
    markers, notes = footnotes(findings)
    lead = [f"Not finished: {'; '.join(begun)}."] if begun else []
    lead += [f"{name}: {text}." for name, text in label_legend(data.every()).items()]
    lines: dict[str, list[str]] = {"over all": [], "each": []}
    for each in findings.comparisons:
        kind = "each" if each.scenario in findings.scenarios else "over all"
        lines[kind].append(f"{each.scenario}: {each.verdict}.")
    where = findings.scenarios[0] if len(findings.scenarios) == 1 else "All scenarios"
    shown = set(columns_of(findings.rows)) - ({"scenario"} if len(findings.scenarios) == 1 else set())
    columns = [name for name in ORDER if name in shown]
    cells = [*(cells_of(row, markers) for row in findings.rows), *map(_script_cells, scripts)]
    rows = [[each[name] for name in columns] for each in cells]
    caption, notes = f"{where}: greedy battles of the trained policies", [*notes, *([SCRIPTS] if scripts else [])]
    tables = [Table(caption=caption, heads=columns, words=LEFT, rows=rows, notes=notes)]
    if findings.over_several:
        caption, columns = "Win rate over several scenarios", list(AGGREGATE_COLUMNS)
        tables.append(Table(caption=caption, heads=columns, words=LEFT, rows=aggregate_rows(findings)))
    return Section(
        id="result",
        title="Result",
        lead=lead,
        verdicts=lines["over all"] or lines["each"],
        tables=tables,
        plots=plots,
        details=[Details(summary=f"Verdicts by scenario ({len(lines['each'])})", texts=lines["each"])]
        if lines["over all"]
        else (),
    )


def _script_cells(script: Reference) -> dict[str, str]:
    """A row of the table for a policy that does not learn."""
    return dict.fromkeys(COLUMNS, "–") | {
        "algorithm": f"{script.policy} (script)",
        "scenario": script.scenario,
        "win rate [95%]": between(script.win_rate),
        "interval": short_kind(script.win_rate.kind),
        "return": f"{script.return_mean:.2f}",
    }


def plot_section(id: str, plots: Sequence[Plot]) -> Section:
    """Build a section of plots alone, one of ``OF_PLOTS``."""
    title, why_none = OF_PLOTS[id]
    return Section(id=id, title=title, plots=plots, empty="" if plots else why_none)


def mask_section(rows: Sequence[AlgorithmRow], plots: Sequence[Plot]) -> Section:
    """Build the section of mask use and the work that masks keep."""
    kept = [
        [row.algorithm, row.scenario, f"{row.sparsity_masked:.1%}", f"{row.flops_kept:.1%}"]
        for row in rows
        if row.flops_kept
    ]
    heads = ("algorithm", "scenario", "zeros in masked layers", "FLOPs kept of a dense decision")
    return Section(
        id="masks",
        title="Masks by unit type",
        tables=[Table(caption="Work that masks keep", heads=heads, words=LEFT, rows=kept)] if kept else (),
        plots=plots,
        empty="" if plots else "No finished run has masks.",
    )


def battle_section(clips: Sequence[Clip], scenario: str, seed: int, why_none: str) -> Section:
    """The same battle, played by each algorithm."""
    lead = (
        f"One battle of {scenario} (battle seed {seed}), played greedily by each algorithm's first seed whose trained "
        "policy was found; the slider shows one moment of them all. Blue: agents; orange: enemies. One battle proves "
        "nothing; it shows how each plays."
    )
    return Section(
        id="battles",
        title="A battle of each algorithm",
        lead=[lead] if clips else (),
        clips=clips,
        empty="" if clips else why_none,
    )
