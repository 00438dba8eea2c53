"""A separate process that works on a search: ``python -m tests.studies.search_worker STORAGE LOG [die]``.

It writes the number of each trial that it begins into the log; with ``die`` it kills itself in its first one.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import optuna

import tests.no_waiting  # noqa: F401
from studies.search import SearchStudy

REQUEST = {"question": "what is x?"}


def main() -> None:
    """Work until nothing is left."""
    storage, log, die = sys.argv[1], Path(sys.argv[2]), "die" in sys.argv

    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        with log.open("a", encoding="utf-8") as lines:
            lines.write(f"{trial.number} {x}\n")
        if die:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.05)
        return x

    until = time.monotonic() + 60
    while not die and not log.exists():  # the one that dies begins the first trial
        assert time.monotonic() < until, "nobody begins"
        time.sleep(0.01)
    with SearchStudy.open(storage, "search") as search:
        sampler = optuna.samplers.RandomSampler()
        search.work(objective, sampler=sampler, pruner=optuna.pruners.NopPruner(), on_finished=lambda trial: None)


if __name__ == "__main__":
    main()
