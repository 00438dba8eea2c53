"""Draws settings for the trials of a search: what is drawn follows from the trial's number, whichever worker has it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from harness.runs.seeding import derive_seed


class TrialSampler(BaseSampler):
    """TPE with a generator for each trial, derived from the search's seed and the trial's number.

    With one generator for each worker, those that start together would draw the same settings one after the other.

    Args:
        seed: of the search, 0 or more.
        startup: trials that must be over before they steer others; until then settings are drawn evenly.
    """

    def __init__(self, seed: int, *, startup: int) -> None:
        self._seed, self._startup = seed, startup
        self._tpe = self._for_trial(0)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """See ``BaseSampler``."""
        self._tpe = self._for_trial(trial.number)
        self._tpe.before_trial(study, trial)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """See ``BaseSampler``."""
        return self._tpe.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """See ``BaseSampler``."""
        return self._tpe.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """See ``BaseSampler``."""
        return self._tpe.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """See ``BaseSampler``."""
        self._tpe.after_trial(study, trial, state, values)

    def _for_trial(self, number: int) -> TPESampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # constant_liar is one
            # trials that others are at count as bad ones, so that this one keeps away from them
            return TPESampler(
                seed=derive_seed(self._seed, "search", number), n_startup_trials=self._startup, constant_liar=True
            )
