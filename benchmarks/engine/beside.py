"""Engine speed beside another simulator's, taken in turn in one sitting, as ratios.

    python -m benchmarks.engine.beside --peer "python smax_rate.py {scenario} --seconds 5" [--repeats 3] [--out FILE]

``--peer`` is a command that measures the other simulator and prints ``… sum RATE env-steps/s`` last; ``{scenario}``
becomes its name for the fight. The default pairs are SMAX's (JaxMARL): its smacv2_* fights draw from six unit types of
mixed races without shields, healing or splash, which is less work than the ones they are set beside.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numba
import numpy as np

from benchmarks.engine.speed import measure

PAIRS = {
    "terran_5_vs_5": "smacv2_5_units",
    "terran_10_vs_10": "smacv2_10_units",
    "terran_20_vs_20": "smacv2_20_units",
    "27m_vs_30m": "27m_vs_30m",
}


def last_figure(command: Sequence[str], pattern: str, words: str) -> float:
    """Run a command and return the figure that its output gives last.

    Args:
        command: program and flags.
        pattern: regular expression; its group is the figure, with or without commas.
        words: what the figure looks like, for the message.

    Raises:
        ValueError: it printed none; the message shows the end of what it printed.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    figures = re.findall(pattern, done.stdout, flags=re.MULTILINE)
    if not figures:
        tail = (done.stdout + done.stderr)[-800:]
        raise ValueError(f"{shlex.join(command)} printed no {words!r}; the end of its output:\n{tail}")
    return float(figures[-1].replace(",", ""))


def compare(own: str, other: str, command: str, repeats: int, seconds: float, batch: int) -> dict[str, Any]:
    """Rates of both, in turn, and their ratio repeat by repeat."""
    threads = numba.get_num_threads()
    ours, theirs = [], []
    for _ in range(repeats):
        ours.append(measure(own, batch, seconds, 1, threads)["env_steps_per_second"])
        peer = shlex.split(command.format(scenario=other))
        theirs.append(last_figure(peer, r"sum ([\d,.]+) env-steps/s", "sum RATE env-steps/s"))
    ratios = np.array(ours) / np.array(theirs)
    return {
        "scenario": own,
        "peer_scenario": other,
        "ours": ours,
        "theirs": theirs,
        "ratio": float(np.median(ratios)),
        "least": float(ratios.min()),
        "greatest": float(ratios.max()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, help="command with {scenario}")
    parser.add_argument("--pairs", default=",".join(f"{own}:{other}" for own, other in PAIRS.items()))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each of our measurements")
    parser.add_argument("--batch", type=int, default=128, help="battles of ours side by side")
    parser.add_argument("--out", type=Path, help="also write the rows as JSON")
    args = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()}")
    rows = []
    for pair in args.pairs.split(","):
        own, _, other = pair.partition(":")
        row = compare(own, other, args.peer, args.repeats, args.seconds, args.batch)
        rows.append(row)
        print(
            f"{own:16} {np.median(row['ours']):>10,.0f} env_steps/s   {other:16} {np.median(row['theirs']):>8,.0f}"
            f"   ratio {row['ratio']:.1f} [{row['least']:.1f}, {row['greatest']:.1f}]",
            flush=True,
        )
    if args.out:
        args.out.write_text(json.dumps({"load": os.getloadavg(), "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
