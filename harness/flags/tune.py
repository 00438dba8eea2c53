"""The command line of ``harness.tune``, read into one ``TuneArgs``."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import algorithms.registry
from common.space import Space
from harness.cli.common import Parser, add_repeated, at_least, command_line, flag_words
from harness.cli.errors import UsageError
from harness.cli.overrides import check_preset
from harness.flags import compare

FIRST_SEED = 100
"""Seeds of a search start here, those of a comparison at 0: the winner is evaluated on seeds that did not choose it."""
SHARED = {
    "--budget": "how long each run is",
    "--env-steps": "another length of each run",
    "--device": "where networks live",
    "--storage": "database of the study",
    "--out": "folder for checkpoints",
    "--num-envs": "training battles side by side",
}
"""Flags that mean what they mean in ``harness.compare``."""
REPEATED = {
    "--set": ("settings", "a setting that no trial changes"),
    "--config": ("configs", "a settings file"),
    "--import": ("imports", "your own code, imported first"),
}


@dataclass(frozen=True, kw_only=True)
class TuneArgs:
    """Arguments of the command, names checked, nothing started yet."""

    runs: compare.CompareArgs
    """The runs of a trial: one algorithm, one scenario, its seeds; the settings that no trial changes."""
    space: Space
    """What trials change."""
    why: str
    """Where the space comes from, in words."""
    trials: int
    """How many are wanted altogether."""
    seed: int
    """Of the sampler."""
    comparison: tuple[str, ...]
    """Arguments of ``harness.compare`` for the same world, length and place; ``--config`` is missing."""


def read_flags(argv: Sequence[str]) -> TuneArgs:
    """Read the command line.

    Raises:
        UsageError: an unknown name or a malformed value.
        SystemExit: after ``--help``.
    """
    from harness.runs.files import study_folder
    from harness.search.space import class_of, parse_space, recommended_space

    flags = tune_parser().parse_args(argv)
    runs = compare.read_flags(_as_comparison(flags))
    if len(runs.algorithms) > 1 or len(runs.scenarios) > 1:
        raise UsageError("a search is for one algorithm on one scenario; give --algo and --scenario one name each")
    algorithm, scenario = runs.algorithms[0], runs.scenarios[0]
    fight = flags.preset or class_of(scenario)
    check_preset(flags.preset, runs.algorithms)
    by_class = fight in algorithms.registry.entry(algorithm).presets
    space = parse_space(algorithm, flags.searches) if flags.searches else recommended_space(algorithm, fight)
    why = "" if flags.searches or not by_class else f" (recommended for {fight} fights; another class: --preset NAME)"
    both = [setting.key for setting in runs.settings if setting.target == algorithm and setting.key in space]
    if both:
        raise UsageError(
            f"{both[0]} is both set and searched; leave out --set {algorithm}.{both[0]}, or name what to "
            f"search with --search"
        )
    runs = dataclasses.replace(
        runs,
        preset=fight if by_class else None,
        seeds=tuple(range(FIRST_SEED, FIRST_SEED + at_least(1, "--seeds", flags.seeds, most=1000))),
        study=flags.study or f"tune-{algorithm}-{scenario.replace('/', '_')}-{runs.study.removeprefix('compare-')}",
        command=command_line("harness.tune", argv),
    )
    for name in (runs.study, f"{runs.study}-runs"):  # the second is that of its runs
        study_folder(runs.out, name)  # an error now rather than after training
    return TuneArgs(
        runs=runs,
        space=space,
        why=why,
        trials=at_least(1, "--trials", flags.trials, most=100_000),
        seed=at_least(0, "--seed", flags.seed),
        comparison=tuple(_as_comparison(flags, with_files=False)),
    )


def _as_comparison(flags: argparse.Namespace, with_files: bool = True) -> list[str]:
    """The same runs in the words of ``harness.compare``, which knows how to read them."""
    words = [*flag_words("--algos", flags.algo), *flag_words("--scenarios", flags.scenario)]
    for flag in (*SHARED, "--n-jobs"):
        value = getattr(flags, flag.removeprefix("--").replace("-", "_"))
        words += [] if value is None else flag_words(flag, value)
    for flag, (name, _) in REPEATED.items():
        if with_files or flag != "--config":
            words += [word for value in getattr(flags, name) for word in flag_words(flag, value)]
    return [*words, *(["--deterministic"] if flags.deterministic else [])]


def tune_parser() -> argparse.ArgumentParser:
    found = Parser("tune", "Search for an algorithm's settings on one scenario.")
    add = found.add_argument
    add("--algo", default="k24", metavar="NAME", help="algorithm to tune (default: %(default)s)")
    add("--scenario", default="terran_5_vs_5", metavar="NAME", help="where it fights (default: %(default)s)")
    add("--trials", type=int, default=20, metavar="N", help="settings to try altogether (default: %(default)s)")
    add(
        "--seeds",
        type=int,
        default=2,
        metavar="N",
        help=f"seeds of each trial, from {FIRST_SEED} on: a comparison has others (default: %(default)s)",
    )
    text = (
        "a setting to search, and where; may be repeated (default: what is recommended for the algorithm and the "
        "class of the scenario)"
    )
    add_repeated(found, "--search", "searches", "TARGET.KEY=LOW:HIGH[:log]|A,B", text)
    add(
        "--preset",
        metavar="NAME",
        help=f"class of the scenario: {', '.join(algorithms.registry.preset_names())} (default: by its units)",
    )
    add("--seed", type=int, default=0, metavar="N", help="of the sampler (default: %(default)s)")
    add(
        "--heartbeat",
        type=float,
        metavar="SECONDS",
        help="has no effect any more: trials follow the rule of runs; accepted for the sake of old commands",
    )
    add("--n-jobs", type=int, default=1, metavar="N", help="worker processes on this machine (default: %(default)s)")
    add("--study", metavar="NAME", help="name of the study (default: by algorithm, scenario and length)")
    for flag, text in SHARED.items():
        add(flag, metavar=flag.removeprefix("--").upper(), help=f"{text}, as in harness.compare")
    for flag, (name, text) in REPEATED.items():
        add_repeated(found, flag, name, "VALUE", f"{text}, as in harness.compare")
    add("--deterministic", action="store_true", help="refuse operations that may give other bits each time")
    return found
