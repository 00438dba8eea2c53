"""From a study to its report: every plot, the battles, the page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TaskID, TaskProgressColumn, TimeRemainingColumn

from algorithms import registry
from common.errors import quoted
from harness.cli.console import log
from harness.cli.progress import make_bar
from harness.plots.curves import MEASURES, plot_learning, plot_over_scenarios
from harness.plots.diagnostics import plot_diagnostics, plot_panels
from harness.plots.figure import Plot
from harness.plots.masks import plot_masks
from harness.plots.outcomes import plot_profiles, plot_trade_offs, plot_win_rates
from harness.plots.throughput import plot_crossings
from harness.report import sections
from harness.report.clips import Clip, Job, clip_jobs, common_area, make_clip
from harness.report.headline import headline, limits
from harness.report.origin import method_section, provenance_section, runs_section
from harness.report.page import Page, Section, render
from harness.report.references import Reference, references
from harness.report.throughput import find_records, throughput_section
from harness.results.findings import ComparisonReport
from harness.results.study_data import StudyData
from harness.runs.files import atomic_write
from harness.speed.record import Record


@dataclass(frozen=True, kw_only=True)
class ReportArgs:
    """Contents and place of a report."""

    out: Path
    """The page; plots and battles go into a folder of the same name beside it."""
    runs_folder: Path
    """``--out`` of the comparison, with the checkpoints."""
    clips: bool = True
    """Whether battles are played."""
    clip_scenario: str | None = None
    """Where; ``None``: where most algorithms left a checkpoint."""
    clip_seed: int = 0
    """Which battle."""
    throughput: Path | None = None
    """Results of ``harness.throughput``; ``None``: those in the study's folder, if any."""
    command: str
    """That makes the page."""

    @property
    def folder(self) -> Path:
        """For plots and battles."""
        return self.out.with_suffix("")


@dataclass(frozen=True, kw_only=True)
class Report:
    """A report that has been written."""

    page: Path
    files: tuple[Path, ...]
    """Plots and battles beside it."""


Work = tuple[str, str, Callable[[], Sequence[Plot]]]
"""The section that plots are for, what is drawn, and what draws it."""


def write_report(data: StudyData, findings: ComparisonReport, args: ReportArgs, console: Console) -> Report:
    """Draw everything and write the page, with a bar on a terminal.

    Raises:
        UsageError: the throughput file holds something else.
    """
    records, unread = find_records(args.throughput, args.runs_folder / data.study)
    jobs = clip_jobs(data, args.runs_folder, args.clip_scenario) if args.clips else []
    with make_bar(console, TaskProgressColumn(), TimeRemainingColumn(compact=True)) as bar:
        scripts = references(data) if findings.rows else []
        plots = draw_all(bar, plot_work(data, findings, records, args.folder, scripts))
        clips = play_all(bar, jobs, args)
    for line in (*unread, *(clip.caption for clip in clips if not clip.path)):
        log(console, f"report: left out: {line}")
    found = [
        sections.result_section(data, findings, plots["result"], scripts),
        *(sections.plot_section(id, plots[id]) for id in sections.OF_PLOTS),
        throughput_section(records, plots["throughput"], args.runs_folder / data.study),
        sections.mask_section(findings.rows, plots["masks"]),
        sections.battle_section(clips, jobs[0].scenario if jobs else "", args.clip_seed, _no_battles(args, data)),
        runs_section(data),
        provenance_section(data),
        method_section(run for *_, run in data.finished()),
    ]
    _write(data, args, found, headline(findings, scripts), limits(data, findings))
    files = [file for each in found for plot in each.plots for file in plot.files]
    return Report(page=args.out, files=(*files, *(clip.path for clip in clips if clip.path)))


