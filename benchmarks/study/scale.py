"""Large studies with made-up rows: how long a claim, a heartbeat and a report take.

    python -m benchmarks.study.scale claims --storage postgresql://user@host/scratch --runs 20000 --claimers 100
    python -m benchmarks.study.scale report --storage sqlite:////tmp/scale.db --runs 2000

Every claimer is a process with its own connections, four of them on each of a cluster's simulated machines: it claims a
run, waits for a while (``--think``), finishes it, claims the next. Give an empty database: it is filled, and nothing is
removed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import numpy as np
from rich.console import Console
from sqlalchemy import insert

from harness.report.build import ReportArgs, write_report
from harness.results.findings import compute_report
from harness.results.study_data import collect
from studies.db.schema import Curve, Outcome, Provenance, Result, Run
from studies.db.storage_url import parse_storage_url
from studies.queue.owner import release
from studies.reader import StudyReader
from studies.rows import RunKey
from studies.store import StudyStore

STUDY = "scale"
ALGORITHMS, SCENARIOS = ("k24", "qmix", "kalei", "vdn"), ("terran_5_vs_5", "protoss_5_vs_5", "zerg_5_vs_5", "MMM")
CLAIMERS_A_MACHINE = 4
POINTS, BATTLES = 12, 1_000
"""Evaluations and final battles of a run."""


def keys(count: int) -> Iterator[RunKey]:
    """Return so many different runs."""
    for number in range(count):
        algorithm, place = ALGORITHMS[number % 4], SCENARIOS[number // 4 % 4]
        yield RunKey(algorithm=algorithm, scenario=place, seed=number // 16, config_hash="0123456789ab")


def config(key: RunKey) -> dict[str, Any]:
    """Return settings of the size that real ones have."""
    settings = {f"setting_{number}": number / 7 for number in range(40)}
    return {"algorithm": {"name": key.algorithm, **settings}, "env": {"scenario": key.scenario}}


def fill_queue(store: StudyStore, count: int) -> None:
    """Queue made-up runs, a thousand in a transaction."""
    asked = [(key, config(key), {"config": config(key), "number": n}) for n, key in enumerate(keys(count))]
    for start in range(0, count, 1_000):
        store.enqueue(asked[start : start + 1_000])


def fill_finished(store: StudyStore, count: int, battles: int) -> None:
    """Store made-up finished runs with curves and battles."""
    rng = np.random.default_rng(0)
    with store._run_table.db.transaction() as session:
        for number, key in enumerate(keys(count), start=1):
            wins = int(rng.binomial(battles, 0.2 + 0.05 * ALGORITHMS.index(key.algorithm)))
            run = {"id": number, "study": STUDY, "config": config(key), "state": "finished", "created": 0.0}
            run |= {"heartbeat": 0.0, "trial_number": number, "finished": 1.0}
            run |= {name: getattr(key, name) for name in ("algorithm", "scenario", "seed", "config_hash")}
            session.execute(insert(Run).values(**run))
            session.execute(insert(Result).values(run_id=number, **result(wins, battles)))
            record = {"commit": "0" * 40, "command": "made up", "cpu": "none"}
            session.execute(insert(Provenance).values(run_id=number, session=0, started=0.0, record=record))
            steps = np.arange(POINTS) * 10_000
            curve = {"return_mean": 1.0, "episodes": 32, "loss": 0.1, "epsilon": 0.1, "wall_seconds": 1.0}
            extra = {"grad_norm": 1.0, "temperature": 2.0}
            points = [
                {"run_id": number, "env_steps": int(at), "win_rate": at / 5e5, "extra": extra, **curve} for at in steps
            ]
            session.execute(insert(Curve), points)
            session.execute(insert(Outcome), list(outcomes(number, wins, battles)))


def outcomes(run_id: int, wins: int, battles: int) -> Iterator[dict[str, Any]]:
    """Return the battles of a run, the won ones first."""
    for number in range(battles):
        won = number < wins
        ended = {"won": won, "lost": not won, "truncated": False, "aborted": False}
        yield {"run_id": run_id, "slot": number % 125, "battle_id": number // 125, **ended} | {
            "episode_return": 10.0,
            "length": 40,
        }


def result(wins: int, battles: int) -> dict[str, Any]:
    """Return the result of a run that won so many battles."""
    rate = wins / battles
    return {
        "win_rate": rate,
        "win_low": max(rate - 0.03, 0.0),
        "win_high": min(rate + 0.03, 1.0),
        "interval_kind": "95% Wilson over battles",
        "return_mean": 10.0,
        "sparsity_masked": 0.5,
        "sparsity_model": 0.2,
        "throughput": 1e5,
        "throughput_batch": 5_120,
        "throughput_dtype": "float32",
        "speedup_24": None,
        "speedup_24_reason": "made up",
        "env_steps": 120_000,
        "env_steps_per_second": 1_000.0,
        "wall_seconds": 120.0,
        "device": "cpu",
        "episodes": battles,
        "wins": wins,
        "aborted": 0,
        "details": {"can_be_won": True},
    }


def claims(storage: str, runs: int, claimers: int, seconds: float, think: float) -> dict[str, Any]:
    """Measure claims and heartbeats of many worker processes that share a queue, in milliseconds."""
    with StudyStore.open(storage, STUDY) as store:
        fill_queue(store, runs)
        store._run_table.db.close()
    processes = multiprocessing.get_context("fork")  # shares what is imported; each opens connections of its own
    ready, begin, results = processes.Barrier(claimers + 1), processes.Event(), processes.Queue()
    workers = [
        processes.Process(
            target=claimer, daemon=True, args=(storage, n, claimers, seconds, think, ready, begin, results)
        )
        for n in range(claimers)
    ]
    for worker in workers:
        worker.start()
    ready.wait()
    begin.set()
    claimed: list[float] = []
    beaten: list[float] = []
    for _ in workers:
        its_claims, its_heartbeats = results.get(timeout=seconds + 300)
        claimed += its_claims
        beaten += its_heartbeats
    for worker in workers:
        worker.join()
    print(f"{runs:,} runs in the queue, {claimers} claimers, {think:g} s of work between two claims, {seconds:g} s")
    found: dict[str, Any] = {"runs": runs, "claimers": claimers, "seconds": seconds, "think_seconds": think}
    for name, times in (("claim", claimed), ("heartbeat", beaten)):
        found[name] = {"count": len(times), "median_ms": 1000 * median(times), "p95_ms": tail(times)}
        print(f"{name}: {len(times)} times, median {1000 * median(times):.1f} ms, 95% within {tail(times):.1f} ms")
    return found


def claimer(
    storage: str, number: int, claimers: int, seconds: float, think: float, ready: Any, begin: Any, results: Any
) -> None:
    """Claim, work for a while and finish, again and again; a process of one of a cluster's machines."""
    name = f"node{number // CLAIMERS_A_MACHINE}"
    socket.gethostname = lambda: name
    claimed: list[float] = []
    beaten: list[float] = []
    with StudyStore.open(storage, STUDY) as store:
        ready.wait()
        begin.wait()
        until = time.monotonic() + seconds
        time.sleep(think * number / claimers)
        while time.monotonic() < until:
            claimed.append(timed(store.claim_next))
            time.sleep(think / 2)
            beaten.append(timed(store._run_table.write_heartbeat))
            time.sleep(think / 2)
            finish(store)
    results.put((claimed, beaten))


