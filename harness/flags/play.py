"""Flags of the commands that play battles and train nothing: ``harness.watch`` and ``harness.baselines``."""

from __future__ import annotations

from pathlib import Path

import envs
import envs.registry
from harness.cli.common import Parser, add_backend, add_import, add_setting, listing
from harness.flags.study import add_runs, add_study
from harness.policies import scripted as policies
from harness.video.encode import endings

SCENARIO, POLICY = "terran_5_vs_5", "random"
"""What is played where the user does not say."""


def watch_parser() -> Parser:
    found = Parser("watch", "Play battles and write them as a video.", epilog=_policies_and_scenarios())
    add = found.add_argument
    add_import(found)
    add("--scenario", metavar="NAME", help=f"where to fight (default: {SCENARIO})")
    add("--policy", metavar="NAME", help=f"who plays (default: {POLICY})")
    add(
        "--run", metavar="FOLDER|TRIAL", help="a trained run instead: its folder, its checkpoint, or its trial's number"
    )
    add("--replay", metavar="FILE", help="a saved game of the stand-in for StarCraft II instead")
    add_study(found, "of the trial", "the trial's database")
    add_runs(found)
    add_backend(found, "who plays; only battle can be drawn")
    add("--episodes", type=int, metavar="N", help="battles (default: 1; of a replay all)")
    add("--seed", type=int, default=0, metavar="S", help="which battles (default: %(default)s)")
    add_setting(found, "env.KEY=VALUE", "an option of the world")
    text = "agents whose field of view is shown (default: %(default)s)"
    add("--fov", default="none", metavar="A,B|all|none", help=text)
    add("--size", type=int, default=640, metavar="PIXELS", help="width of the picture (default: %(default)s)")
    add("--speed", type=float, default=1.0, metavar="X", help="times the game's own (default: %(default)s)")
    add("--every", type=int, default=1, metavar="TICKS", help="from one picture to the next (default: %(default)s)")
    add("--device", default="cpu", metavar="cpu|cuda", help="where a trained policy runs (default: %(default)s)")
    add("--out", default="fight.mp4", metavar="FILE", help=f"the video; {endings()} (default: %(default)s)")
    return found


def _policies_and_scenarios() -> str:
    """List the registered names; worlds that cannot be drawn are left out."""
    known = {name: policies.entry(name).summary for name in policies.ids()}
    worlds = {name: envs.registry.entry(name) for name in envs.registry.ids()}
    drawn = {name: world.summary for name, world in worlds.items() if world.entry_point == envs.registry.BATTLE}
    return listing("policies", known) + "\n" + listing("scenarios", drawn, width=20)


def baselines_parser() -> Parser:
    known = listing("policies", {name: policies.entry(name).summary for name in policies.ids()})
    found = Parser(
        "baselines",
        "Play battles with policies that do not learn, and show what they win.",
        epilog=f"{known}\nscenarios: {', '.join(envs.ids())}",
    )
    add = found.add_argument
    add_import(found)
    add("--scenarios", metavar="A,B", help="where they fight (default: wherever no further package is needed)")
    add("--policies", metavar="A,B", help="who fights (default: all that can)")
    add_backend(found, "the built-in engine, or StarCraft II through smacv2, where policies play that need no more")
    add("--battles", type=int, default=1000, metavar="N", help="battles a policy and scenario (default: %(default)s)")
    add("--seed", type=int, default=0, metavar="N", help="which battles (default: %(default)s)")
    add_setting(found, "env.KEY=VALUE", "one setting of the world (env.rules=2023); may be repeated")
    add("--out", type=Path, metavar="FILE", help="write the table as CSV")
    return found
