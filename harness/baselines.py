"""Win rates of policies that do not learn: many battles of every scenario, in one table.

    python -m harness.baselines --out docs/results/scripted.csv

The table shows how hard a scenario is without training, and whether a learner has learned more than to shoot at the
nearest. Every policy meets the same battles; one seed gives the same table again.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import MofNCompleteColumn, TimeRemainingColumn
from rich.text import Text

import envs
from harness.cli.common import ALL_DONE, at_least_one, command, make_folder, names_in, parse_flags, world_settings
from harness.cli.console import log, make_console, print_table
from harness.cli.errors import UsageError
from harness.cli.overrides import resolve_env
from harness.cli.progress import duration, make_bar
from harness.flags.play import baselines_parser
from harness.policies import scripted as policies
from harness.policies.evaluate import play
from harness.results.baselines import PolicyRow, summarise
from harness.results.tables import empty_table, write_csv
from harness.runs.seeding import derive_seed

MOST_SLOTS = 128
"""Battles side by side: enough to keep the engine busy; with more, the last ones to end keep more slots waiting."""
MOST_GAMES = 4
"""The same where each battle is a game of its own."""


@dataclass(frozen=True, kw_only=True)
class BaselineArgs:
    """Arguments of the command, names checked, nothing played yet."""

    pairs: tuple[tuple[str, str], ...]
    """Scenario and policy of each row."""
    env_options: dict[str, dict[str, Any]]
    """By scenario, every option of its world."""
    battles: int
    seed: int
    out: Path | None
    """The CSV file."""
    backend: str = "battle"
    """Who plays the scenarios."""

    @property
    def slots(self) -> int:
        """Battles side by side: as many as divide the number of battles evenly."""
        most = min(self.battles, MOST_SLOTS if self.backend == "battle" else MOST_GAMES)
        return max(slots for slots in range(1, most + 1) if self.battles % slots == 0)


@command("nothing is kept")
def main(argv: Sequence[str]) -> int:
    """Play and show the table; returns the exit code: 0 done, 2 a mistake in the command, 130 Ctrl-C."""
    console = make_console()
    args = read_flags(argv)
    if args.out is not None:
        make_folder(args.out.parent)
    started = time.perf_counter()
    rows = play_all(console, args)
    title = f"{args.battles:,} battles a row, seed {args.seed}, {duration(time.perf_counter() - started)} in all"
    table = empty_table(title, rows[0].cells())
    for row, after in zip_longest(rows, rows[1:]):
        last = after is not None and after.scenario != row.scenario
        table.add_row(*map(Text, row.cells().values()), end_section=last)
    print_table(console, table, keys=2)
    if args.out is not None:
        write_csv(args.out, [dataclasses.asdict(row) for row in rows])
        log(console, f"written: {args.out}")
    return ALL_DONE


def play_all(console: Console, args: BaselineArgs) -> list[PolicyRow]:
    """Every policy on every scenario; a bar on a terminal, a line for each row elsewhere."""
    rows = []
    with make_bar(console, MofNCompleteColumn(), TimeRemainingColumn(compact=True)) as bar:
        task = bar.add_task("battles", total=len(args.pairs) * args.battles)
        for scenario, policy in args.pairs:
            bar.update(task, description=f"{scenario} {policy}")
            rows.append(play_one(args, scenario, policy, partial(bar.advance, task)))
            if not console.is_terminal:
                log(console, f"{scenario} {policy}: win rate {rows[-1].cells()['win rate [95%]']}")
    return rows


def play_one(args: BaselineArgs, scenario: str, policy: str, on_battles: Callable[[int], None]) -> PolicyRow:
    """One policy on one scenario; ``on_battles`` is called with the number of battles that just ended.

    Raises:
        UsageError: every battle aborted.
    """
    options = {**args.env_options[scenario], **policies.entry(policy).env_options}
    env = envs.make(scenario, args.slots, seed=0, backend=args.backend, **options)
    made = policies.make(policy, derive_seed(args.seed, "algorithm", scenario))
    seed = derive_seed(args.seed, "evaluation", scenario)
    try:
        battles = play(made, env, episodes=args.battles, seed=seed, on_battles=on_battles)
    finally:
        env.close()
    return summarise(scenario, policy, args.seed, battles)


def read_flags(argv: Sequence[str]) -> BaselineArgs:
    """Read the command line.

    Raises:
        UsageError: an unknown name or a malformed value.
        SystemExit: after ``--help``.
    """
    flags = parse_flags(baselines_parser, argv)
    known = envs.ids()
    everything = ",".join(id for id in known if is_played(id, flags.backend))
    scenarios = names_in("scenario", flags.scenarios or everything, known, envs.registry.canonical_id)
    named = names_in("policy", flags.policies, policies.ids()) if flags.policies else ()
    settings = world_settings(flags.settings)
    options = {id: dataclasses.asdict(resolve_env(id, settings, flags.backend)[0]) for id in scenarios}
    if any(option.get("heuristic_ai") for option in options.values()):
        raise UsageError(
            "env.heuristic_ai=true lets the world act in every policy's place; --policies nearest-free plays that way"
        )
    if flags.seed < 0:
        raise UsageError(f"--seed is {flags.seed}, it must be at least 0")
    if flags.out is not None and flags.out.is_dir():
        raise UsageError(f"--out {flags.out} is a folder; name a file in it, for example {flags.out / 'scripted.csv'}")
    return BaselineArgs(
        pairs=tuple(pair for scenario in scenarios for pair in pairs_of(scenario, named, flags.backend)),
        env_options=options,
        battles=at_least_one("--battles", flags.battles),
        seed=flags.seed,
        out=flags.out,
        backend=flags.backend,
    )


def is_played(scenario: str, backend: str) -> bool:
    """Whether a scenario is among those that a command without ``--scenarios`` plays."""
    row = envs.registry.entry(scenario)
    return not row.requires and (backend == "battle" or row.source in (envs.registry.SMACV2, envs.registry.SMAC))


def pairs_of(scenario: str, named: Sequence[str], backend: str) -> list[tuple[str, str]]:
    """A scenario with each policy that was named, or with each that can play it where none was.

    Raises:
        UsageError: one that was named cannot.
    """
    for policy in named:
        policies.check_plays(policy, scenario, backend)
    able = named or [policy for policy in policies.ids() if not policies.missing(policy, scenario, backend)]
    return [(scenario, policy) for policy in able]


if __name__ == "__main__":
    sys.exit(main())
