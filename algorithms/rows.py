"""What a row of the table of algorithms is made of; ``registry.py`` passes these classes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.space import Space


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
    """One registered algorithm."""

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
