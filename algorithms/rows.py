"""What a row of the table of algorithms is made of; ``registry.py`` passes these classes on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.space import Space
from common.values import require


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What is recommended for one class of fights."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """field of the config -> value, for ``--preset``"""
    space: Space = field(default_factory=dict)
    """field -> what ``harness.tune`` searches"""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Diagnostics that the report draws together, over training."""

    title: str
    lines: Mapping[str, str]
    """name of a diagnostic -> its label"""
    logarithmic: bool = False
    note: str = ""
    """what a reader must know of these numbers, a sentence for the caption"""


@dataclass(frozen=True, kw_only=True)
class PyMARLNames:
    """What an algorithm is called in settings files of PyMARL, Kaleidoscope and K24, and in their code."""

    learner: str
    """``learner:`` of its files"""
    mixer: str = "qmix"
    """``mixer:`` of its files"""
    mac: tuple[str, ...]
    """``mac:``, the first one as its own files have it"""
    agent: tuple[str, ...]
    """``agent:``, likewise"""
    unused: tuple[str, ...] = ()
    """keys of its files that it has no use for"""
    block: str | None = None
    """a nested table of its settings, ``K24_args`` for example"""
    aliases: tuple[str, ...] = ()
    """names that ``--algos`` takes too: its learner, its settings file"""
    parts: Mapping[str, str] = field(default_factory=dict)
    """name in their code -> ``module:attribute`` here"""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One registered algorithm.

    Raises:
        ValueError: a location is not of the form ``module:Class``.
    """

    id: str
    """name used on the command line"""
    entry_point: type | str
    """the ``Algorithm``, or ``module:Class``, imported at first use"""
    config: type | str
    """its frozen config dataclass, or ``module:Class``"""
    summary: str
    """one line for ``--help`` and the docs"""
    source: str
    """the paper and the repository it follows"""
    base: str | None = None
    """id of the algorithm that this is with other settings"""
    presets: Mapping[str, Preset] = field(default_factory=dict)
    """class of fights (``micro``, ``large``, ``mixed``) -> what is recommended for it"""
    space: Space = field(default_factory=dict)
    """what ``harness.tune`` searches where no preset says"""
    smoke: Mapping[str, Any] = field(default_factory=dict)
    """settings for runs of a few thousand env_steps, which would not see an update with the usual ones"""
    panels: tuple[Panel, ...] = ()
    """its own diagnostics, as the report draws them"""
    pymarl: PyMARLNames | None = None
    takes_files: bool = False
    """whether settings files of its base are for this row as well"""

    def __post_init__(self) -> None:
        for name in ("entry_point", "config"):
            location = getattr(self, name)
            if isinstance(location, str) and not all(location.partition(":")):
                raise ValueError(f"{name} of {self.id!r} is {location!r}, it must be a class or 'module:Class'")


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
