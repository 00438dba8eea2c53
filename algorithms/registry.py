"""The table of algorithms: a name, where its class and config live, and what it is.

Names known from PyMARL, Kaleidoscope and K24 (``k24_nq_learner``, ``Kalei_args``, …) are found through ``names.py``.
"""

from __future__ import annotations

import difflib
import importlib
from dataclasses import dataclass
from typing import Any

import torch

from algorithms.protocol import Algorithm
from envs.spec import EnvSpec


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One registered algorithm."""

    id: str
    """name used on the command line"""
    entry_point: str
    """``module:Class`` of the ``Algorithm``, imported when first asked for"""
    config: str
    """``module:Class`` of its frozen config dataclass"""
    summary: str
    """one line for ``--help`` and the docs"""
    source: str
    """the paper and the repository it follows"""


class UnknownAlgorithmError(ValueError):
    """No algorithm is registered under this id."""


_entries: dict[str, Entry] = {}


def register(id: str, *, entry_point: str, config: str, summary: str, source: str) -> None:
    """Add an algorithm under a new id.

    Raises:
        ValueError: the id is taken, or a location is not of the form ``module:Class``.
    """
    if id in _entries:
        raise ValueError(f"algorithm {id!r} is already registered ({_entries[id].entry_point}); choose another id")
    for name, location in (("entry_point", entry_point), ("config", config)):
        module, _, attribute = location.partition(":")
        if not (module and attribute):
            raise ValueError(f"{name} of {id!r} is {location!r}, it must be 'module:Class', e.g. 'my_algorithm:Mine'")
    _entries[id] = Entry(id=id, entry_point=entry_point, config=config, summary=summary, source=source)


def ids() -> list[str]:
    """All registered ids, in order of registration."""
    return list(_entries)


def entry(id: str) -> Entry:
    """The table's row.

    Raises:
        UnknownAlgorithmError: the id is unknown; near matches and all ids are named.
    """
    if id not in _entries:
        near = difflib.get_close_matches(id.lower(), _entries, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise UnknownAlgorithmError(
            f"unknown algorithm {id!r}: {hint}registered are {', '.join(_entries)}; "
            "add your own with algorithms.registry.register(...)"
        )
    return _entries[id]


def load(location: str) -> Any:
    """Import ``module:Class``."""
    module, _, attribute = location.partition(":")
    return getattr(importlib.import_module(module), attribute)


def config_class(id: str) -> type:
    """The frozen dataclass that holds the algorithm's settings; its field defaults are the published ones."""
    loaded: type = load(entry(id).config)
    return loaded


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
        total_env_steps: length of the run in env_steps; schedules scale to it (see ``schedules.py``).
        seed: of parameters, exploration and mask draws.
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
    made: Algorithm = load(found.entry_point)(
        id, spec, config, total_env_steps=total_env_steps, seed=seed, device=torch.device(device)
    )
    return made


