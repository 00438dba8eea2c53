"""The flags of ``harness.throughput``."""

from __future__ import annotations

from harness.cli.common import Parser, add_import, add_setting
from harness.flags.study import add_runs, add_study

BATCHES = (256, 4096, 65_536)
"""Default numbers of agent decisions in one call."""


def parser() -> Parser:
    found = Parser(
        "throughput",
        "Measure how fast a policy decides: dense, masked dense and compressed 2:4, layer by layer and as "
        "a whole, and from which size on compression pays.",
    )
    add = found.add_argument
    add_import(found, "your own algorithms and worlds")
    add("--run", metavar="FOLDER|TRIAL", help="what harness.compare has trained (default: a fresh policy)")
    add_study(found, "of the trial", "the trial's database")
    add_runs(found)
    add("--algo", default="k24", metavar="NAME", help="algorithm of a fresh policy (default: %(default)s)")
    words = "one after the other, for their widths and types (default: %(default)s)"
    add("--scenarios", "--scenario", default="terran_5_vs_5", metavar="A,B", help=words)
    add_setting(found, "NAME.KEY=VALUE", "as in harness.compare")
    add("--hidden", metavar="A,B", help="hidden sizes of fresh policies (default: the algorithm's own)")
    add("--batches", metavar="A,B", help=f"agent decisions (default: {','.join(map(str, BATCHES))})")
    add("--dtypes", metavar="A,B", help="float16, bfloat16, float32 (default: the first two; on a CPU the last)")
    add("--all", action="store_true", help="hidden sizes 64 to 4096, batches 256 to 1,048,576")
    add("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or cuda:N (default: %(default)s)")
    add("--out", metavar="FILE.json", help="save each grid point there at once, and measure only those that it lacks")
    add("--minutes", type=float, metavar="N", help="begin no grid point after that; --out goes on later")
    add("--plot", metavar="FILE.png", help="draw speed-up over hidden size and batch")
    add("--json", action="store_true", help="print JSON instead of tables")
    return found
