"""Check whether StarCraft II can be played here, and name the next command where it cannot.

    python -m harness.doctor

The last steps start a game and play a battle's first step in it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

import envs
from common.errors import describe
from envs.battle import jit
from envs.battle.scenarios import fixed_scenarios
from envs.sc2 import installation
from envs.sc2.environment import SEE_DOCTOR, GameError
from envs.sc2.installation import Missing, Step
from envs.sc2.options import GENERATED, Sc2Options
from harness.cli.common import ALL_DONE, SOME_MISSING, Parser, command
from harness.cli.console import log, make_console

SCENARIO = "terran_5_vs_5"
COLOURS = {"ok": "green", "missing": "red", "left out": "yellow"}


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """Result of one check."""

    step: str
    state: str
    """``ok``, ``missing``, or ``left out`` where an earlier step is missing that it needs."""
    text: str
    """What was found, or what is missing and the next command."""


@command("checks that are shown hold")
def main(argv: Sequence[str]) -> int:
    """Check and report; returns the exit code: 0 all there, 1 something is missing, 2 wrong use, 130 Ctrl-C."""
    console = make_console()
    flags = doctor_parser().parse_args(argv)
    found = []
    for result in run_checks(steps(flags)):
        found.append(result)
        if not flags.json:
            print_result(console, result)
    well = all(result.state == "ok" for result in found)
    if flags.json:
        print(json.dumps({"ok": well, "steps": [asdict(result) for result in found]}, indent=2))
    else:
        log(console, verdict(well, tried=not flags.no_game))
    return ALL_DONE if well else SOME_MISSING


def verdict(well: bool, *, tried: bool) -> str:
    """Return the last line: the command to type now."""
    game = installation.game_name()
    if well and tried:
        return f"{game} can be played: python -m harness.compare --backend sc2"
    if well:
        return f"all files of {game} are there; whether it starts: python -m harness.doctor"
    if game == installation.STANDS_IN:
        return "what is missing stands above, each with the next command"
    return f"without the game, its stand-in: {installation.STAND_IN}"


def run_checks(checks: Sequence[Step]) -> Iterator[CheckResult]:
    """Go through the steps; whatever a check raises is a finding and no end."""
    fine: set[str] = set()
    for step in checks:
        lacking = [name for name in step.needs if name not in fine]
        if lacking:
            yield CheckResult(step=step.name, state="left out", text=f"needs {', '.join(lacking)}")
            continue
        try:
            text = step.check()
        except Exception as error:  # a broken installation may raise anything
            message = str(error) if isinstance(error, Missing | GameError) else describe(error)
            yield CheckResult(step=step.name, state="missing", text=message.removesuffix(SEE_DOCTOR))
            continue
        fine.add(step.name)
        yield CheckResult(step=step.name, state="ok", text=text)


def print_result(console: Console, result: CheckResult) -> None:
    line = Text(f"{result.state:9}", style=COLOURS[result.state]) + Text(
        f"{result.step:18} {result.text}", style="default"
    )
    console.print(line, soft_wrap=True)


def steps(flags: argparse.Namespace) -> list[Step]:
    """Return all checks, in the order of an installation."""
    version = flags.game_version
    packages = ("system", "pysc2", "pysc2's needs", "s2clientprotocol", "smacv2")
    checks = [
        Step(name="python", check=platform.python_version),
        Step(name="torch", check=lambda: str(importlib.import_module("torch").__version__)),
        Step(name="numba cache", check=check_cache),
    ]
    for step in installation.steps([GENERATED, *fixed_scenarios("smac.json")], version):
        checks.append(step)
        if step.name == "s2clientprotocol":
            checks.append(Step(name="its protobuf", check=installation.check_protocol, needs=("s2clientprotocol",)))
    if not flags.no_game:
        everything = (*packages, "its protobuf", "game", "game version", f"map {GENERATED}")
        checks.append(Step(name="first battle", check=partial(check_battle, version), needs=everything))
    return checks


def check_cache() -> str:
    """Return where the compiled engine is kept, for the built-in battles and the game's stand-in."""
    return f"{jit.MACHINE_CODE.folder}{'' if jit.is_compiled() else ', empty: the first battle compiles for a minute'}"


def check_battle(game_version: str) -> str:
    """Start a game, ask who it is, begin a battle and play one step."""
    options: dict[str, Any] = {"max_failures": 1, "game_version": game_version}
    env: Any = envs.make(SCENARIO, backend="sc2", seed=0, **options)
    try:
        env.reset()
        game = env.game()
        if game_version == installation.VERSION and game["build"] != installation.BUILD:
            raise Missing(
                f"the game says that it is build {game['build']}, not {installation.BUILD}; next: unpack version "
                f"{installation.VERSION} again ({installation.GAME_PAGE})"
            )
        env.step(np.ones((1, env.spec.n_agents), np.int64))
        if env.aborted[0]:
            raise Missing("the game ended in its first step; next: run it by hand and read what it says")
    finally:
        env.close()
    return f"version {game['version']} answers; one reset and one step of {SCENARIO} were played"


def doctor_parser() -> Parser:
    found = Parser("doctor", "Check whether StarCraft II can be played with --backend sc2.")
    add = found.add_argument
    add("--json", action="store_true", help="print the findings as JSON")
    add("--no-game", action="store_true", help="look at files only, start no game")
    add(
        "--game-version",
        default=Sc2Options.game_version,
        choices=(installation.VERSION, "latest"),
        help="release to look for (default: %(default)s)",
    )
    return found


if __name__ == "__main__":
    sys.exit(main())
