"""The command line of ``harness.compare``, read into one ``CompareArgs``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import algorithms.registry
import envs.registry
from algorithms.settings.pymarl import SettingsFile, shipped
from envs.sc2.installation import game_name
from harness.cli.common import (
    Parser,
    add_backend,
    add_import,
    add_repeated,
    add_setting,
    at_least,
    command_line,
    flag_words,
    listed,
    listing,
    names_in,
    parse_flags,
)
from harness.cli.errors import UsageError, check_known
from harness.cli.overrides import Setting, check_preset, check_targets, parse_setting, read_files
from harness.flags.workers import Workers, add_workers, read_workers
from harness.loggers import check_loggers
from harness.loggers.registry import summaries
from harness.runs.budget import BUDGETS, DEFAULT_BUDGET, REPLAY_LIMIT, Budget, CheckpointReplay, default_study
from harness.runs.files import study_folder
from studies.db.storage_url import DEFAULT_STORAGE

MOST_STEPS, LARGEST_SEED, MOST_SEEDS = 2 * 10**9, 2 * 10**9, 10_000
"""The database counts steps and seeds in 32 bits; more seeds than that are a slip of the hand."""
ReportKind = Literal["full", "plots", "none"]
"""A page with a battle of each algorithm, one without, or none at all."""
SIDE_BY_SIDE = {"battle": 8, "sc2": 4}
"""``--num-envs`` by default. With ``sc2`` each is a game of its own, and evaluation takes as many again."""


@dataclass(frozen=True, kw_only=True)
class CompareArgs:
    """Arguments of the command, names checked, nothing started yet."""

    algorithms: tuple[str, ...]
    scenarios: tuple[str, ...]
    seeds: tuple[int, ...]
    budget: Budget
    """``--budget``, with ``--env-steps`` applied."""
    settings: tuple[Setting, ...]
    """Every ``--set``, in the order given."""
    files: tuple[SettingsFile, ...] = ()
    """Every ``--config``, of different algorithms."""
    preset: str | None = None
    """``--preset``: a class of scenarios."""
    storage: str
    study: str
    """Name of the Optuna study that the runs become trials of."""
    device: str
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N``."""
    out: Path
    """Folder for checkpoints, tables and plots."""
    num_envs: int
    """E: training battles side by side."""
    backend: str = "battle"
    """Who plays: ``battle``, the built-in engine, or ``sc2``, StarCraft II."""
    checkpoint_replay: CheckpointReplay = "auto"
    deterministic: bool = False
    """Use only operations that give the same bits each time."""
    json: bool = False
    """Write the findings to standard output as JSON, and everything else to standard error."""
    wait: bool = True
    """Whether to wait for runs that other processes work on before the table is made."""
    throughput: str = "in-turn"
    """``in-turn``: measure decisions/s of all policies after training; ``none``."""
    workers: Workers = field(default_factory=Workers)
    """Where runs are trained."""
    log: tuple[str, ...] = ()
    """Loggers that follow each run."""
    imports: tuple[str, ...] = ()
    """Every ``--import``."""
    report: ReportKind = "full"
    """What stands in the page at the end."""
    command: str
    """The command line, so that it can be typed again; passwords as ``***``."""

    @property
    def n_jobs(self) -> int:
        """Processes of this machine that work on the runs at the same time."""
        return self.workers.count if self.workers.kind == "local" else 1

    @property
    def title(self) -> str:
        """Return the line above the table."""
        played = "" if self.backend == "battle" else f", played by {game_name()}"
        return f"{self.study}: {self.budget.env_steps:,} env steps a run{played}"

    @property
    def for_workers(self) -> list[str]:
        """Arguments of ``harness.worker`` for these runs."""
        given: list[tuple[str, object]] = [("--storage", self.storage), ("--study", self.study)]
        given += [("--device", self.device), ("--out", self.out.absolute())]
        given += [("--log", ",".join(self.log))] if self.log else []
        given += [("--import", target) for target in self.imports]
        return [word for flag, value in given for word in flag_words(flag, value)]


