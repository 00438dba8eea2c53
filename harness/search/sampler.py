"""Draws settings for the trials of a search: what is drawn follows from the trial's number, whichever worker has it."""

from __future__ import annotations

import warnings

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial

from harness.runs.seeding import derive_seed


class TrialSampler(TPESampler):
    """TPE with a generator for each trial, derived from the search's seed and the trial's number.

    With one generator for each worker, those that start together would draw the same settings one after the other.

    Args:
        seed: of the search, 0 or more.
        startup: trials that must be over before they steer others; until then settings are drawn evenly.
    """

    def __init__(self, seed: int, *, startup: int) -> None:
        self._search_seed, self._startup = seed, startup
        self._begin(0)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """See ``BaseSampler``."""
        self._begin(trial.number)
        super().before_trial(study, trial)

    def _begin(self, number: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # constant_liar is one
            # trials that others are at count as bad ones, so that this one keeps away from them
            super().__init__(
                seed=derive_seed(self._search_seed, "search", number),
                n_startup_trials=self._startup,
                constant_liar=True,
            )
