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
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.progress import MofNCompleteColumn, TimeRemainingColumn
from rich.text import Text

import envs
from harness.cli.common import ALL_DONE, at_least, command, make_folder, names_in, parse_flags, world_settings
from harness.cli.console import log, make_console, print_table
from harness.cli.errors import UsageError
from harness.cli.overrides import resolve_env
from harness.cli.progress import duration, make_bar
from harness.flags.play import baselines_parser
from harness.policies import scripted as policies
from harness.policies.evaluate import Battle, Evaluation, play
from harness.results.tables import empty_table, write_csv
from harness.runs.seeding import derive_seed
from harness.stats.interval import format_interval

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


@dataclass(frozen=True, kw_only=True)
class PolicyRow:
    """One policy on one scenario. Means are over finished battles."""

    scenario: str
    policy: str
    battles: int
    """Battles finished; aborted ones are left out."""
    aborted: int
    """Battles in which the world broke down."""
    win_rate: float
    """Wins / battles finished; a battle cut by the time limit is not won."""
    win_low: float
    """Lower end of Wilson's 95% interval over battles."""
    win_high: float
    return_mean: float
    """Undiscounted."""
    length_mean: float
    """env_steps."""
    dead_allies_mean: float
    """When the battle ended."""
    dead_enemies_mean: float
    timeouts: int
    """Battles cut by the time limit."""
    seed: int

    def cells(self) -> dict[str, str]:
        """The row as the terminal shows it."""
        return {
            "scenario": self.scenario,
            "policy": self.policy,
            "win rate [95%]": format_interval(self.win_rate, self.win_low, self.win_high),
            "return": f"{self.return_mean:.2f}",
            "env steps": f"{self.length_mean:.1f}",
            "dead allies": f"{self.dead_allies_mean:.2f}",
            "dead enemies": f"{self.dead_enemies_mean:.2f}",
            "timeouts": f"{self.timeouts:,}",
        }


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


def summarise(scenario: str, policy: str, seed: int, battles: Sequence[Battle]) -> PolicyRow:
    """The row of these battles.

    Raises:
        UsageError: every battle aborted.
    """
    found = Evaluation(outcomes=tuple(battle.outcome for battle in battles))
    finished = [battle for battle in battles if not battle.outcome.aborted]
    if not finished:
        raise UsageError(f"all {len(battles)} battles of {policy} on {scenario} aborted; look at the world's messages")
    won = found.win_rate
    return PolicyRow(
        scenario=scenario,
        policy=policy,
        battles=len(finished),
        aborted=found.aborted,
        win_rate=won.estimate,
        win_low=won.low,
        win_high=won.high,
        return_mean=fmean(battle.outcome.episode_return for battle in finished),
        length_mean=fmean(battle.outcome.length for battle in finished),
        dead_allies_mean=fmean(battle.dead_allies for battle in finished),
        dead_enemies_mean=fmean(battle.dead_enemies for battle in finished),
        timeouts=sum(battle.outcome.truncated for battle in finished),
        seed=seed,
    )


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
    if flags.out is not None and flags.out.is_dir():
        raise UsageError(f"--out {flags.out} is a folder; name a file in it, for example {flags.out / 'scripted.csv'}")
    return BaselineArgs(
        pairs=tuple(pair for scenario in scenarios for pair in pairs_of(scenario, named, flags.backend)),
        env_options=options,
        battles=at_least(1, "--battles", flags.battles),
        seed=at_least(0, "--seed", flags.seed),
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