def plot_work(
    data: StudyData, findings: ComparisonReport, records: Sequence[Record], folder: Path, scripts: Sequence[Reference]
) -> list[Work]:
    """Everything that is to be drawn."""
    names, rows = data.algorithms, findings.rows

    def levels(scenario: str, measure: str) -> dict[str, float]:
        own = [each for each in scripts if each.scenario == scenario]
        return {each.policy: each.win_rate.estimate if measure == "win_rate" else each.return_mean for each in own}

    rates = {scenario: levels(scenario, "win_rate") for scenario in data.scenarios}
    work: list[Work] = [("result", "win rates", partial(plot_win_rates, folder, rows, names, rates))]
    work.append(("curves", "curves over scenarios", partial(plot_over_scenarios, folder, findings, names)))
    for scenario in data.scenarios:
        for measure in MEASURES:
            draw = partial(plot_learning, folder, data, findings, scenario, measure, levels(scenario, measure))
            work.append(("curves", f"curves, {scenario}", draw))
        work.append(("learner", f"learner, {scenario}", partial(plot_diagnostics, folder, data, scenario)))
        work.append(("trade-offs", f"trade-offs, {scenario}", partial(plot_trade_offs, folder, rows, names, scenario)))
    work.append(("profiles", "profiles", partial(plot_profiles, folder, findings, names)))
    by_algorithm = sorted(data.groups.items(), key=lambda group: names.index(group[0][0]))
    for number, ((algorithm, scenario), runs) in enumerate(by_algorithm):
        work.append(("masks", f"masks of {algorithm}", partial(plot_masks, folder, algorithm, scenario, runs, number)))
        points = [data.curve_points(run.run_id) for run in runs]
        panels = registry.entry(runs[0].algorithm).panels if runs[0].algorithm in registry.ids() else ()
        own = partial(plot_panels, folder, algorithm, scenario, panels, points, number)
        work.append(("learner", f"learner {algorithm}, {scenario}", own))
    for number, record in enumerate(records):
        work.append(("throughput", "throughput", partial(plot_crossings, folder, record, number)))
    return work


def draw_all(bar: Progress, work: Sequence[Work]) -> defaultdict[str, list[Plot]]:
    """The plots of each section."""
    task = bar.add_task("plots", total=len(work))
    plots: defaultdict[str, list[Plot]] = defaultdict(list)
    for section, name, draw in work:
        bar.update(task, description=f"plots: {name}")
        plots[section] += draw()
        bar.advance(task)
    return plots


def play_all(bar: Progress, jobs: Sequence[Job], args: ReportArgs) -> list[Clip]:
    """A battle of each algorithm."""
    area = common_area(jobs, args.clip_seed)
    clips = []
    for job in jobs:
        task = bar.add_task(f"battle of {job.algorithm}", total=1.0)
        clips.append(make_clip(args.folder, job, args.clip_seed, area, partial(_show, bar, task)))
        _show(bar, task, 1.0)
    return clips


def _show(bar: Progress, task: TaskID, share: float) -> None:
    bar.update(task, completed=share)


def _write(data: StudyData, args: ReportArgs, found: list[Section], finding: str, cautions: Sequence[str]) -> None:
    finished, begun = (sum(1 for _ in runs) for runs in (data.finished(), data.unfinished()))
    page = Page(
        title=f"Study {data.study}",
        subtitle=f"{finished} of {finished + begun} runs finished · {', '.join(data.algorithms) or 'no algorithm'} · "
        f"{', '.join(data.scenarios) or 'no scenario'} · written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        headline=finding,
        limits=cautions,
        sections=found,
        footer=f"Written by: {args.command}",
    )
    args.out.parent.mkdir(parents=True, exist_ok=True)
    content = render(page, args.out)
    with atomic_write(args.out) as draft:
        draft.write_text(content, encoding="utf-8")


def _no_battles(args: ReportArgs, data: StudyData) -> str:
    if not args.clips:
        return f"No battles were asked for: python -m harness.report --study {quoted(data.study)} plays them."
    where = f" of {args.clip_scenario}" if args.clip_scenario else ""
    return (
        f"No finished run{where} has a checkpoint in {args.runs_folder / data.study} from which a battle of the "
        "built-in engine could be played; name the folder that harness.compare wrote to: --runs FOLDER."
    )
