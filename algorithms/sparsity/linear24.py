"""K24's masked layer: one shared weight, a 2:4 mask per mask group."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from algorithms.q_learning.layers import GroupLinear, fan_in_uniform
from algorithms.sparsity.activation import EMAActivationTracker
from algorithms.sparsity.pattern24 import Pattern24Matrix


class SemiStructuredLinear24(GroupLinear):
    """``W_k = W · mask_k`` where every mask keeps exactly 2 of 4 consecutive inputs.

    The masks follow the heterogeneous score ``S_k = EMA(|a|) · |W| · sigmoid(α_k)`` until they are frozen. Without the
    first factor they do not see the inputs; without the last one groups differ only where ``ema_per_type`` is set.

    Args:
        in_features: width of the input.
        out_features: width of the output.
        n_groups: K, masks kept.
        alpha_init_std: α starts at N(0, alpha_init_std²), so that groups can part.
        ema_momentum: of the input magnitudes.
        ema_per_type: keep one average of input magnitudes per mask group instead of a shared one.
        score_activation: whether the score has its first factor.
        score_alpha: whether it has its last one.
        generator: draws weight, bias and α.
    """

    alpha: Tensor | None
    """(K, out, in) learnable; None where the score has no such factor"""
    frozen_mask: Tensor
    """(K, out, in) bool, in force once ``frozen``"""
    frozen: bool
    """Known to the host, so that asking does not make a GPU wait; kept in the module's state."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        n_groups: int,
        *,
        alpha_init_std: float,
        ema_momentum: float,
        ema_per_type: bool,
        score_activation: bool = True,
        score_alpha: bool = True,
        generator: torch.Generator,
    ) -> None:
        super().__init__(in_features, out_features, generator)
        self.n_groups = n_groups
        self.alpha_init_std = alpha_init_std
        self.score_activation = score_activation
        self.alpha = nn.Parameter(self._draw_alpha(generator)) if score_alpha else None
        self.pattern = Pattern24Matrix(in_features)
        self.activation = EMAActivationTracker(in_features, n_groups if ema_per_type else 1, ema_momentum)
        self.register_buffer("frozen_mask", torch.zeros(n_groups, out_features, in_features, dtype=torch.bool))
        self.frozen = False

    def _draw_alpha(self, generator: torch.Generator) -> Tensor:
        shape = (self.n_groups, self.out_features, self.in_features)
        return torch.randn(shape, generator=generator) * self.alpha_init_std

    def scores(self) -> Tensor:
        """(K, out, in), differentiable in the weight and in α, so that dropped weights still learn."""
        scores = self.weight.abs().expand(self.n_groups, -1, -1)
        if self.score_activation:
            scores = self.activation.value().unsqueeze(1) * scores
        return scores if self.alpha is None else scores * self.alpha.sigmoid()

    def logits(self) -> Tensor:
        """Pattern logits (K, out, ⌈in/4⌉, 6)."""
        return self.pattern.logits(self.scores())

    @torch.no_grad()
    def masks(self) -> Tensor:
        """The masks (K, out, in) bool in force without noise: the best patterns, or the frozen ones."""
        return self.frozen_mask.clone() if self.frozen else self.pattern.hard(self.logits()).bool()

    def chosen_patterns(self) -> Tensor:
        """Which pattern each group of four inputs follows in ``masks``: (K, out, ⌈in/4⌉) int64, 0..5."""
        return self.pattern.chosen(self.masks())

    def effective_weights(self) -> Tensor:
        """Weights (K, out, in) under ``masks``."""
        return self.weight * self.masks()

    def sampled_weights(self, logits: Tensor, temperature: float, noise: Tensor) -> Tensor:
        """Weights (K, out, in) under one Gumbel draw of the masks; gradients reach the weight and α."""
        return self.weight * self.pattern.sample(logits, temperature, noise)

    @torch.no_grad()
    def drawn_weights(self, noise: Tensor) -> Tensor:
        """Weights (K, out, in) under the same kind of draw, where no gradient is wanted."""
        return self.weight * self.pattern.hard(self.logits() + noise)

    def freeze(self) -> None:
        """Keep the present masks for good; α no longer matters."""
        self.frozen_mask.copy_(self.masks())
        self.frozen = True

    def get_extra_state(self) -> bool:
        """What ``state_dict`` holds beside parameters and buffers: ``frozen``."""
        return self.frozen

    def set_extra_state(self, state: bool) -> None:
        """Restore it."""
        self.frozen = state

    @torch.no_grad()
    def reset_unused(self, ratio: float, generator: torch.Generator) -> int:
        """Redraw a random share of the weights that every group drops, and their α.

        Args:
            ratio: probability that such a weight resets, 0..1.
            generator: draws the choice and the fresh values.

        Returns:
            How many weights reset.
        """
        dropped = ~self.masks().any(0)
        chosen = dropped & (torch.rand(dropped.shape, generator=generator) < ratio).to(dropped.device)
        fresh = fan_in_uniform(*self.weight.shape, fan_in=self.in_features, generator=generator)
        self.weight.copy_(torch.where(chosen, fresh.to(chosen.device), self.weight))
        if self.alpha is not None:
            alpha = self._draw_alpha(generator).to(chosen.device)
            self.alpha.copy_(torch.where(chosen, alpha, self.alpha))
        return int(chosen.sum())
