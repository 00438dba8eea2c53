"""Diversity between mask groups: its measures and its weight in the loss."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from algorithms.kernels.compiled import compiled_for
from algorithms.kernels.pattern_pass import Agreement
from algorithms.protocol import Diagnostics


def mask_distance(weighted_masks: Sequence[Tensor], layer_weights: Sequence[float]) -> Tensor:
    """Return Kaleidoscope's diversity: how far the groups' weighted masks lie apart.

    The L1 distance of two groups' weighted masks, summed over layers with a weight each, averaged over pairs of groups
    and divided by the number of maskable weights.

    Args:
        weighted_masks: one (K, out, in) tensor per layer.
        layer_weights: one factor per layer.

    Returns:
        A scalar, 0 where there are no pairs; to be maximised.
    """
    n_groups = weighted_masks[0].shape[0]
    total = weighted_masks[0].new_zeros(())
    for masks, factor in zip(weighted_masks, layer_weights, strict=True):
        for k in range(n_groups - 1):
            total = total + factor * (masks[k + 1 :] - masks[k]).abs().sum()
    n_pairs = n_groups * (n_groups - 1) // 2
    return total / max(1, n_pairs) / sum(masks[0].numel() for masks in weighted_masks)


def pattern_orthogonality(logits: Sequence[Tensor]) -> Tensor:
    """Return K24's diversity: how much groups agree on patterns, the mean ``⟨p_k, p_l⟩`` with ``p = softmax(logits)``.

    The mean is over pairs of mask groups and all groups of four in all layers: 0 where no two mask groups ever put
    weight on the same pattern, 1 where all are certain of the same one.

    Args:
        logits: one (K, out, ⌈in/4⌉, 6) tensor per layer.

    Returns:
        A scalar, 0 where there are no pairs; to be minimised.
    """
    n_groups = logits[0].shape[0]
    compiled = compiled_for(logits[0])
    total: Tensor = Agreement.apply(*logits) if compiled else torch.stack([*map(_agreement, logits)]).sum()
    n_pairs = n_groups * (n_groups - 1)
    return total / max(1, n_pairs) / sum(layer[0, ..., 0].numel() for layer in logits)


def _agreement(layer: Tensor) -> Tensor:
    """Σ over ordered pairs k ≠ l of ⟨p_k, p_l⟩ without forming the pairs."""
    p = layer.softmax(-1)
    return p.sum(0).square().sum() - p.square().sum()


class AdaptiveCoefficient:
    """Keeps the diversity term in proportion to the TD loss: ``|base · mean(td) / mean(div)|`` over recent updates.

    Args:
        base: size of the weighted diversity term relative to the TD loss.
        deque_len: updates averaged over.
        device: where the losses are.

    Source: Kaleidoscope's ``Kalei_nq_learner``.
    """

    def __init__(self, base: float, deque_len: int, device: torch.device | str = "cpu") -> None:
        self.base, self.device = base, device
        self.td: deque[Tensor] = deque(maxlen=deque_len)
        self.div: deque[Tensor] = deque(maxlen=deque_len)

    def __call__(self, td_loss: Tensor, diversity: Tensor) -> tuple[Tensor, Diagnostics]:
        """Record one update's losses; return the weighted term () and what was measured, all where the losses are."""
        self.td.append(td_loss.detach())
        self.div.append(diversity.detach())
        mean_td, mean_div = (torch.stack(list(losses)).double().mean() for losses in (self.td, self.div))
        coefficient = (self.base * mean_td / mean_div).abs()
        coefficient = torch.where(mean_div == 0, self.base, coefficient).to(td_loss.dtype)
        return coefficient * diversity, {"div_loss": diversity.detach(), "div_coef": coefficient}

    def state_dict(self) -> dict[str, Any]:
        return {"td": list(self.td), "div": list(self.div)}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        for remembered, losses in ((self.td, saved["td"]), (self.div, saved["div"])):
            remembered.clear()
            remembered.extend(loss.to(self.device) for loss in losses)
