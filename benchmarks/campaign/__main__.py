"""Run the campaign and print its counts.

    python -m benchmarks.campaign --minutes 30 --json campaign.json

Every phase repeats until its share of the time is over, at least once. A fault is a run that is lost or done twice, a
result that differs by a bit from that of an undisturbed run, a traceback shown to a user, or a command that hangs.
Exit code 1 where there was one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.campaign import files, input, processes
from benchmarks.campaign.work import Campaign, compile_first

PHASES = {
    "kills at commit points": processes.kill_at_commits,
    "kills at random": processes.kill_at_random,
    "signals": processes.send_signals,
    "stopped and continued": processes.stop_and_continue,
    "six workers, SQLite": processes.six_workers,
    "six workers, PostgreSQL restarted": processes.six_workers_restarted,
    "disk full": files.fill_disk,
    "damaged files": files.damage_files,
    "command lines": input.command_lines,
    "options of worlds": input.world_options,
    "messages to the stand-in server": input.messages,
}


def main() -> int:
    """Run the phases; returns 1 where a fault was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.campaign", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0, help="for all phases together (default: %(default)s)")
    parser.add_argument("--only", help="phases, by parts of their names, with commas")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the counts there too")
    flags = parser.parse_args()
    wanted = [name for name in PHASES if not flags.only or any(part in name for part in flags.only.split(","))]
    if not wanted:
        parser.error(f"--only {flags.only}: no phase is called so; there are: {', '.join(PHASES)}")
    with tempfile.TemporaryDirectory(prefix="k24-campaign-") as folder:
        compile_first(Path(folder))
    faults = 0
    counts: dict[str, dict[str, int]] = {}
    for number, name in enumerate(wanted):
        with tempfile.TemporaryDirectory(prefix="k24-campaign-") as folder:
            seconds = 60 * flags.minutes / len(wanted)
            campaign = Campaign(Path(folder), seed=flags.seed + number, until=time.monotonic() + seconds)
            PHASES[name](campaign)
        counts[name] = dict(campaign.counts)
        faults += len(campaign.faults)
        tried = ", ".join(f"{count:,} {what}" for what, count in campaign.counts.items()) or "nothing could be tried"
        print(f"{name}: {tried}; {len(campaign.faults)} faults", flush=True)
        for fault in campaign.faults[:10]:
            print(f"  FAULT {fault}", flush=True)
    if flags.json:
        text = json.dumps({"load": os.getloadavg(), "faults": faults, "counts": counts}, indent=1)
        flags.json.write_text(text + "\n", encoding="utf-8")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
