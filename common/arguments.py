"""Arguments of public functions, checked against their annotations before anything happens."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

from common.values import MismatchError, read_value, shown

F = TypeVar("F", bound=Callable[..., Any])


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
