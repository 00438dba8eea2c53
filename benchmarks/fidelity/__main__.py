"""Lay the engine's battles beside the game's, with any options of the engine.

    python -m benchmarks.fidelity [--options acquire_period=8 …] [--scenarios 3s5z,…] [--study NAME] [--out FILE]
    python -m benchmarks.fidelity judge --study fidelity-defaults [--env-steps 1000000] [--dry-run]

The first plays random and scripted battles, reads stored runs if a study is named, and writes one page with a score for
each check. The second trains for hours; it can be stopped and given again, and ends with the page of what it trained.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.fidelity.battles import parse_options
from benchmarks.fidelity.checks import default_scenarios, engine_checks
from benchmarks.fidelity.judge import ALGORITHM, commands, judge
from benchmarks.fidelity.page import page
from benchmarks.fidelity.trained import trained_checks
from studies.db.storage_url import DEFAULT_STORAGE


def main(argv: Sequence[str] | None = None) -> None:
    words = sys.argv[1:] if argv is None else list(argv)
    args = parser().parse_args(words)
    options = parse_options(args.options)
    if args.mode == "judge":
        if not args.study:
            raise SystemExit("judge keeps its runs in a study; name it: --study fidelity-defaults")
        judge(commands(args.study, args.env_steps, args.seeds, args.storage, options), dry_run=args.dry_run)
        if args.dry_run:
            return
    text = page(all_checks(args, options), options, shlex.join(["python", "-m", "benchmarks.fidelity", *words]))
    if args.out:
        args.out.write_text(text, encoding="utf-8")
    print(text)


def all_checks(args: argparse.Namespace, options: dict[str, Any]) -> list[Any]:
    scenarios = args.scenarios.split(",") if args.scenarios else default_scenarios()
    checks = [] if args.trained_only else engine_checks(scenarios, args.battles, args.seed, options)
    return checks + (trained_checks(args.storage, args.study, args.algorithm) if args.study else [])


def parser() -> argparse.ArgumentParser:
    """The flags."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("mode", nargs="?", choices=("check", "judge"), default="check")
    flags.add_argument("--options", nargs="*", default=[], metavar="NAME=VALUE", help="options of the engine")
    flags.add_argument("--scenarios", metavar="A,B", help="default: SMACv2's fifteen and SMAC's maps")
    flags.add_argument("--battles", type=int, default=2048, help="battles a check (default: %(default)s)")
    flags.add_argument("--seed", type=int, default=0, help="which battles (default: %(default)s)")
    flags.add_argument("--storage", default=DEFAULT_STORAGE)
    flags.add_argument("--study", help="a study with trained runs")
    flags.add_argument("--algorithm", default=ALGORITHM, help="whose runs count (default: %(default)s)")
    flags.add_argument("--trained-only", action="store_true", help="play nothing, read the study alone")
    flags.add_argument("--env-steps", type=int, default=1_000_000, help="judge: length of a run (default: %(default)s)")
    flags.add_argument("--seeds", type=int, default=3, help="judge: seeds on 5_vs_5 (default: %(default)s)")
    flags.add_argument("--dry-run", action="store_true", help="judge: print the commands and stop")
    flags.add_argument("--out", type=Path, metavar="FILE", help="write the page here as well")
    return flags


if __name__ == "__main__":
    main()