def read_flags(argv: Sequence[str]) -> CompareArgs:
    """Read the command line.

    Raises:
        UsageError: an unknown name or a malformed value.
        SystemExit: after ``--help``.
    """
    flags = parse_flags(compare_parser, argv)
    algos = names_in("algorithm", flags.algos, algorithms.registry.ids(), algorithms.registry.resolve)
    scenarios = names_in("scenario", flags.scenarios, envs.registry.ids(), envs.registry.canonical_id)
    check_known("budget", [flags.budget], BUDGETS, hint="any other length: --env-steps N")
    budget = BUDGETS[flags.budget]
    if flags.env_steps is not None:
        budget = budget.with_env_steps(at_least(1, "--env-steps", flags.env_steps, most=MOST_STEPS))
    given = SIDE_BY_SIDE[flags.backend] if flags.num_envs is None else flags.num_envs
    num_envs = at_least(1, "--num-envs", given, most=100_000)
    if flags.backend == "sc2":
        budget = budget.with_slots(num_envs)
    settings = tuple(parse_setting(argument) for argument in flags.settings)
    check_targets(settings, algos)
    check_preset(flags.preset, algos)
    study = flags.study or default_study(flags.budget, flags.env_steps, flags.backend)
    study_folder(Path(flags.out), study)  # an error now rather than after training
    return CompareArgs(
        algorithms=algos,
        scenarios=scenarios,
        seeds=parse_seeds(flags.seeds) if flags.seeds is not None else tuple(range(budget.seeds)),
        budget=budget,
        settings=settings,
        files=read_files(flags.configs, algos),
        preset=flags.preset,
        storage=flags.storage,
        study=study,
        device=flags.device,
        out=Path(flags.out),
        num_envs=num_envs,
        backend=flags.backend,
        checkpoint_replay=flags.checkpoint_replay,
        deterministic=flags.deterministic,
        json=flags.json,
        wait=not flags.no_wait,
        throughput=flags.throughput,
        workers=read_workers(flags),
        log=check_loggers(listed(flags.log)),
        imports=tuple(flags.imports),
        report=flags.report or ("plots" if flags.budget == "smoke" else "full"),
        command=command_line("harness.compare", argv),
    )


def parse_seeds(text: str) -> tuple[int, ...]:
    """``3`` means seeds 0, 1, 2; ``0,4,7`` lists them; ``4,`` is seed 4 alone.

    Raises:
        UsageError: anything else, or the same seed twice.
    """
    try:
        numbers = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        numbers = []
    most = MOST_SEEDS if "," not in text else LARGEST_SEED
    if numbers and max(numbers) > most:
        raise UsageError(f"--seeds {text[:40]}: up to {MOST_SEEDS:,} seeds, none of them above {LARGEST_SEED:,}")
    if not numbers or min(numbers) < 0 or (numbers == [0] and "," not in text):
        raise UsageError(f"--seeds {text!r}: give how many (--seeds 3 runs seeds 0, 1, 2) or which (--seeds 0,4,7)")
    if "," not in text:
        return tuple(range(numbers[0]))
    if len(set(numbers)) < len(numbers):
        raise UsageError(f"--seeds {text!r} names a seed twice; a run is never done twice")
    return tuple(numbers)


def compare_parser() -> argparse.ArgumentParser:
    found = Parser(
        "compare",
        "Train, evaluate and compare sparse multi-agent learners on battles of SMACv2, SMAC and your own.",
        epilog=_registered(),
    )
    text = "your own code, imported first, so that the maps and algorithms it registers can be named"
    add_import(found, text, metavar="MODULE_OR_FILE")
    _add_runs(found)
    _add_training(found)
    add_workers(found)
    _add_results(found)
    return found


