"""Types and ranges of what callers hand in: options, seeds and counts, refused with words before anything is built."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from numbers import Integral
from typing import Any, NamedTuple

from common.registry import did_you_mean
from common.values import MismatchError, read_value, shown

SEEDS = 2**64
MAX_ENVS = 1 << 16
"""Battles of one batch; each holds about 20 kB."""
MAX_SLOT = 1 << 62
"""Random numbers are keyed by the slot; the bound leaves room for any batch behind it."""


class Range(NamedTuple):
    """Allowed values of a number, both ends included unless said otherwise."""

    least: float
    most: float
    above: bool = False
    """Whether ``least`` itself is not allowed."""

    def __contains__(self, value: object) -> bool:
        assert isinstance(value, int | float)
        return (self.least < value if self.above else self.least <= value) and value <= self.most

    def __str__(self) -> str:
        least, most = (f"{bound:.0f}" if bound == int(bound) else f"{bound:g}" for bound in (self.least, self.most))
        return f"{'above ' if self.above else ''}{least} to {most}"


SHARE = Range(0, 1)
"""Probabilities and shares."""


def whole_number(name: str, value: Any, least: int, most: int) -> int:
    """Return an integer as Python's own.

    Raises:
        ValueError: not an integer, or outside ``least .. most``; True and False are no numbers here.
    """
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise ValueError(f"{name} is {shown(value)}, it must be a whole number from {least} to {_power(most)}")
    if not least <= int(value) <= most:
        bound = f"at least {least}" if int(value) < least else f"at most {_power(most)}"
        raise ValueError(f"{name} is {shown(value)}, it must be {bound}")
    return int(value)


def seed_number(seed: Any) -> int | None:
    """Return a seed as Python's own integer; None stays None.

    Raises:
        ValueError: neither None nor an integer in 0..2**64-1.
    """
    if seed is None:
        return None
    if not isinstance(seed, Integral) or isinstance(seed, bool):
        raise ValueError(f"seed is {shown(seed)}, it must be a whole number in 0..2**64-1, or None to draw one")
    if not 0 <= int(seed) < SEEDS:
        raise ValueError(f"seed is {seed}, it must lie in 0..2**64-1")
    return int(seed)


def typed(name: str, value: Any, annotation: Any, *, whose: str = "option ", objects: bool = False) -> Any:
    """Return the value of an option or field as its annotation wants it; see ``read_value``.

    Raises:
        ValueError: a value of another type, or a number that is not finite.
    """
    try:
        return read_value(value, annotation, objects=objects)
    except MismatchError as error:
        raise ValueError(f"{whose}{name} is {shown(value)}, {error}") from None


def check_names(given: Mapping[str, Any], cls: type, whose: str) -> None:
    """Refuse options that a dataclass does not have.

    Raises:
        ValueError: an unknown name; the message lists near matches and all names.
    """
    known = [field.name for field in dataclasses.fields(cls)]
    for name in given:
        if name not in known:
            raise ValueError(
                f"unknown option {name!r} of {whose}: {did_you_mean(name, known)}allowed: {', '.join(known)}"
            )


def typed_options(
    given: Mapping[str, Any], cls: type, whose: str = "option ", *, objects: bool = False
) -> dict[str, Any]:
    """Options with each value checked against its annotation in the dataclass ``cls``; ``whose`` begins the message.

    Raises:
        ValueError: as ``typed``.
    """
    annotations = typing.get_type_hints(cls)
    return {name: typed(name, value, annotations[name], whose=whose, objects=objects) for name, value in given.items()}


def check_fields(options: Any, ranges: Mapping[str, Range], choices: Mapping[str, tuple[str, ...]]) -> None:
    """Check and normalise all fields of a frozen dataclass of options; for its ``__post_init__``.

    Args:
        options: the dataclass' instance.
        ranges: allowed values of its numbers.
        choices: allowed values of its strings.

    Raises:
        ValueError: the message names option, value and what is allowed.
    """
    values = {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}
    for name, value in typed_options(values, type(options)).items():
        object.__setattr__(options, name, value)
        if name in choices:
            typed(name, value, typing.Literal[*choices[name]])
        if name in ranges and value not in ranges[name]:
            raise ValueError(f"option {name} is {value}, allowed is {ranges[name]}")


def _power(number: int) -> str:
    """A bound for a message; powers of two as such."""
    for bound, text in ((number, ""), (number + 1, "-1")):
        if bound > 1 << 20 and bound & (bound - 1) == 0:
            return f"2**{bound.bit_length() - 1}{text}"
    return str(number)
