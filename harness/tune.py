"""Searches for an algorithm's settings on one scenario, by any number of processes, and writes the best to a file.

    python -m harness.tune --algo k24 --scenario MMM --trials 30 --n-jobs 2

Each trial trains several seeds and may be pruned on their mean win rate, by which trials are ranked. The same command
goes on where it was stopped; ``harness.worker`` on this or another machine joins. ``harness.compare --config`` reads
the result.
"""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console

from algorithms.settings.pymarl import dump_settings
from common.space import from_json, to_json
from harness.cli.common import ALL_DONE, SOME_MISSING, command, command_line, make_folder, writing_results
from harness.cli.console import log, make_console
from harness.flags.planning import check_memory, plan_runs
from harness.flags.tune import TuneArgs, read_flags
from harness.launchers.processes import work_together
from harness.runs.files import study_folder
from harness.runs.plan import RunPlan
from harness.runs.process import prepare_process
from harness.search.objective import RANKED_BY, Objective
from harness.search.space import TrialSampler
from studies.db.storage_url import parse_storage_url
from studies.search import SearchStudy
from studies.store import StudyStore

STARTUP = 5
"""Trials drawn at random, and never pruned against fewer than these, before the sampler and the pruner decide."""
_ENDED = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed or left"}
WARM_UP = 1 / 3
"""Share of a run before which nothing is pruned: masks and exploration settle late."""


@command("what is done is kept", resume="harness.tune")
def main(argv: Sequence[str]) -> int:
    """Search; returns the exit code: 0 all trials over, 1 none gave a result, 2 a mistake, 130 Ctrl-C."""
    console = make_console()
    args = read_flags(argv)
    runs = args.runs
    plans, _ = plan_runs(runs)
    request = search_request(args, plans)
    make_folder(runs.out)
    introduce(console, args, plans)
    with SearchStudy.open(runs.storage, runs.study, request=request, trials=args.trials) as search:
        if runs.n_jobs > 1:
            work_together(runs.n_jobs, runs.for_workers)
        join_search(console, search, storage=runs.storage, out=runs.out, device=runs.device)
        with writing_results(runs.out, search.url.redacted):
            return report(console, search, args)


def search_request(args: TuneArgs, plans: Sequence[RunPlan]) -> dict[str, Any]:
    """Return the search request as JSON; equal for equal commands."""
    return {
        "jobs": [plan.to_json(deterministic=args.runs.deterministic) for plan in plans],
        "space": to_json(args.space),
        "seed": args.seed,
        "ranked_by": RANKED_BY,
    }


def introduce(console: Console, args: TuneArgs, plans: Sequence[RunPlan]) -> None:
    """Say what will happen before it does."""
    runs = args.runs
    log(
        console,
        f"{args.trials} trials of {runs.algorithms[0]} on {runs.scenarios[0]}, each {len(runs.seeds)} seeds of "
        f"{runs.budget.env_steps:,} env steps (budget {runs.budget.name}); study {runs.study} in "
        f"{parse_storage_url(runs.storage).redacted}",
    )
    if line := check_memory([plans[0]] * max(1, runs.n_jobs), runs.n_jobs, seeds=len(plans)):
        log(console, line)
    log(console, f"trials are ranked and pruned by the {RANKED_BY}; intervals are shown and decide nothing")
    for name, allowed in args.space.items():
        log(console, f"searched: {name} in {allowed}{args.why}")


def join_search(console: Console, search: SearchStudy, *, storage: str, out: Path, device: str) -> None:
    """Take trials until none is left; checkpoints and pictures go to ``out``, runs to the search's own ``storage``.

    Raises:
        UsageError: what the runs need is not on this machine.
        StorageError: the database cannot be used.
        KeyboardInterrupt: the user stopped it.
    """
    jobs = search.request["jobs"]
    plans = [RunPlan.from_json(job, device) for job in jobs]
    prepare_process(deterministic=jobs[0]["deterministic"])
    warm_up = round(WARM_UP * plans[0].budget.env_steps)
    with StudyStore.open(storage, f"{search.name}-runs") as store:
        space = from_json(search.request["space"])
        search.work(
            Objective(plans, space, store, study=search.name, out=out, console=console),
            sampler=TrialSampler(search.request["seed"], startup=STARTUP),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=warm_up),
            on_finished=lambda trial: log(console, f"trial {trial.number}: {ending(trial)}"),
        )


def count_trials(search: SearchStudy) -> str:
    """Count in words how the trials ended."""
    states = Counter(trial.state for trial in search.optuna.get_trials(deepcopy=False))
    return ", ".join(f"{states[state]} {word}" for state, word in _ENDED.items() if states[state]) or "no trials"


def ending(trial: FrozenTrial) -> str:
    """Say in words how a trial ended."""
    if trial.state == TrialState.COMPLETE:
        return f"complete, {trial.user_attrs['estimate']:.3f} {trial.user_attrs['interval']}"
    if trial.state == TrialState.PRUNED:
        return f"pruned at {trial.last_step:,} env steps"
    if "error" not in trial.user_attrs:
        return "left, since others took this process for dead; it is tried again"
    return f"FAILED with {trial.user_attrs['error']}; the other trials go on"


def report(console: Console, search: SearchStudy, args: TuneArgs) -> int:
    """The best trial so far, as a file that ``compare --config`` reads."""
    finished = search.optuna.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not finished:
        log(console, f"{search.name}: {count_trials(search)}; none gave a result, so there are no best settings")
        return SOME_MISSING
    plan, best = RunPlan.from_json(search.request["jobs"][0]), search.optuna.best_trial
    settings = dataclasses.replace(plan.config, **best.params)
    path = study_folder(args.runs.out, search.name) / "best.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    comment = (
        f"Best of {len(finished)} complete trials of study {search.name} on {plan.scenario}:\n"
        f"trial {best.number}, {best.user_attrs['estimate']:.3f} {best.user_attrs['interval']}."
    )
    path.write_text(dump_settings(plan.algorithm, settings, comment), encoding="utf-8")
    log(console, f"{search.name}: {count_trials(search)}; best is trial {best.number}, {ending(best)}")
    again = command_line("harness.compare", [*args.comparison, "--config", str(path)])
    log(console, f"written: {path}; to compare it on other seeds: {again}")
    return ALL_DONE


if __name__ == "__main__":
    sys.exit(main())