def _add_runs(parser: argparse.ArgumentParser) -> None:
    """Add flags that say which runs are compared, and with which settings."""
    add = parser.add_argument
    add("--algos", default="k24,qmix,kalei", metavar="A,B", help="algorithms to compare (default: %(default)s)")
    add("--scenarios", default="terran_5_vs_5", metavar="A,B", help="where they fight (default: %(default)s)")
    add("--seeds", metavar="N|A,B", help="how many seeds, or which (default: 1 for smoke and quick, else 3)")
    add("--budget", default=DEFAULT_BUDGET, metavar="NAME", help="how long each run is (default: %(default)s)")
    add("--env-steps", type=int, metavar="N", help="another length of each run; all else is the budget's")
    text = "one setting of an algorithm (k24.div_coef=0.2) or of the world (env.rules=2023); may be repeated"
    add_setting(parser, "TARGET.KEY=VALUE", text)
    text = f"settings of one algorithm as PyMARL writes them; may be repeated; shipped: {', '.join(shipped())}"
    add_repeated(parser, "--config", "configs", "FILE", text)
    add(
        "--preset",
        metavar="NAME",
        help=f"recommended settings by scenario class: {', '.join(algorithms.registry.preset_names())}",
    )


def _add_training(parser: argparse.ArgumentParser) -> None:
    """Add flags that say how runs are trained."""
    add = parser.add_argument
    default = " or ".join(f"{number} with {backend}" for backend, number in SIDE_BY_SIDE.items())
    add("--num-envs", type=int, metavar="E", help=f"training battles side by side (default: {default})")
    where = "where networks live (default: cuda if there; on a cluster: if --worker-gpus asks for some)"
    add("--device", default="auto", metavar="auto|cpu|cuda", help=where)
    text = "the built-in engine, or StarCraft II through smacv2; python -m harness.doctor checks an installation"
    add_backend(parser, text)
    add(
        "--checkpoint-replay",
        choices=get_args(CheckpointReplay),
        default="auto",
        help="whether checkpoints hold the replay, so that a resumed run goes on bit for bit, or it refills first; "
        f"auto: up to {REPLAY_LIMIT // 10**6} MB of it (default: %(default)s)",
    )
    add(
        "--deterministic",
        action="store_true",
        help="refuse operations that may give other bits each time, on a GPU above all; on a CPU runs repeat without",
    )


def _add_results(parser: argparse.ArgumentParser) -> None:
    """Add flags that say what is kept and shown."""
    add = parser.add_argument
    add(
        "--log",
        metavar="A,B",
        help=f"follow each run while it trains: {'; '.join(f'{name}: {text}' for name, text in summaries().items())}",
    )
    add(
        "--no-wait",
        action="store_true",
        help="make the table without runs that other processes still work on (default: wait for them)",
    )
    add(
        "--throughput",
        choices=("in-turn", "none"),
        default="in-turn",
        help="measure decisions/s of all policies in turn after training, or not (default: %(default)s)",
    )
    add("--storage", default=DEFAULT_STORAGE, metavar="URL", help="database of the study (default: %(default)s)")
    add("--study", metavar="NAME", help="name of the study (default: by budget and length: compare-quick)")
    add(
        "--json",
        action="store_true",
        help="for machines: all findings as JSON on standard output, everything else on standard error",
    )
    add(
        "--report",
        choices=get_args(ReportKind),
        help="the page at the end: full, with a battle of each algorithm; plots, without; or none (default: full, for "
        "smoke plots); python -m harness.report writes it at any time",
    )
    add("--out", default="runs", metavar="FOLDER", help="checkpoints, tables and plots (default: %(default)s)")


def _registered() -> str:
    learners = {name: algorithms.registry.summary(name) for name in algorithms.registry.ids()}
    fights = {name: envs.registry.entry(name).summary for name in envs.registry.ids()}
    budgets = {budget.name: f"{budget.env_steps:>10,} env_steps; {budget.summary}" for budget in BUDGETS.values()}
    parts = (listing("algorithms", learners), listing("scenarios", fights, width=20), listing("budgets", budgets))
    return "\n".join(parts)
