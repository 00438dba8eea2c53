"""Values held against what is allowed: arguments of functions, settings in Python, in files and on the command line."""

from __future__ import annotations

import functools
import inspect
import math
import os
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

F = TypeVar("F", bound=Callable[..., Any])

BOOL_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_MUST = "it must be "
_WORDS = {bool: "True or False", int: "a whole number", float: "a number", str: "a string", type(None): "None"}


class MismatchError(ValueError):
    """A value of another type; the message says what is allowed: ``it must be a whole number``, ``allowed: a, b``."""


def read_value(value: Any, kind: Any, *, text: bool = False, objects: bool = False) -> Any:
    """Return a value as its annotation wants it; scalars of numpy become Python's.

    Args:
        value: as it was given.
        kind: ``bool``, ``int``, ``float``, ``str``, ``Literal[...]`` and unions of these.
        text: whether ``kind`` may also be ``tuple[member, ...]`` and values may be written as text: ``5e5``,
            ``500_000``, ``off``, ``none``, ``1,2``.
        objects: whether ``kind`` may also be a class, a list of any sort or a mapping, with their members. Arrays and
            other lists arrive as tuples; a single string may stand for a list of strings. With neither, a value of
            any other kind passes unchanged.

    Raises:
        MismatchError: the value has another type, or is a number that is not finite.
        TypeError: no text can be read as this kind.
    """
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _read_union(value, get_args(kind), text, objects)
    if origin is Literal:
        return _read_choice(value, get_args(kind), text)
    if origin is tuple and text:
        return _read_list(value, get_args(kind)[0])
    if kind in (int, float):
        return _read_number(value, kind, text)
    if kind in _WORDS:
        return _read_word(value, kind, text)
    if text:
        raise TypeError(f"no text can be read as {kind}")
    return _read_object(value, kind, origin) if objects else value


def checked(error: type[ValueError] = ValueError) -> Callable[[F], F]:
    """Let a function refuse arguments of a wrong type with words; numbers of numpy reach it as Python's.

    Args:
        error: what the function raises then: ``compare: seeds is 1.5, it must be a whole number``.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        hints = functools.cache(lambda: get_type_hints(function))  # at the first call: some name what is defined later

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                bound = signature.bind(*args, **kwargs)
            except TypeError as unfit:
                raise TypeError(f"{function.__name__}() {unfit}") from None
            for name, value in bound.arguments.items():
                if signature.parameters[name].kind in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL):
                    continue
                try:
                    bound.arguments[name] = read_value(value, hints().get(name, Any), objects=True)
                except MismatchError as mismatch:
                    raise error(f"{function.__name__}: {name} is {shown(value)}, {mismatch}") from None
            return function(*bound.args, **bound.kwargs)

        return call  # type: ignore[return-value]

    return decorate


def require(config: object, name: str, holds: bool, allowed: str) -> None:
    """Raise ``ValueError`` unless the field's value is allowed.

    Args:
        config: the dataclass.
        name: of its field.
        holds: whether the value is allowed.
        allowed: what is, to follow "it must be".
    """
    if not holds:
        raise ValueError(f"{type(config).__name__}: {name} is {getattr(config, name)!r}, it must be {allowed}")


def shown(value: Any, limit: int = 60) -> str:
    """Return a value as a message shows it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _read_union(value: Any, kinds: tuple[Any, ...], text: bool, objects: bool) -> Any:
    words = {}
    for kind in sorted(kinds, key=lambda kind: kind is not type(None)):
        try:
            return read_value(value, kind, text=text, objects=objects)
        except MismatchError as error:
            words[kind] = str(error).removeprefix(_MUST).replace("allowed: ", "one of ")
    raise MismatchError(_MUST + " or ".join(words[kind] for kind in kinds))


def _read_choice(value: Any, choices: tuple[Any, ...], text: bool) -> Any:
    for choice in choices:
        if (type(value) is type(choice) and value == choice) or (text and value == str(choice)):
            return choice
    raise MismatchError(f"allowed: {', '.join(map(str, choices))}")


def _read_word(value: Any, kind: type, text: bool) -> Any:
    """Truth values, strings and None."""
    if isinstance(value, kind):
        return value
    word = value.lower() if text and isinstance(value, str) else None
    if kind is bool and word in BOOL_WORDS:
        return BOOL_WORDS[word]
    if kind is type(None) and word == "none":
        return None
    raise MismatchError(_MUST + (_WORDS[kind].lower() if text else _WORDS[kind]))


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


def _read_object(value: Any, kind: Any, origin: Any) -> Any:
    """Containers by their members, objects by their class; a kind that is neither lets everything pass."""
    members = get_args(kind)
    if origin in (Mapping, dict) and members:
        return _read_mapping(value, *members)
    if origin in (tuple, list, Sequence, Collection) and members:
        return _read_members(value, members, origin)
    if kind is Path and isinstance(value, os.PathLike):
        return Path(value)
    try:
        fits = kind is Any or not isinstance(kind, type) or isinstance(value, kind)
    except TypeError:  # a protocol that cannot be asked
        fits = True
    if not fits:
        raise MismatchError(f"{_MUST}of type {kind.__name__}")
    return value


def _read_mapping(value: Any, key_kind: Any, kind: Any) -> Any:
    if not isinstance(value, Mapping):
        raise MismatchError(f"{_MUST}a dictionary")
    try:
        return {
            read_value(key, key_kind, objects=True): read_value(each, kind, objects=True) for key, each in value.items()
        }
    except MismatchError as error:
        raise MismatchError(f"{_MUST}a dictionary; of a key or value in it: {error}") from None


def _read_members(value: Any, kinds: tuple[Any, ...], origin: type) -> Any:
    """Return the members of a list of any sort, checked; a string stays one where its members would be strings."""
    if isinstance(value, str) and kinds[0] is str and origin is not tuple:
        return value
    if hasattr(value, "tolist"):
        value = value.tolist()
    fixed = origin is tuple and Ellipsis not in kinds
    is_list = isinstance(value, Collection) and not isinstance(value, str | bytes | bytearray | Mapping)
    if not is_list or (fixed and len(value) != len(kinds)):
        raise MismatchError(f"{_MUST}a list" + (f" of {len(kinds)}" if fixed else ""))
    expected = kinds if fixed else kinds[:1] * len(value)
    try:
        found = [read_value(each, kind, objects=True) for each, kind in zip(value, expected, strict=True)]
    except MismatchError as error:
        raise MismatchError(f"{_MUST}a list in which each is {str(error).removeprefix(_MUST)}") from None
    return found if origin is list else tuple(found)
