"""How strongly each input of a layer is used, as a running mean."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class EMAActivationTracker(nn.Module):
    """Bias-corrected exponential moving average of the mean |input| per feature.

    Args:
        in_features: width of the tracked input.
        n_trackers: 1 shares one average among all mask groups; K keeps one per group.
        momentum: weight of the past, 0..1.
    """

    average: Tensor
    """(n_trackers, in) before the correction"""
    count: Tensor
    """(n_trackers,) int64, how many batches were seen"""

    def __init__(self, in_features: int, n_trackers: int, momentum: float) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("average", torch.zeros(n_trackers, in_features))
        self.register_buffer("count", torch.zeros(n_trackers, dtype=torch.int64))

    @torch.no_grad()
    def observe(self, sums: Tensor, rows: Tensor) -> None:
        """Add one training pass.

        Args:
            sums: (G, in) sums of magnitudes, a row for each mask group.
            rows: (G,) how many rows of inputs each sums over.
        """
        kind = self.average.dtype  # means stay exact whatever the products are computed in
        sums, rows = sums.to(kind), rows.to(kind)
        if len(self.average) == 1:
            sums, rows = sums.sum(0, keepdim=True), rows.sum(0, keepdim=True)
        seen = rows > 0  # a type that is absent from the batch keeps its average
        blended = self.average.lerp(sums / rows.clamp(min=1).unsqueeze(1), 1 - self.momentum)
        self.average.copy_(torch.where(seen.unsqueeze(1), blended, self.average))
        self.count += seen

    def value(self) -> Tensor:
        """Return the mean |input| (n_trackers, in); ones before anything was seen."""
        count = self.count.to(self.average.dtype).unsqueeze(1)
        corrected = self.average / (1 - self.momentum**count).clamp(min=torch.finfo(self.average.dtype).tiny)
        return torch.where(count > 0, corrected, torch.ones_like(corrected))
