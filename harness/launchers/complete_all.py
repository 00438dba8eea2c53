"""Bring all runs of a comparison to their end: in this process, in several of this machine, or on a cluster."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console

from harness.cli.common import log
from harness.flags.compare import CompareArgs
from harness.launchers.start import launch
from harness.runs.files import run_folder
from harness.runs.plan import RunPlan
from harness.runs.warm_up import compile_ahead
from harness.runs.worker_pool import work_together
from harness.training.complete import complete, other_battles
from studies.store import StudyStore

LOOK_AGAIN = 2.0
"""Seconds between two looks at runs that other processes work on."""


def complete_all(console: Console, store: StudyStore, request: CompareArgs, plans: Sequence[RunPlan]) -> list[bool]:
    """Bring every run to its end, here or in worker processes; returns which results are stored.

    All runs are queued first, so that ``harness.worker`` on any machine can take some of them.
    """
    jobs = [plan.to_json(deterministic=request.deterministic) for plan in plans]
    ids = store.enqueue([(plan.key, plan.identity(), job) for plan, job in zip(plans, jobs, strict=True)])
    arguments = [*request.for_workers, "--only", compact(ids)]
    if request.workers.kind != "local":
        return complete_on_cluster(console, store, request, ids, arguments)
    before = store.states()
    compile_ahead([plan for run, plan in zip(ids, plans, strict=True) if before[run] != "finished"])
    if request.n_jobs > 1:
        work_together(request.n_jobs, arguments, stderr=request.json)
    over = {"finished": True, "failed": False} if request.n_jobs > 1 else {}  # the workers have logged these
    states, rows = store.states(), {row.run_id: row for row in store.rows()}
    done = {}
    for run, plan in zip(ids, plans, strict=True):
        again = run in rows and other_battles(rows[run], plan)
        found = None if again else over.get(states[run])
        folder = run_folder(request.out, request.study, plan.key)
        done[run] = complete(console, store, plan, folder, request.log) if found is None else found
    waited = {run: plan for run, plan in zip(ids, plans, strict=True) if done[run] is None}
    if waited and request.wait:
        done |= wait_for(console, store, request, waited)
    return [bool(done[run]) for run in ids]


def wait_for(
    console: Console, store: StudyStore, request: CompareArgs, waited: Mapping[int, RunPlan]
) -> dict[int, bool | None]:
    """Wait for runs that other processes hold, and bring those to their end that these leave."""
    log(console, f"waiting for {len(waited)} runs that other processes work on (--no-wait reports without them)")
    done: dict[int, bool | None] = {}
    while len(done) < len(waited):
        states = store.states() | {run.run_id: run.state for run in store.unfinished()}
        for run, plan in waited.items():
            state = states.get(run, "deleted")
            if run in done or state == "running":
                continue
            if state in ("finished", "failed", "deleted"):
                log(console, f"{plan.label}: {state} by another process")
                done[run] = state == "finished"
            elif (
                found := complete(console, store, plan, run_folder(request.out, request.study, plan.key), request.log)
            ) is not None:
                done[run] = found
        if len(done) < len(waited):
            time.sleep(LOOK_AGAIN)
    return done


def compact(ids: Sequence[int]) -> str:
    """``3-7,9``: the form of ``harness.worker --only``; a thousand ids in a row stay one short argument."""
    parts: list[list[int]] = []
    for number in sorted(ids):
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)


def complete_on_cluster(
    console: Console, store: StudyStore, request: CompareArgs, ids: Sequence[int], arguments: Sequence[str]
) -> list[bool]:
    """Let workers elsewhere bring the runs to their end; returns which results are stored."""
    faults = launch(
        console,
        request.workers,
        [*arguments, "--linger"],
        folder=(request.out / request.study / "workers").absolute(),
        total=len(ids),
        unfinished=lambda: sum(store.states()[run] not in ("finished", "failed") for run in ids),
    )
    for fault in faults:
        log(console, f"workers: {fault}")
    states = [store.states()[run] for run in ids]
    missing = Counter(state for state in states if state != "finished")
    if missing:
        message = ", ".join(f"{number} {state}" for state, number in missing.items())
        log(console, f"not finished: {message}; the same command goes on with them")
    return [state == "finished" for state in states]
