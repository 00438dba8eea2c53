"""How a layer's patterns are used: by which mask group, how evenly, how steadily."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from algorithms.kernels.patterns import PLACES

PATTERNS = tuple("".join(str(int(place in kept)) for place in range(4)) for kept in PLACES)
"""The six patterns, ``1100`` to ``0011``: 1 for a kept input, 0 for a dropped one."""
N_PATTERNS = len(PATTERNS)


@dataclass(frozen=True, kw_only=True)
class PatternUse:
    """One layer at one moment."""

    usage: Tensor
    """(K, 6) float: share of each pattern in each mask group's choices; rows sum to 1"""
    entropy: Tensor
    """(K,) float, 0..1: evenness of ``usage``, 1 where all six are used alike"""
    overlap: float
    """see ``pattern_overlap``"""
    churn: float
    """share of choices that changed since the last record; 0 at the first"""


def describe_use(uses: Mapping[str, PatternUse], groups: Sequence[str]) -> dict[str, float]:
    """Write a record as flat numbers, as learning curves store them.

    Args:
        uses: layer name -> its use.
        groups: K names of the mask groups.

    Returns:
        ``pattern_entropy``, ``pattern_overlap`` and ``pattern_churn``, each as the mean of all layers and, after a
        slash, of one; and ``pattern_use/LAYER/GROUP/PATTERN`` with patterns written as kept (1) and dropped (0) inputs.
    """
    means: dict[str, float] = {}
    details: dict[str, float] = {}
    for name in ("entropy", "overlap", "churn"):
        of_layer = {layer: float(torch.as_tensor(getattr(use, name)).mean()) for layer, use in uses.items()}
        means[f"pattern_{name}"] = sum(of_layer.values()) / len(of_layer)
        details |= {f"pattern_{name}/{layer}": value for layer, value in of_layer.items()}
    for layer, use in uses.items():
        for group, shares in zip(groups, use.usage.tolist(), strict=True):
            details |= {f"pattern_use/{layer}/{group}/{p}": share for p, share in zip(PATTERNS, shares, strict=True)}
    return {**means, **details}


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

    def record(self, name: str, chosen: Tensor) -> PatternUse:
        """Measure one layer.

        Args:
            name: of the layer.
            chosen: (K, out, ⌈in/4⌉) int64, the pattern in force at each place.
        """
        chosen = chosen.flatten(1).cpu()
        usage = F.one_hot(chosen, N_PATTERNS).float().mean(1)
        last = self._last.get(name, chosen)
        self._last[name] = chosen
        return PatternUse(
            usage=usage,
            entropy=torch.special.entr(usage).sum(1) / math.log(N_PATTERNS),
            overlap=pattern_overlap(chosen),
            churn=(chosen != last).float().mean().item(),
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the remembered patterns."""
        return dict(self._last)

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what ``state_dict`` gave."""
        self._last = dict(saved)
