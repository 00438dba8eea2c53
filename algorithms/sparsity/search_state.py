"""How the search for masks goes: certainty of the draws, what the masks keep, what α does, which gradients arrive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from algorithms.network.agent_net import AgentNet
from algorithms.network.rows import PackedBatch
from algorithms.registry import Panel
from algorithms.sparsity.linear24 import SemiStructuredLinear24
from algorithms.sparsity.tracker import N_PATTERNS, flat

Layers = Mapping[str, SemiStructuredLinear24]

SEARCH_PANELS = (
    Panel(title="temperature of the choice", lines={"temperature": "temperature"}),
    Panel(title="draws of the masks", lines={"draws_differ": "two draws differ", "best_chance": "chance of the best"}),
    Panel(title="weight energy kept", lines={"energy_drawn": "by a draw", "energy_best": "by the best"}),
    Panel(
        title="mean |Q| of legal actions",
        lines={"q_drawn": "under a draw", "q_best": "under the best"},
        note="Values are those of the first update after the evaluation before.",
    ),
    Panel(
        title="gradient, root mean square",
        lines={"gradient_kept": "kept weights", "gradient_dropped": "weights all types drop", "gradient_alpha": "α"},
        logarithmic=True,
        note="Gradients are those of the last update before an evaluation.",
    ),
    Panel(title="α", lines={"alpha_moved": "moved (rms)", "alpha_flips": "decides the pattern"}),
    Panel(title="patterns", lines={"pattern_overlap": "alike in two types", "pattern_churn": "changed since the last"}),
)
"""How the report draws the numbers below; all but the temperature and the values are means over layers."""


@torch.no_grad()
def describe_search(layers: Layers, noise_scale: float) -> dict[str, float]:
    """Measure the masks of all layers as flat numbers, as learning curves store them.

    Args:
        layers: name -> masked layer.
        noise_scale: size of the Gumbel noise in force; 0: the patterns in force are certain.

    Returns:
        Each as the mean of all layers and, after a slash, of one:

        - ``draws_differ``: chance that two draws choose different patterns in a group of four inputs;
        - ``best_chance``: chance that a draw chooses the best one;
        - ``energy_drawn``: share of ΣW² that a draw keeps on average;
        - ``energy_best``: share that the patterns in force without noise keep;
        - ``alpha_moved``: root mean square of α − α at its start;
        - ``alpha_flips``: share of groups whose pattern would be another one without α.

        The last two are left out where the score has no α. Groups that padding fills up are left out of the chances.
    """
    chances = {name: _chances(layer, noise_scale) for name, layer in layers.items()}
    numbers: dict[str, dict[str, float]] = {
        "draws_differ": _each(layers, lambda name, layer: 1 - _whole(layer, chances[name]).square().sum(-1).mean()),
        "best_chance": _each(layers, lambda name, layer: _whole(layer, chances[name]).amax(-1).mean()),
        "energy_drawn": _each(layers, lambda name, layer: _energy(layer, layer.pattern.keep_chance(chances[name]))),
        "energy_best": _each(layers, lambda _, layer: _energy(layer, layer.masks().to(layer.weight.dtype))),
    }
    learned = {name: layer for name, layer in layers.items() if layer.alpha is not None}
    if learned:
        numbers["alpha_moved"] = _each(learned, lambda _, layer: _size(_alpha(layer) - layer.alpha_start))
        numbers["alpha_flips"] = _each(learned, lambda _, layer: _flips(layer))
    return flat(numbers)


@torch.no_grad()
def gradient_sizes(layers: Layers) -> dict[str, float]:
    """Measure the last update's gradients, root mean squares, as ``describe_search`` does masks; none before the first.

    Returns:
        ``gradient_kept``, of weights that some type keeps; ``gradient_dropped``, of weights that every type drops;
        ``gradient_alpha``, where α received one.
    """
    seen = {name: layer for name, layer in layers.items() if layer.weight.grad is not None}
    if not seen:
        return {}
    kept = {name: layer.masks().any(0) for name, layer in seen.items()}
    numbers = {
        "gradient_kept": _each(seen, lambda name, layer: _size(_gradient(layer.weight)[kept[name]])),
        "gradient_dropped": _each(seen, lambda name, layer: _size(_gradient(layer.weight)[~kept[name]])),
    }
    learning = {name: layer for name, layer in seen.items() if layer.alpha is not None and layer.alpha.grad is not None}
    if learning:
        numbers["gradient_alpha"] = _each(learning, lambda _, layer: _size(_gradient(_alpha(layer))))
    return flat(numbers)


class SearchMeter:
    """What K24 tells of its search beside each evaluation, and the state which that takes.

    Args:
        layers: name -> masked layer.
    """

    def __init__(self, layers: Layers) -> None:
        self.layers = layers
        self.wants_values = True
        """whether no update has been measured since the last call of ``describe``"""
        self._gradients: dict[str, float] = {}
        self._magnitudes: dict[str, Tensor | float] = {}

    @torch.no_grad()
    def measure_values(self, net: AgentNet, packed: PackedBatch, weights: Mapping[str, dict[str, Tensor]]) -> None:
        """Keep the size of values, mean |Q| of legal actions, until ``describe`` asks for it.

        Args:
            net, packed: the network and a batch for it.
            weights: ``best`` and, where there is noise, ``drawn`` -> what to multiply with; else a draw is the best.
        """
        found: dict[str, Tensor | float] = {}
        for name, each in weights.items():
            q, _ = net(packed.inputs, packed.order, each)
            found[f"q_{name}"] = (q.abs() * packed.action_mask).sum() / packed.action_mask.sum()
        self._magnitudes, self.wants_values = {"q_drawn": found["q_best"], **found}, False

    def describe(self, noise_scale: float) -> dict[str, float]:
        """Return ``describe_search``, ``gradient_sizes``, and ``q_drawn`` and ``q_best`` where they were measured."""
        self.wants_values = True
        return {**describe_search(self.layers, noise_scale), **self._last_gradients(), **self._last_magnitudes()}

    def keep_gradients(self) -> None:
        """Measure the last update's gradients by the masks in force, before these change; the layers forget them."""
        self._gradients = self._last_gradients()
        for layer in self.layers.values():
            for parameter in layer.parameters():
                parameter.grad = None

    def _last_gradients(self) -> dict[str, float]:
        """Those of the last update; where the layers hold none, those that were kept or saved."""
        return gradient_sizes(self.layers) or self._gradients

    def _last_magnitudes(self) -> dict[str, float]:
        return {name: float(value) for name, value in self._magnitudes.items()}

    def state_dict(self) -> dict[str, Any]:
        """Return what was measured since the last call of ``describe``."""
        return {
            "gradients": self._last_gradients(),
            "magnitudes": self._last_magnitudes(),
            "measure_magnitudes": self.wants_values,
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what ``state_dict`` gave; gradients that the layers still hold would go before those saved."""
        self._gradients, self._magnitudes = saved["gradients"], dict(saved["magnitudes"])
        self.wants_values = saved["measure_magnitudes"]


def _chances(layer: SemiStructuredLinear24, noise_scale: float) -> Tensor:
    """(K, out, ⌈in/4⌉, 6): how likely each pattern is drawn."""
    if noise_scale == 0:
        return F.one_hot(layer.chosen_patterns(), N_PATTERNS).to(layer.weight.dtype)
    return (layer.logits() / noise_scale).softmax(-1)


def _whole(layer: SemiStructuredLinear24, chances: Tensor) -> Tensor:
    """Those of groups without padding, unless there are none."""
    whole = layer.pattern.allowed.all(-1)
    return chances[:, :, whole] if whole.any() else chances


def _energy(layer: SemiStructuredLinear24, kept: Tensor) -> Tensor:
    squares = layer.weight.square()
    return (kept * squares).sum() / (len(kept) * squares.sum())


def _flips(layer: SemiStructuredLinear24) -> Tensor:
    without = layer.pattern.chosen(layer.pattern.hard(layer.logits(alpha=False)))
    return (without != layer.chosen_patterns()).float().mean()


def _alpha(layer: SemiStructuredLinear24) -> Tensor:
    assert layer.alpha is not None
    return layer.alpha


def _gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def _size(values: Tensor) -> Tensor:
    """Root mean square; 0 of nothing."""
    return values.square().sum().div(max(1, values.numel())).sqrt()


def _each(layers: Layers, measure: Callable[[str, SemiStructuredLinear24], Tensor]) -> dict[str, float]:
    return {name: float(measure(name, layer)) for name, layer in layers.items()}
