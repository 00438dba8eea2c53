"""Values read as the type of their field: options in Python, settings files and the command line."""

from __future__ import annotations

import math
import types
from numbers import Integral, Real
from typing import Any, Literal, Union, get_args, get_origin

BOOL_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_MUST = "it must be "
_WORDS = {bool: "True or False", int: "a whole number", float: "a number", str: "a string", type(None): "None"}


class MismatchError(ValueError):
    """A value of another type; the message says what is allowed: ``it must be a whole number``, ``allowed: a, b``."""


def read_value(value: Any, kind: Any, *, text: bool = False) -> Any:
    """Return a value as its annotation wants it; scalars of numpy become Python's.

    Args:
        value: as it was given.
        kind: ``bool``, ``int``, ``float``, ``str``, ``Literal[...]`` and unions of these.
        text: whether ``kind`` may also be ``tuple[member, ...]`` and values may be written as text: ``5e5``,
            ``500_000``, ``off``, ``none``, ``1,2``. Without it, a value of any other kind passes unchanged.

    Raises:
        MismatchError: the value has another type, or is a number that is not finite.
        TypeError: no text can be read as this kind.
    """
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _read_union(value, get_args(kind), text)
    if origin is Literal:
        for choice in get_args(kind):
            if (type(value) is type(choice) and value == choice) or (text and value == str(choice)):
                return choice
        raise MismatchError(f"allowed: {', '.join(map(str, get_args(kind)))}")
    if origin is tuple and text:
        return _read_list(value, get_args(kind)[0])
    if kind in (int, float):
        return _read_number(value, kind, text)
    if kind not in _WORDS:
        if text:
            raise TypeError(f"no text can be read as {kind}")
        return value
    if isinstance(value, kind):
        return value
    word = value.lower() if text and isinstance(value, str) else None
    if kind is bool and word in BOOL_WORDS:
        return BOOL_WORDS[word]
    if kind is type(None) and word == "none":
        return None
    raise MismatchError(_MUST + (_WORDS[kind].lower() if text else _WORDS[kind]))


def _read_union(value: Any, kinds: tuple[Any, ...], text: bool) -> Any:
    words = {}
    for kind in sorted(kinds, key=lambda kind: kind is not type(None)):
        try:
            return read_value(value, kind, text=text)
        except MismatchError as error:
            words[kind] = str(error).removeprefix(_MUST).replace("allowed: ", "one of ")
    raise MismatchError(_MUST + " or ".join(words[kind] for kind in kinds))


def _read_list(value: Any, member: Any) -> tuple[Any, ...]:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list | tuple):
        raise MismatchError(f"{_MUST}a list of numbers, for example [1.0, 2.0]")
    return tuple(read_value(each, member, text=True) for each in value)


def _read_number(value: Any, kind: type, text: bool) -> Any:
    if text and isinstance(value, str):
        try:
            value = int(value)  # first: nothing of a long number is rounded away
        except ValueError:
            try:
                value = float(value)
            except ValueError:
                raise MismatchError(_MUST + _WORDS[kind]) from None
    if text and kind is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, Integral if kind is int else Real) or isinstance(value, bool):
        raise MismatchError(_MUST + _WORDS[kind])
    try:
        number = kind(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise MismatchError(f"{_MUST}a finite number")
    return number
