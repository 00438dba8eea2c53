"""From a study to its report: every plot, the battles, the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from harness.command_line import say
from harness.findings import Findings, find
from harness.report import sections
from harness.report.clips import Clip, clip_jobs, make_clip
from harness.report.collect import StudyData
from harness.report.curves import MEASURES, plot_learning
from harness.report.figure import Plot
from harness.report.masks import plot_masks
from harness.report.method import method_section
from harness.report.outcomes import plot_profiles, plot_trade_offs, plot_win_rates
from harness.report.page import Page, Section, render
from harness.report.records import provenance_section, runs_section
from harness.report.throughput import throughput_section


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a report shall hold and where it goes."""

    out: Path
    """The page; plots and battles go into a folder of the same name beside it."""
    runs_folder: Path
    """``--out`` of the comparison, with the checkpoints."""
    clips: bool = True
    """Whether battles are played."""
    clip_scenario: str | None = None
    """Where; ``None``: where most algorithms left a checkpoint."""
    clip_seed: int = 0
    throughput: Path | None = None
    """Results of ``harness.throughput``; ``None``: those in the study's folder, if any."""
    command: str = ""

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
    findings: Findings


Draw = Callable[[], Plot | list[Plot] | None]


def write_report(data: StudyData, wanted: Wanted, console: Console) -> Report:
    """Draw everything and write the page, with a bar on a terminal.

    Args:
        data: the study.
        wanted: what and where.
        console: shows the progress.
    """
    findings = find(data.groups, data, title=data.study)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(compact=True))
    jobs = clip_jobs(data, wanted.runs_folder, wanted.clip_scenario) if wanted.clips else []
    drawing = plot_jobs(data, findings, wanted.folder)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("report", total=len(drawing) + len(jobs))
        plots: dict[str, list[Plot]] = {}
        for kind, name, draw in drawing:
            bar.update(task, description=f"report: {name}")
            drawn = draw()
            plots.setdefault(kind, []).extend(drawn if isinstance(drawn, list) else [drawn] if drawn else [])
            bar.advance(task)
        clips = []
        for number, job in enumerate(jobs):
            bar.update(task, description=f"report: battle of {job.algorithm}")
            done = partial(_part, bar, task, len(drawing) + number)
            clips.append(make_clip(wanted.folder, job, wanted.clip_seed, done))
            bar.update(task, completed=len(drawing) + number + 1)
    for clip in clips:
        if clip.path is None:
            say(console, f"report: {clip.algorithm}, seed {clip.seed}: {clip.told}")
    scenario = jobs[0].scenario if jobs else ""
    why = _no_battles(wanted, data)
    found = [
        sections.result_section(data, findings, plots["result"]),
        sections.curves_section(plots["curves"]),
        sections.trade_off_section(plots["trade-offs"]),
        sections.profile_section(data, plots["profiles"]),
        throughput_section(wanted.folder, data, wanted.throughput, wanted.runs_folder),
        sections.mask_section(findings.rows, plots["masks"]),
        sections.battle_section(clips, scenario, wanted.clip_seed, why),
        runs_section(data),
        provenance_section(data),
        method_section(run for *_, run in data.finished()),
    ]
    return _write(data, wanted, found, findings, clips)


def plot_jobs(data: StudyData, findings: Findings, folder: Path) -> list[tuple[str, str, Draw]]:
    """Section, name and work of every plot; each section is named at least once."""
    names, rows = data.algorithms, findings.rows
    found: list[tuple[str, str, Draw]] = [("result", "win rates", partial(plot_win_rates, folder, rows, names))]
    for scenario in data.scenarios:
        for measure in MEASURES:
            found.append(
                ("curves", f"curves, {scenario}", partial(plot_learning, folder, data, findings, scenario, measure))
            )
        found.append(("trade-offs", f"trade-offs, {scenario}", partial(plot_trade_offs, folder, rows, names, scenario)))
    found.append(("profiles", "profiles", partial(plot_profiles, folder, findings, names)))
    by_algorithm = sorted(data.groups.items(), key=lambda group: names.index(group[0][0]))
    for number, ((algorithm, scenario), runs) in enumerate(by_algorithm):
        found.append(("masks", f"masks of {algorithm}", partial(plot_masks, folder, algorithm, scenario, runs, number)))
    return [*found, *((kind, "", list) for kind in ("curves", "trade-offs", "masks"))]


def _write(
    data: StudyData,
    wanted: Wanted,
    found: list[Section],
    findings: Findings,
    clips: list[Clip],
) -> Report:
    now = datetime.now(UTC).isoformat(sep=" ", timespec="minutes").removesuffix("+00:00")
    finished, begun = (sum(1 for _ in runs) for runs in (data.finished(), data.unfinished()))
    page = Page(
        title=f"Study {data.study}",
        subtitle=f"{finished} of {finished + begun} runs finished · {', '.join(data.algorithms) or 'no algorithm'} · "
        f"{', '.join(data.scenarios) or 'no scenario'} · written {now} UTC",
        sections=found,
        footer=f"Written by: {wanted.command}" if wanted.command else "Written by harness.report",
    )
    wanted.out.parent.mkdir(parents=True, exist_ok=True)
    wanted.out.write_text(render(page, wanted.out), encoding="utf-8")
    files = [file for section in found for plot in section.plots for file in plot.files]
    return Report(
        page=wanted.out,
        files=(*files, *(clip.path for clip in clips if clip.path)),
        findings=findings,
    )


def _part(bar: Progress, task: object, before: int, share: float) -> None:
    bar.update(task, completed=before + share)  # type: ignore[arg-type]


def _no_battles(wanted: Wanted, data: StudyData) -> str:
    if not wanted.clips:
        return "No battles were asked for."
    where = f" of {wanted.clip_scenario}" if wanted.clip_scenario else ""
    return (
        f"No finished run{where} has a checkpoint in {wanted.runs_folder / data.study}, so no battle could be played; "
        "name the folder that harness.compare wrote to: --runs FOLDER."
    )
