"""The flags of ``harness.baselines``."""

from __future__ import annotations

from pathlib import Path

import envs
import envs.registry
from harness.cli.common import Parser, add_backend, add_import, add_setting, listing
from harness.policies import scripted as policies


def parser() -> Parser:
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
