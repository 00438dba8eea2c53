"""Watch a fight: a policy plays a scenario, and every tick of it becomes a picture of a video.

    python -m harness.watch --scenario terran_5_vs_5 --policy random --out fight.gif

``--run`` plays what ``harness.compare`` has trained, in the world that it was trained in; ``--replay`` shows what
clients of StarCraft II played on the stand-in for it.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import TimeRemainingColumn

import envs.registry
from envs.battle.engine import BattleEnv
from envs.battle.state import TICKS_PER_SECOND
from envs.render import Renderer
from envs.render.style import palette
from harness.cli.common import ALL_DONE, at_least, command, make_folder, parse_flags, world_settings
from harness.cli.console import log, make_console
from harness.cli.errors import UsageError, unknown_name
from harness.cli.overrides import resolve_env
from harness.cli.progress import duration, make_bar
from harness.flags.play import POLICY, SCENARIO, watch_parser
from harness.policies import scripted as policies
from harness.policies.evaluate import Greedy
from harness.policies.trained import folder_of_run, read_policy_file
from harness.runs.process import resolve_device
from harness.video.battles import record, write_replay_video
from harness.video.encode import check_path, write_video

SLOWEST, FASTEST, MOST_PIXELS = 0.01, 1000.0, 4096
NOT_DRAWN = "pictures are drawn from the built-in engine's own record alone"


@command("no video was written")
def main(argv: Sequence[str]) -> int:
    """Write the video; returns the exit code: 0 done, 2 a mistake in the command, 130 Ctrl-C."""
    console = make_console()
    flags = parse_flags(watch_parser, argv)
    out, rate = file_and_rate(flags)
    write = write_replay_video if flags.replay else write_battle_video
    count = write(console, flags, out, rate)
    size = out.stat().st_size / 1e6
    log(console, f"written: {out} ({count} pictures, {duration(count / rate)} long, {size:.1f} MB)")
    return ALL_DONE


def write_battle_video(console: Console, flags: argparse.Namespace, out: Path, rate: float) -> int:
    """Play all battles into the file, with a bar on a terminal; returns how many pictures it has.

    Raises:
        UsageError: a flag cannot be followed.
    """
    env, policy, who = trained(flags) if flags.run else scripted_policy(flags)
    if not isinstance(env, BattleEnv):
        raise UsageError(f"{env.spec.id} is not played by the built-in engine, whose battles alone can be drawn")
    try:
        renderer = Renderer(env, size=flags.size, fields_of_view=agents(flags.fov, env.spec.n_agents))
    except ValueError as error:
        raise UsageError(str(error)) from error
    episodes, limit = flags.episodes or 1, env.spec.episode_limit
    with make_bar(console, "{task.fields[at]}", TimeRemainingColumn()) as bar:
        task = bar.add_task(who, total=episodes, at="")

        def on_step(battle: int, step: int, ended: str) -> None:
            completed = battle if ended else battle - 1 + step / limit
            bar.update(task, completed=completed, at=f"battle {battle}, step {step}")
            if ended:
                log(bar.console, f"battle {battle}: {ended} after {step} env steps")

        drawn = record(env, policy, renderer, who=who, episodes=episodes, every=flags.every, rate=rate, on_step=on_step)
        return write_video(out, drawn, rate, palette())


def file_and_rate(flags: argparse.Namespace) -> tuple[Path, float]:
    """Return the path of the video and its pictures a second.

    Raises:
        UsageError: a flag cannot be followed.
    """
    out = Path(flags.out)
    check_path(out)
    if flags.backend != "battle":
        raise UsageError(f"--backend {flags.backend} cannot be watched: {NOT_DRAWN}; leave it out")
    at_least(1, "--every", flags.every)
    if flags.episodes is not None:
        at_least(1, "--episodes", flags.episodes)
    if not SLOWEST <= flags.speed <= FASTEST:
        raise UsageError(f"--speed is {flags.speed}, it must be {SLOWEST} to {FASTEST:g}; 1 is the game's own")
    if not 0 <= flags.seed < 2**63:
        raise UsageError(f"--seed is {flags.seed}, it must be at least 0 and below 2**63")
    if not 1 <= flags.size <= MOST_PIXELS:
        raise UsageError(f"--size is {flags.size}, it must be 1 to {MOST_PIXELS:,} pixels")
    make_folder(out.parent)
    return out, TICKS_PER_SECOND * flags.speed / flags.every


def scripted_policy(flags: argparse.Namespace) -> tuple[Any, policies.Policy, str]:
    """World and policy by their names."""
    scenario, name = envs.registry.canonical_id(flags.scenario or SCENARIO), flags.policy or POLICY
    if scenario not in envs.registry.ids():
        raise unknown_name("scenario", scenario, envs.registry.ids(), hint="One of your own: --import my_file.py")
    policies.check_plays(name, scenario)
    options, _ = resolve_env(scenario, world_settings(flags.settings))
    needed = policies.entry(name).env_options
    env = envs.registry.make(scenario, 1, seed=flags.seed, **{**dataclasses.asdict(options), **needed})
    return env, policies.make(name, flags.seed), name


def trained(flags: argparse.Namespace) -> tuple[Any, policies.Policy, str]:
    """World and policy of a run."""
    for flag, given in (("--scenario", flags.scenario), ("--policy", flags.policy), ("--set", flags.settings)):
        if given:
            message = "--run plays a trained policy in the world of its training; leave out one of them"
            raise UsageError(f"{flag}: {message}")
    where = folder_of_run(flags.run, study=flags.study, storage=flags.storage, out=flags.runs)
    run = read_policy_file(where)
    if run.backend != "battle":
        raise UsageError(f"--run {where}: trained with --backend {run.backend}, and {NOT_DRAWN}")
    env = run.world(flags.seed)
    return env, Greedy(run.policy(env, resolve_device(flags.device)), 1), run.label


def agents(text: str, n_agents: int) -> tuple[int, ...]:
    """``all``, ``none``, or numbers separated by commas.

    Raises:
        UsageError: something else.
    """
    if text in ("all", "none"):
        return tuple(range(n_agents)) if text == "all" else ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--fov {text!r}: give agents' numbers (--fov 0,2), all, or none") from None


if __name__ == "__main__":
    sys.exit(main())
