"""Stored values held against their columns: SQLite keeps a text in a column of numbers without a word."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

from studies.db.errors import ContentError
from studies.db.schema import Base

_STORED: dict[type, tuple[set[type], str]] = {
    float: ({float, int}, "finite number"),
    int: ({int}, "whole number"),
    str: ({str}, "text"),
    bool: ({bool}, "truth value"),
    object: ({dict}, "table of values"),
    dict: ({dict}, "table of values"),
}
"""A column's type in Python -> the types that its values have, and their name."""


def check_columns(
    table: type[Base], names: Sequence[str], rows: Sequence[Sequence[Any]], *, infinite: Collection[str] = ()
) -> None:
    """Refuse values that this program does not store.

    Args:
        table: where they lie.
        names: of the columns.
        rows: values in the same order; column by column they are looked at, since a report reads millions.
        infinite: columns of numbers that need not be finite.

    Raises:
        ContentError: a value of another type, or a number that is not finite; the message names table and column.
    """
    for name, values in zip(names, zip(*rows, strict=True), strict=False):
        column = table.__table__.columns[name]
        kind = column.type.python_type
        allowed, words = _STORED[kind]
        allowed = allowed | {type(None)} if column.nullable else allowed
        if not set(map(type, values)) <= allowed:
            wrong = next(value for value in values if type(value) not in allowed)
        elif kind is float and name not in infinite and not all(map(math.isfinite, filter(None, values))):
            wrong = next(value for value in values if value is not None and not math.isfinite(value))
        else:
            continue
        raise ContentError(f"table {table.__tablename__} holds {name} {str(wrong)[:40]!r}, no {words}")
