"""How a layer's patterns are used: by which mask group, how evenly, how steadily."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from algorithms.kernels.pattern_pass import PLACES

PATTERNS = tuple("".join(str(int(place in kept)) for place in range(4)) for kept in PLACES)
"""The six patterns, ``1100`` to ``0011``: 1 for a kept input, 0 for a dropped one."""
N_PATTERNS = len(PATTERNS)


def flat(numbers: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Write name -> layer -> number as learning curves store them: means of all layers first, then ``NAME/LAYER``."""
    means = {name: sum(of_layer.values()) / len(of_layer) for name, of_layer in numbers.items()}
    return means | {f"{name}/{layer}": value for name, of in numbers.items() for layer, value in of.items()}


def pattern_overlap(chosen: Tensor) -> float:
    """Return the share of places where two mask groups chose the same pattern, averaged over pairs; 0 without pairs.

    Args:
        chosen: (K, …) int64, 0..5.
    """
    n_pairs = len(chosen) * (len(chosen) - 1)
    counts = F.one_hot(chosen, N_PATTERNS).sum(0)  # how many groups chose each pattern at each place
    agreeing = (counts * (counts - 1)).sum(-1).float().mean().item()
    return agreeing / max(1, n_pairs)


class LayerPatternTracker:
    """Remembers each layer's last patterns, to measure how they move."""

    def __init__(self) -> None:
        self._last: dict[str, Tensor] = {}

    def record(self, layers: Mapping[str, Tensor], groups: Sequence[str]) -> dict[str, float]:
        """Measure all layers, and how they moved since the last call.

        Args:
            layers: name -> (K, out, ⌈in/4⌉) int64, the pattern in force at each place.
            groups: K names of the mask groups.

        Returns:
            Each as the mean of all layers and, after a slash, of one:

            - ``pattern_entropy``, 0..1: evenness of the use of patterns, 1 where a group uses all six alike;
            - ``pattern_overlap``: see the function of this name;
            - ``pattern_churn``: share of places whose pattern changed; 0 at the first call.

            And ``pattern_use/LAYER/GROUP/PATTERN``, the share of each pattern in a group's choices, with patterns
            written as kept (1) and dropped (0) inputs.
        """
        numbers: dict[str, dict[str, float]] = {"pattern_entropy": {}, "pattern_overlap": {}, "pattern_churn": {}}
        uses: dict[str, float] = {}
        for layer, patterns in layers.items():
            chosen = patterns.flatten(1).cpu()
            usage = F.one_hot(chosen, N_PATTERNS).float().mean(1)
            entropy = torch.special.entr(usage).sum(1) / math.log(N_PATTERNS)
            numbers["pattern_entropy"][layer] = entropy.mean().item()
            numbers["pattern_overlap"][layer] = torch.tensor(pattern_overlap(chosen)).item()  # as a float32
            numbers["pattern_churn"][layer] = (chosen != self._last.get(layer, chosen)).float().mean().item()
            self._last[layer] = chosen
            for group, shares in zip(groups, usage.tolist(), strict=True):
                uses |= {f"pattern_use/{layer}/{group}/{p}": share for p, share in zip(PATTERNS, shares, strict=True)}
        return flat(numbers) | uses

    def state_dict(self) -> dict[str, Any]:
        return dict(self._last)

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        self._last = dict(saved)