register(
    "qmix",
    entry_point="algorithms.qmix:QMix",
    config="algorithms.qmix:QMixConfig",
    summary="dense: one network shared by all agents, monotone value mixing",
    source="Rashid et al., ICML 2018 (arXiv 1803.11485); settings of PyMARL2 and SMACv2",
)
register(
    "kalei",
    entry_point="algorithms.kalei:Kalei",
    config="algorithms.kalei:KaleiConfig",
    summary="Kaleidoscope: unstructured masks by learnable thresholds, one per unit type",
    source="Li et al., NeurIPS 2024; repository LXXXXR/Kaleidoscope",
)
register(
    "k24",
    entry_point="algorithms.k24:K24",
    config="algorithms.k24:K24Config",
    summary="K-2:4: learnable 2:4 semi-structured masks, one per unit type",
    source="this project, on Kaleidoscope (NeurIPS 2024); the masks suit sparse tensor cores",
)
register(
    "k24-static",
    entry_point="algorithms.controls.k24_static:K24Static",
    config="algorithms.controls.k24_static:K24StaticConfig",
    summary="control: 2:4 masks drawn at random, one per unit type, never changed",
    source="this project",
)
register(
    "k24-magnitude",
    entry_point="algorithms.controls.k24_magnitude:K24Magnitude",
    config="algorithms.controls.k24_magnitude:K24MagnitudeConfig",
    summary="control: the 2 largest weights of every 4, trained straight through (SR-STE)",
    source="Zhou et al., ICLR 2021 (arXiv 2102.04010)",
)
register(
    "k24-no-a",
    entry_point="algorithms.controls.k24_no_a:K24NoA",
    config="algorithms.controls.k24_no_a:K24NoAConfig",
    summary="control: K-2:4 without A, heterogeneous scores",
    source="this project",
)
register(
    "k24-no-c",
    entry_point="algorithms.controls.k24_no_c:K24NoC",
    config="algorithms.controls.k24_no_c:K24NoCConfig",
    summary="control: K-2:4 without C, pattern orthogonality",
    source="this project",
)
register(
    "k24-no-resets",
    entry_point="algorithms.controls.k24_no_resets:K24NoResets",
    config="algorithms.controls.k24_no_resets:K24NoResetsConfig",
    summary="control: K-2:4 without resets of unused weights",
    source="this project",
)
register(
    "k24-no-finetune",
    entry_point="algorithms.controls.k24_no_finetune:K24NoFinetune",
    config="algorithms.controls.k24_no_finetune:K24NoFinetuneConfig",
    summary="control: K-2:4 whose masks never freeze",
    source="this project",
)
register(
    "k24-described",
    entry_point="algorithms.k24:K24",
    config="algorithms.controls.k24_variants:K24DescribedConfig",
    summary="K-2:4 to the letter of its description: noise at full strength, best patterns in the target network",
    source="this project",
)
register(
    "k24-alpha-fixed",
    entry_point="algorithms.k24:K24",
    config="algorithms.controls.k24_variants:K24AlphaFixedConfig",
    summary="control: K-2:4 whose α stays where it starts",
    source="this project",
)
register(
    "k24-magnitude-per-type",
    entry_point="algorithms.k24:K24",
    config="algorithms.controls.k24_variants:K24MagnitudePerTypeConfig",
    summary="control: straight-through 2:4 masks by EMA(|a|) · |W|, one per unit type",
    source="this project",
)
register(
    "k24-dense-first",
    entry_point="algorithms.k24:K24",
    config="algorithms.controls.k24_variants:K24DenseFirstConfig",
    summary="control: K-2:4 that is dense for the first fifth of the run",
    source="this project",
)
register(
    "k24-wide",
    entry_point="algorithms.k24:K24",
    config="algorithms.controls.k24_variants:K24WideConfig",
    summary="control: K-2:4 with hidden 96 and the GRU masked, as many kept weights as 64 dense",
    source="this project",
)
register(
    "k24-gru",
    entry_point="algorithms.k24:K24",
    config="algorithms.controls.k24_variants:K24GruConfig",
    summary="control: K-2:4 with the GRU masked",
    source="this project",
)
register(
    "vdn",
    entry_point="algorithms.controls.vdn:VDN",
    config="algorithms.controls.vdn:VDNConfig",
    summary="dense: QMIX with a plain sum for a mixer",
    source="Sunehag et al., AAMAS 2018 (arXiv 1706.05296)",
)
register(
    "qmix-no-ids",
    entry_point="algorithms.controls.qmix_no_ids:QMixNoIds",
    config="algorithms.controls.qmix_no_ids:QMixNoIdsConfig",
    summary="dense: QMIX whose agents are not told their number",
    source="this project",
)
register(
    "qmix-n-rnn",
    entry_point="algorithms.controls.qmix_n_rnn:QMixNRnn",
    config="algorithms.controls.qmix_n_rnn:QMixNRnnConfig",
    summary="dense: QMIX with PyMARL2's own network, one layer after the GRU",
    source="Hu et al., arXiv 2102.03479 (PyMARL2)",
)
register(
    "qmix-per-type",
    entry_point="algorithms.controls.qmix_per_type:QMixPerType",
    config="algorithms.controls.qmix_per_type:QMixPerTypeConfig",
    summary="dense: QMIX with one network per unit type",
    source="this project",
)
