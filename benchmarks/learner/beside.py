"""Seconds per update beside another learner's, taken in turn in one sitting, as ratios.

    python -m benchmarks.learner.beside --algo qmix --peer "python pymarl2_update.py PATH/TO/src qmix" [--rounds 5]

``--peer`` is a command that measures the other learner on a batch of the same shape and prints ``MEDIAN [MIN-MAX] s``;
another checkout of this project serves as well: ``--peer "env -C OTHER python -m benchmarks.learner --algos qmix"``.
"""

from __future__ import annotations

import argparse
import shlex
import sys

from benchmarks.engine.beside import last_figure
from benchmarks.learner.update import machine, spread

FIGURE = r"^.*?(\d+\.\d+) \[\d+\.\d+[–-]\d+\.\d+\]"
"""The first of each line."""


def seconds(command: list[str]) -> float:
    """Run a command and return the first median of the last line that has one; errors as of ``last_figure``."""
    return last_figure(command, FIGURE, "MEDIAN [MIN-MAX]")


def main() -> None:
    """Measure both in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--algo", default="qmix", help="registered id of ours")
    parser.add_argument("--peer", required=True, help="command that measures the other learner")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each")
    parser.add_argument("--threads", type=int, default=2, help="torch threads of ours")
    args = parser.parse_args()
    own = [sys.executable, "-m", "benchmarks.learner", "--algos", args.algo, "--threads", str(args.threads)]
    print(machine())
    ours, theirs = [], []
    for _ in range(args.rounds):
        ours.append(seconds(own))
        theirs.append(seconds(shlex.split(args.peer)))
        print(f"{args.algo} {ours[-1]:.3f} s, peer {theirs[-1]:.3f} s, ratio {theirs[-1] / ours[-1]:.2f}", flush=True)
    ratios = [other / mine for mine, other in zip(ours, theirs, strict=True)]
    print(f"{args.algo} {spread(ours)} s, peer {spread(theirs)} s, peer / {args.algo} {spread(ratios)}")


if __name__ == "__main__":
    main()
