"""The check that every config dataclass makes of its fields."""

from __future__ import annotations


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
