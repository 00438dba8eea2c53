"""Whose policy is measured: one that was trained, or a fresh one of any hidden size."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import algorithms.registry
import envs.registry
from algorithms.protocol import PolicyLayers
from harness.cli.errors import UsageError
from harness.cli.overrides import Setting, resolve_config, resolve_env
from harness.runs.policy import LoadedPolicy

HIDDEN_FIELD, GRU_FIELD = "rnn_hidden_dim", "mask_gru"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A policy, or one for each hidden size."""

    label: str
    """algorithm and scenario, and how it was trained"""
    hidden_sizes: tuple[int, ...]
    build: Callable[[int, str], PolicyLayers]
    """(hidden size, device) -> the policy's tensors"""
    both_grus: bool
    """whether the agent is measured with a dense GRU as well; a trained one is what it is"""


def fresh(algorithm: str, scenario: str, settings: Sequence[Setting], hidden_sizes: Sequence[int]) -> Subject:
    """A policy as it is before its first update, its GRU masked where the algorithm can do so.

    Args:
        algorithm: registered id.
        scenario: registered id; it decides widths and the number of mask groups.
        settings: every ``--set``.
        hidden_sizes: H; none: the algorithm's default.

    Raises:
        UsageError: a setting that cannot be, or an algorithm without hidden sizes or without layers to look at.
    """
    config_class = algorithms.registry.config_class(algorithm)
    fields: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(config_class)}
    if HIDDEN_FIELD not in fields:
        raise UsageError(f"--algo {algorithm} has no setting {HIDDEN_FIELD}, so it cannot be made in any hidden size")
    if any((setting.target, setting.key) == (algorithm, HIDDEN_FIELD) for setting in settings):
        raise UsageError(
            f"--set {algorithm}.{HIDDEN_FIELD}: hidden sizes are named by --hidden, such as --hidden 64,256"
        )
    options, _ = resolve_env(scenario, settings)
    spec = envs.registry.make(scenario, 1, seed=0, **vars_of(options)).spec

    def build(hidden: int, device: str) -> PolicyLayers:
        overrides = {"here": {HIDDEN_FIELD: hidden, GRU_FIELD: True}}
        config, _ = resolve_config(algorithm, config_class, settings, overrides)
        made = algorithms.registry.make(algorithm, spec, config, total_env_steps=1, seed=0, device=device)
        return _layers_of(made, f"--algo {algorithm}")

    return Subject(
        label=", ".join(
            [f"{algorithm} on {scenario}", *(f"{each.target}.{each.key}={each.text}" for each in settings), "fresh"]
        ),
        hidden_sizes=tuple(hidden_sizes) or (int(fields[HIDDEN_FIELD]),),
        build=build,
        both_grus=True,
    )


def trained(run: LoadedPolicy) -> Subject:
    """A policy as its checkpoint left it.

    Args:
        run: what ``harness.runs.policy.load_policy`` gave.

    Raises:
        UsageError: it does not fit this program, or has no layers to look at.
    """
    env = envs.registry.make(run.scenario, 1, seed=0, **run.env_options)
    layers = _layers_of(run.policy(env, "cpu"), f"--run {run.path}")

    def build(hidden: int, device: str) -> PolicyLayers:
        return _layers_of(run.policy(env, device), f"--run {run.path}")

    return Subject(
        label=f"{run.label} on {run.scenario}",
        hidden_sizes=(layers.gru[1].weight.shape[1],),
        build=build,
        both_grus=False,
    )


def vars_of(options: Any) -> dict[str, Any]:
    """A world's options as keywords."""
    return {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}


def _layers_of(made: Any, flag: str) -> PolicyLayers:
    layers: PolicyLayers | None = made.policy_layers()
    if layers is None:
        raise UsageError(f"{flag}: this algorithm does not give its policy layer by layer; k24, qmix and kalei do")
    return layers
