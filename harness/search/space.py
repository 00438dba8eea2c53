"""What a search may change: recommended ranges, or one's own; and how settings are drawn from them."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable
from typing import get_type_hints

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial

import algorithms.registry
import envs.registry
from common.space import Choice, Range, Space
from harness.cli.errors import UsageError, unknown_name
from harness.cli.overrides import parse_setting, parse_value
from harness.runs.seeding import derive_seed

_EXAMPLE = "--search k24.div_coef=0.1:0.2, --search qmix.lr=3e-4:3e-3:log or --search qmix.td_lambda=0.3,0.6"


def class_of(scenario: str) -> str:
    """Return the class of a fight, a row of the recommended settings: ``micro``, ``large`` or ``mixed``.

    The table names examples (3s5z; 6h_vs_8z, corridor; MMM, MMM2). They agree with this rule: three unit types or more
    are ``mixed``; of the rest, fights against more enemies than there are agents are ``large``. A world of another make
    counts as ``micro``.
    """
    fight = envs.registry.entry(scenario).scenario
    if fight is None:
        return "micro"
    if len(fight.unit_types) >= 3:
        return "mixed"
    return "large" if fight.n_enemies > fight.n_agents else "micro"


def recommended_space(algorithm: str, fight: str) -> Space:
    """Return the settings that a search changes by default.

    Args:
        algorithm: registered id.
        fight: class of the scenario.

    Raises:
        UsageError: nothing is recommended for this algorithm.
    """
    entry = algorithms.registry.entry(algorithm)
    space = entry.presets[fight].space if fight in entry.presets else entry.space
    if not space:
        raise UsageError(f"no ranges are recommended for {algorithm}; name some: {_EXAMPLE.replace('qmix', algorithm)}")
    return dict(space)


def parse_space(algorithm: str, arguments: Iterable[str]) -> Space:
    """Every ``--search``, read by the type of the field that it names.

    Raises:
        UsageError: another form, an unknown field, or a range that is none.
    """
    config = algorithms.registry.config_class(algorithm)
    hints = get_type_hints(config)
    kinds = {field.name: hints[field.name] for field in dataclasses.fields(config)}
    space: Space = {}
    for argument in arguments:
        try:
            setting = parse_setting(argument)
        except UsageError:
            raise UsageError(f"--search {argument!r} is not of the form TARGET.KEY=RANGE; {_EXAMPLE}") from None
        if setting.target != algorithm:
            raise UsageError(f"--search {argument}: this search is for {algorithm}; write {algorithm}.{setting.key}=…")
        if setting.key not in kinds:
            raise unknown_name(f"setting of {algorithm}", setting.key, kinds)
        space[setting.key] = _allowed(setting.text, kinds[setting.key], f"{algorithm}.{setting.key}")
    return space


def _allowed(text: str, kind: object, where: str) -> Range | Choice:
    """``low:high``, ``low:high:log`` or ``a,b,c``."""
    if ":" not in text:
        given = (parse_value(part.strip(), kind, where=where) for part in text.split(",") if part.strip())
        values = tuple(dict.fromkeys(given))
        if any(isinstance(value, tuple) for value in values):  # commas part its numbers, and Optuna stores no lists
            raise UsageError(
                f"--search {where}={text}: it is a list of numbers, which cannot be searched; --set gives one"
            )
        if len(values) < 2:
            raise UsageError(f"--search {where}={text}: one value is no choice; set it instead: --set {where}={text}")
        return Choice(values=values)
    low, high, *scale = text.split(":")
    if scale not in ([], ["log"]):
        raise UsageError(f"--search {where}={text}: a range reads LOW:HIGH or LOW:HIGH:log; {_EXAMPLE}")
    ends = [parse_value(end.strip(), kind, where=where) for end in (low, high)]
    if not all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends):
        raise UsageError(f"--search {where}={text}: only numbers have ranges; list the values: {where}=a,b")
    try:
        return Range(low=ends[0], high=ends[1], log=bool(scale))
    except ValueError as error:
        raise UsageError(f"--search {where}={text}: {error}") from error


class TrialSampler(TPESampler):
    """TPE with a generator for each trial, derived from the search's seed and the trial's number.

    What is drawn follows from that number, whichever worker has the trial. With one generator for each worker, those
    that start together would draw the same settings one after the other.

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
