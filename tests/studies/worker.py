"""A separate process that works on the sample run: ``python -m tests.studies.worker DATABASE WHERE_TO_STOP [SEED]``.

It prints ``ready`` where it stops, and waits there to be killed; with ``kill_at_commit`` it kills itself.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import Engine, event

from studies.dashboard.trials import Trials
from studies.store import StudyStore
from tests.studies.sample import OUTCOMES, RESULT, begin, evaluate, open_store

MAX_COMMITS = 200


def stop(*_arguments: Any, **_named: Any) -> NoReturn:
    """Say that the place is reached, and wait."""
    print("ready", flush=True)
    while True:
        time.sleep(1)


def work(store: StudyStore, where: str = "", seed: int = 1, evaluations: tuple[int, ...] = (1000, 2000, 3000)) -> None:
    """A whole run, from its start or from its first 2000 steps on."""
    run = begin(store, seed)
    if run.status == "finished":
        return
    assert run.status in ("started", "resumed"), run
    run.rewind(2000)
    done = [point.env_steps for point in run.curve_points()]
    for env_steps in evaluations:
        if env_steps not in done:
            evaluate(run, env_steps)
            run.event(env_steps, "reset 12 weights")
        if where == "after_2000" and env_steps == 2000:
            stop()
    run.outcomes(OUTCOMES)
    run.finish(RESULT)


def kill_at_each_commit(path: Path) -> None:
    """For k = 1, 2, …: a child begins the run with seed k and kills itself just before its k-th commit.

    Then every run is done again. Prints how many commits a run has. It forks, so it must be the only thread.
    """
    open_store(path).close()
    for k in range(1, MAX_COMMITS):
        child = os.fork()
        if child == 0:
            store = open_store(path)
            _die_at_commit(k)
            work(store, seed=k, evaluations=(3000,))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, f"the child failed at commit {k}"
            break
    with open_store(path) as store:
        for seed in range(1, k):
            work(store, seed=seed, evaluations=(3000,))
    print(f"survived {k - 1}", flush=True)


def _die_at_commit(k: int) -> None:
    seen = 0

    def count(_connection: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == k:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "commit", count)


def main() -> None:
    """Reach the place that the command line names."""
    path, where, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1
    if where == "kill_at_commit":
        kill_at_each_commit(path)
        return
    if where == "before_trial":
        Trials.start = stop  # type: ignore[method-assign]
    if where == "before_tell":
        Trials.complete = stop  # type: ignore[method-assign]
    with open_store(path) as store:
        work(store, where, seed)


if __name__ == "__main__":
    main()
