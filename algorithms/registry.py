"""The table of algorithms: a name, its classes, and all that the harness has to know of it.

An algorithm is one file that ends in one ``register`` call, with its presets, the space that ``harness.tune`` searches
and its names in PyMARL's files. A row with a ``base`` is that algorithm with some settings held to other values.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from algorithms.rows import Entry, Panel, Preset, PyMARLNames, derive_config
from common.registry import Registry, UnknownIdError, load
from common.space import Space

if TYPE_CHECKING:  # a list of names needs no torch
    import torch

    from algorithms.protocol import Algorithm
    from envs.spec import EnvSpec


class UnknownAlgorithmError(UnknownIdError):
    """No algorithm is registered under this id."""


_algorithms: Registry[Entry] = Registry(
    "algorithm", hint="algorithms.registry.register(...)", error=UnknownAlgorithmError
)
_SUMMARIES = {
    "qmix": "dense: one network shared by all agents, monotone value mixing",
    "kalei": "Kaleidoscope: unstructured masks by learnable thresholds, one per unit type",
    "k24": "K-2:4: learnable 2:4 semi-structured masks, one per unit type",
    "mappo": "dense, on-policy: a recurrent policy shared by all agents, a critic of the state (PPO)",
    "k24-with-ema": "control: K-2:4 whose scores count how strongly an input is used, EMA(|a|)",
    "k24-with-c": "control: K-2:4 with C, pattern orthogonality",
    "k24-with-resets": "control: K-2:4 with resets of unused weights",
    "k24-with-finetune": "control: K-2:4 whose masks freeze after 80% of the run",
    "k24-described": (
        "K-2:4 as first described: noise at full strength, best patterns in the target network, resets, a freeze"
    ),
    "k24-alpha-fixed": "control: K-2:4 whose α stays where it starts",
    "k24-magnitude-per-type": "control: straight-through 2:4 masks by EMA(|a|) · |W|, one per unit type",
    "k24-dense-first": "control: K-2:4 that is dense for the first fifth of the run, then starts α from evidence",
    "k24-wide": "control: K-2:4 with hidden 96 and the GRU masked, as many kept weights as 64 dense",
    "k24-gru": "control: K-2:4 with the GRU masked",
    "qmix-no-ids": "dense: QMIX whose agents do not see their number",
    "k24-magnitude": "control: the 2 largest weights of every 4, trained straight through (SR-STE)",
    "k24-static": "control: 2:4 masks drawn at random, one per unit type, never changed",
    "qmix-n-rnn": "dense: QMIX with PyMARL2's own network, one layer after the GRU",
    "qmix-per-type": "dense: QMIX with one network per unit type",
    "vdn": "dense: QMIX with a plain sum for a mixer",
    "vdn-n-rnn": "dense: VDN with PyMARL2's own network, one layer after the GRU",
}
"""This package's algorithms: id -> one line, in the order of the table, so that ``--help`` lists them without torch."""

_PRESETS = ("micro", "large", "mixed")
"""All classes of fights that some of them has a preset for, likewise."""
_METHODS = ("qmix", "kalei", "k24", "mappo", "controls")
"""The modules that register them: by name, as every learner imports this file."""
_complete = False
"""Whether this package's own algorithms are in the table."""


def _table() -> Registry[Entry]:
    """The table with this package's algorithms at its head, imported at first use because they import torch."""
    global _complete
    if not _complete:
        for method in _METHODS:
            importlib.import_module(f"algorithms.{method}")
        _algorithms.put_first(_SUMMARIES)  # in whatever order they were imported
        _complete = True
    return _algorithms


def register(
    id: str,
    *,
    entry_point: type | str | None = None,
    config: type | str | None = None,
    summary: str | None = None,
    source: str = "this project",
    base: str | None = None,
    fixed: Mapping[str, Any] | None = None,
    defaults: Mapping[str, Any] | None = None,
    presets: Mapping[str, Preset] | None = None,
    space: Space | None = None,
    smoke: Mapping[str, Any] | None = None,
    panels: Sequence[Panel] | None = None,
    pymarl: PyMARLNames | None = None,
    takes_files: bool = False,
) -> None:
    """Add an algorithm under a new id.

    Args:
        id: name used on the command line.
        entry_point: the ``Algorithm`` class or ``module:Class``; with ``base``, by default that of the base.
        config: its frozen dataclass, likewise.
        summary: one line; this package's own are in ``_SUMMARIES``.
        source: the paper and repository it follows.
        base: a registered id; what is left out is taken from there, presets and spaces as far as they leave alone what
            this row sets.
        fixed: with ``base``: settings that make it this algorithm; other values are refused.
        defaults: with ``base``: settings that only start from another value.
        presets: class of fights -> what is recommended.
        space: what ``harness.tune`` searches where no preset says.
        smoke: settings for runs of a few thousand env_steps; by default those of the base, or else of the config's row.
        panels: its own diagnostics, as the report draws them.
        pymarl: its names in PyMARL's files.
        takes_files: with ``base``: whether settings files of the base are for this row as well.

    Raises:
        ValueError: the id is taken, a location is not of the form ``module:Class``, or something is missing.
    """
    if id not in _SUMMARIES or not _is_own(entry_point):
        _table()
    entry = Entry(
        id=id,
        entry_point=entry_point or _of_base(id, base, "entry_point"),
        config=config or _of_base(id, base, "config"),
        summary=_summary(id, summary),
        source=source,
        base=base,
        presets=presets or {},
        space=space or {},
        smoke=smoke if smoke is not None else {} if base is not None else _smoke_of(config),
        panels=tuple(panels or ()),
        pymarl=pymarl,
        takes_files=takes_files,
    )
    if base is not None:
        entry = _derived(entry, _algorithms.get(base), fixed or {}, defaults or {})
    _algorithms.register(id, entry)
    for alias in pymarl.aliases if pymarl else ():
        _algorithms.alias(alias, id)


