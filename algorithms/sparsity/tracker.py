"""How a layer's patterns are used: by which mask group, how evenly, how steadily."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

N_PATTERNS = 6


@dataclass(frozen=True, kw_only=True)
class PatternUse:
    """One layer at one moment."""

    usage: Tensor
    """(K, 6) float: share of each pattern in each mask group's choices; rows sum to 1"""
    entropy: Tensor
    """(K,) float, 0..1: evenness of ``usage``, 1 where all six are used alike"""
    overlap: float
    """share of places where two mask groups chose the same pattern, averaged over pairs; 0 without pairs"""
    churn: float
    """share of choices that changed since the last record; 0 at the first"""


class LayerPatternTracker:
    """Remembers each layer's last patterns, to tell how they move."""

    def __init__(self) -> None:
        self._last: dict[str, Tensor] = {}

    def record(self, name: str, logits: Tensor) -> PatternUse:
        """Measure one layer.

        Args:
            name: of the layer.
            logits: (K, out, ⌈in/4⌉, 6).
        """
        chosen = logits.detach().argmax(-1).flatten(1).cpu()  # (K, places)
        one_hot = F.one_hot(chosen, N_PATTERNS).float()
        usage = one_hot.mean(1)
        n_pairs = len(chosen) * (len(chosen) - 1)
        counts = one_hot.sum(0)  # how many groups chose each pattern at each place
        agreeing = (counts * (counts - 1)).sum(-1).mean().item()
        last = self._last.get(name, chosen)
        self._last[name] = chosen
        return PatternUse(
            usage=usage,
            entropy=torch.special.entr(usage).sum(1) / math.log(N_PATTERNS),
            overlap=agreeing / max(1, n_pairs),
            churn=(chosen != last).float().mean().item(),
        )

    def state_dict(self) -> dict[str, Any]:
        """The remembered patterns."""
        return dict(self._last)

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what ``state_dict`` gave."""
        self._last = dict(saved)