def finish(store: StudyStore) -> None:
    """End the runs that this claimer holds; as failed, since there is no result."""
    with store._run_table.db.transaction() as session:
        for run_id in store._run_table.claimed:
            run = session.get_one(Run, run_id)
            run.state, run.error = "failed", "made up"
            release(run)
    store._run_table.claimed.clear()


def timed(work: Callable[[], object]) -> float:
    """Return how many seconds a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def tail(times: Sequence[float]) -> float:
    """Return the 95th percentile in milliseconds."""
    return 1000 * quantiles(times, n=20)[-1]


def report(storage: str, runs: int, out: Path) -> dict[str, Any]:
    """Measure a report over many finished runs: seconds and the most memory of the process."""
    store = StudyStore.open(storage, STUDY)
    print(f"filled in {timed(lambda: fill_finished(store, runs, BATTLES)):.1f} s")
    store._run_table.close()  # the store's own close would give Optuna a trial of each made-up run
    start = time.perf_counter()
    with StudyReader.open_existing(storage, STUDY) as reader:
        data = collect(reader, STUDY)
    read = time.perf_counter()
    findings = compute_report(data.groups, data, title=STUDY)
    found = time.perf_counter()
    args = ReportArgs(out=out / "report.html", runs_folder=out, clips=False, command="benchmarks.study.scale")
    write_report(data, findings, args, Console(quiet=True))
    end = time.perf_counter()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"report over {runs:,} runs of {BATTLES:,} battles: {end - start:.1f} s, at most {most:.2f} GiB")
    print(f"of it reading {read - start:.1f} s, statistics {found - read:.1f} s, page {end - found:.1f} s")
    return {
        "runs": runs,
        "battles": BATTLES,
        "seconds": end - start,
        "reading_seconds": read - start,
        "statistics_seconds": found - read,
        "page_seconds": end - found,
        "most_memory_gib": most,
    }


def keep(path: Path, what: str, found: dict[str, Any], command: str) -> None:
    """Write numbers beside those of the other measurement, with the command and the machine."""
    stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    machine = {"cores": os.cpu_count(), "load": os.getloadavg()[0], "python": platform.python_version()}
    rounded = json.loads(json.dumps(found), parse_float=lambda text: round(float(text), 2))
    stored[what] = {"command": command, **rounded, **machine}
    path.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.study.scale", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("claims", "report"), help="what to measure")
    parser.add_argument("--storage", required=True, help="an empty database")
    parser.add_argument("--runs", type=int, default=2_000, help="made-up runs (default: %(default)s)")
    parser.add_argument("--claimers", type=int, default=100, help="workers that claim (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long they do (default: %(default)s)")
    parser.add_argument("--think", type=float, default=2.0, help="seconds between two claims (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("scale"), help="folder of the report (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="file that keeps the numbers")
    flags = parser.parse_args(argv)
    if flags.what == "claims":
        found = claims(flags.storage, flags.runs, flags.claimers, flags.seconds, flags.think)
        size = f"--runs {flags.runs} --claimers {flags.claimers} --seconds {flags.seconds:g} --think {flags.think:g}"
    else:
        found, size = report(flags.storage, flags.runs, flags.out), f"--runs {flags.runs}"
    if flags.json:
        kind = parse_storage_url(flags.storage).parsed.get_backend_name()
        keep(
            flags.json, flags.what, found, f"python -m benchmarks.study.scale {flags.what} --storage {kind}://… {size}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