def _smoke_of(config: type | str | None) -> Mapping[str, Any]:
    """Return the settings for short runs of the first row with this config, else with its nearest parent."""
    rows: dict[type | str, Mapping[str, Any]] = {}
    for row in map(_algorithms.get, _algorithms.ids()):
        rows.setdefault(row.config, row.smoke)
    lineage = config.__mro__ if isinstance(config, type) else ()
    return next((rows[each] for each in lineage if each in rows), {})


def _is_own(entry_point: type | str | None) -> bool:
    """Whether a row can be one of this package's: those are registered while the table is filled."""
    module = entry_point.__module__ if isinstance(entry_point, type) else entry_point or "algorithms."
    return module.startswith("algorithms.")


def _summary(id: str, given: str | None) -> str:
    found = _SUMMARIES.get(id) if given is None else given
    if found is None:
        raise ValueError(f"algorithm {id!r} has no summary; give what it is in one line, summary='…'")
    return found


def _of_base(id: str, base: str | None, name: str) -> type | str:
    if base is None:
        raise ValueError(f"algorithm {id!r} has no {name}; give a class, or base='qmix' to take that of another one")
    return getattr(_algorithms.get(base), name)


def _derived(entry: Entry, base: Entry, fixed: Mapping[str, Any], defaults: Mapping[str, Any]) -> Entry:
    """The row with its config class, and with what it takes over from its base."""
    config = _class(entry.config)
    if fixed or defaults:
        config = derive_config(entry.id, base.id, config, entry.summary, fixed, defaults)
    own, plain = config(), _class(base.config)()

    def untouched(settings: Mapping[str, Any]) -> dict[str, Any]:
        """What this row leaves as its base has it."""
        return {n: each for n, each in settings.items() if getattr(own, n, own) == getattr(plain, n)}

    presets = {
        fight: Preset(settings=untouched(preset.settings), space=untouched(preset.space))
        for fight, preset in base.presets.items()
    }
    return dataclasses.replace(
        entry,
        config=config,
        presets=entry.presets or presets,
        space=entry.space or untouched(base.space),
        smoke=entry.smoke or untouched(base.smoke),
        panels=entry.panels or base.panels,
    )


def _class(location: type | str) -> Any:
    return load(location) if isinstance(location, str) else location


def ids() -> list[str]:
    """Return all registered ids, in order of registration."""
    return _algorithms.ids() if _complete else list(_SUMMARIES)


def resolve(name: str) -> str:
    """Return the id that another name stands for (``k24_nq_learner``); any other text unchanged."""
    return name if name in ids() else _table().resolve(name)


def summary(id: str) -> str:
    """Return what an algorithm is, in one line.

    Raises:
        UnknownAlgorithmError: the id is unknown.
    """
    return _SUMMARIES[id] if not _complete and id in _SUMMARIES else entry(id).summary


def entry(id: str) -> Entry:
    """Return the table's row.

    Raises:
        UnknownAlgorithmError: the id is unknown; near matches and all ids are named.
    """
    return _table().get(id)


def algorithm_class(id: str) -> type[Algorithm]:
    """Return the class of its learner."""
    return _class(entry(id).entry_point)


def config_class(id: str) -> type:
    """Return the frozen dataclass of the algorithm's settings; each field names its source."""
    return _class(entry(id).config)


def takers_of_files(id: str) -> list[str]:
    """Return the algorithms that a settings file for this one is for: itself, and rows on it that take its files."""
    return [id, *(other for other in ids() if entry(other).base == id and entry(other).takes_files)]


def preset_names() -> list[str]:
    """Return all classes of fights that some algorithm has a preset for."""
    if not _complete:
        return list(_PRESETS)
    return list(dict.fromkeys(name for id in ids() for name in entry(id).presets))


def make(
    id: str,
    spec: EnvSpec,
    config: Any = None,
    *,
    total_env_steps: int,
    seed: int,
    device: str | torch.device = "cpu",
) -> Algorithm:
    """Build a fresh learner.

    Args:
        id: a registered algorithm.
        spec: counts and sizes of the world it is to play.
        config: an instance of ``config_class(id)``; its defaults when left out.
        total_env_steps: length of the run in env_steps; schedules scale to it.
        seed: of parameters, exploration, batches and mask draws.
        device: where networks and batches live.

    Raises:
        UnknownAlgorithmError: the id is unknown.
        ValueError: the config belongs to another algorithm, or ``total_env_steps`` is below 1.
    """
    found = entry(id)
    wanted = config_class(id)
    if config is None:
        config = wanted()
    if type(config) is not wanted:
        raise ValueError(
            f"{id} was given a {type(config).__name__}, it takes a {wanted.__name__}: "
            f"pass algorithms.registry.config_class({id!r})(...)"
        )
    if total_env_steps < 1:
        raise ValueError(f"total_env_steps is {total_env_steps}, it must be at least 1; for example 200_000")
    if seed < 0:
        raise ValueError(f"seed is {seed}, it must be 0 or larger; for example seed=0")
    import torch

    device = torch.device(device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        # for modules that take no generator, such as nn.Linear in a mixer of one's own
        torch.default_generator.manual_seed(seed % 2**64)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed % 2**64)
        return algorithm_class(id)(found.id, spec, config, total_env_steps=total_env_steps, seed=seed, device=device)
