"""Config classes: the check that each makes of its fields, and classes made from another one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


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


def derive_config(
    id: str, base_id: str, base: type, doc: str, fixed: Mapping[str, Any], defaults: Mapping[str, Any]
) -> type:
    """Make the config class of a registered row.

    Args:
        id: of the row, for messages and the class's name.
        base_id: of the algorithm whose config it starts from.
        base: that config, a frozen dataclass.
        doc: what the algorithm is, in one line.
        fixed: field -> value that it must have.
        defaults: field -> another default.

    Raises:
        ValueError: a field that the base does not have.
    """
    kinds = {each.name: each.type for each in dataclasses.fields(base)}
    unknown = [name for name in (*fixed, *defaults) if name not in kinds]
    if unknown:
        raise ValueError(f"algorithm {id!r}: {base.__name__} has no {', '.join(unknown)}; it has {', '.join(kinds)}")

    def check(self: Any) -> None:
        getattr(base, "__post_init__", lambda self: None)(self)
        for name, value in fixed.items():
            holds = getattr(self, name) == value
            require(self, name, holds, f"{str(value).lower()}, which makes it {id}; use {base_id} for another")

    return dataclasses.make_dataclass(
        "".join(part.capitalize() for part in id.split("-")) + "Config",
        [(name, kinds[name], dataclasses.field(default=value)) for name, value in {**fixed, **defaults}.items()],
        bases=(base,),
        namespace={"__post_init__": check, "__doc__": doc, "__module__": base.__module__},
        frozen=True,
        kw_only=True,
    )
