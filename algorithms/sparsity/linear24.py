"""K24's masked layer: one shared weight, a 2:4 mask per mask group, the factors of its scores and its gradient."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from algorithms.network.layers import GroupLinear
from algorithms.sparsity.pattern24 import Pattern24Matrix
from algorithms.sparsity.resets import put_fresh, reset_weights

EVIDENCE_MOMENTUM = 0.99
"""Weight of the past in the mean |W · gradient| of ``evidence``, per update."""
EVIDENCE_RANGE = (0.05, 0.95)
"""Values of sigmoid(α) that evidence may set."""


class SemiStructuredLinear24(GroupLinear):
    """``W_k = W · mask_k`` where every mask keeps exactly 2 of 4 consecutive inputs.

    Until they are frozen the masks follow the score ``S_k = |W| · sigmoid(α_k)``, times ``EMA(|a|)`` where
    ``score_activation`` is set. Without the factor of α groups differ only where ``ema_per_type`` is set.

    Args:
        in_features, out_features: as of ``GroupLinear``.
        n_groups: K, masks kept.
        config: the ``K24Config`` whose settings of scores, gradients and α hold.
        generator: draws weight, bias and α.
    """

    alpha: Tensor | None
    """(K, out, in) learnable; None where the score has no such factor"""
    alpha_start: Tensor
    """(K, out, in) α before it learned"""
    frozen_mask: Tensor
    """(K, out, in) bool, in force once ``frozen``"""
    held: Tensor
    """(K, out, ⌈in/4⌉) int64, patterns in force while ``holding``"""
    rescale: Tensor
    """() what brings continuous weights back to the size of W, fixed from the start"""
    saliency: Tensor
    """(K, out, in) EMA of |W · gradient|"""
    decay: float | None
    """λ_w of ``straight_through``, which then trains the weight while α learns from the masks alone; None: dropped
    weights learn through the score only"""
    frozen: bool
    holding: bool
    dense: bool
    """Known to the host, so that asking does not make a GPU wait; kept in the module's state. ``dense``: multiply with
    all of W for now."""

    def __init__(
        self, in_features: int, out_features: int, n_groups: int, config: Any, generator: torch.Generator
    ) -> None:
        super().__init__(in_features, out_features, generator)
        self.n_groups, self.config, self.start_scale = n_groups, config, 1.0
        self.decay = config.decay if config.straight_through else None
        self.alpha = nn.Parameter(self._draw_alpha(generator)) if config.score_alpha else None
        self.pattern = Pattern24Matrix(in_features)
        self.activation = EMAActivationTracker(in_features, n_groups if config.ema_per_type else 1, config.ema_momentum)
        shape = (n_groups, out_features, in_features)
        self.register_buffer("frozen_mask", torch.zeros(shape, dtype=torch.bool))
        self.register_buffer("held", torch.zeros(*shape[:2], len(self.pattern.allowed), dtype=torch.int64))
        if self.alpha is not None:
            self.register_buffer("alpha_start", self.alpha.detach().clone())
        if config.alpha_evidence:
            self.register_buffer("saliency", torch.zeros(shape))
        self.frozen = self.holding = self.dense = False
        if config.continuous:
            self.register_buffer("rescale", self._rescale())

    @torch.no_grad()
    def scale_start(self, factor: float) -> None:
        """Multiply the weight with a factor, and those that resets draw; called once, before training."""
        self.start_scale = factor
        self.weight.mul_(factor)

    def _draw_alpha(self, generator: torch.Generator) -> Tensor:
        shape = (self.n_groups, self.out_features, self.in_features)
        return torch.randn(shape, generator=generator) * self.config.alpha_init_std

    @torch.no_grad()
    def _rescale(self) -> Tensor:
        """The factor that brings the gated weights closest to W in the mean square. Source: S-STE."""
        gated = self.weight * self.pattern.soft_gate(self.scores())
        return (gated * self.weight).sum() / gated.square().sum()

    def scores(self, *, alpha: bool = True) -> Tensor:
        """Return scores (K, out, in), differentiable in α and, without ``decay``, in the weight, so dropped ones learn.

        Args:
            alpha: whether the factor sigmoid(α) counts.
        """
        weight = self.weight if self.decay is None else self.weight.detach()
        scores = weight.abs().expand(self.n_groups, -1, -1)
        if self.config.score_activation:
            scores = self.activation.value().unsqueeze(1) * scores
        return scores * self.alpha.sigmoid() if alpha and self.alpha is not None else scores

    def logits(self, *, alpha: bool = True) -> Tensor:
        """Return pattern logits (K, out, ⌈in/4⌉, 6)."""
        return self.pattern.logits(self.scores(alpha=alpha))

    @torch.no_grad()
    def masks(self) -> Tensor:
        """Return the masks (K, out, in) bool in force without noise: the best patterns, the held or the frozen ones."""
        if self.frozen:
            return self.frozen_mask.clone()
        mask = self.pattern.mask_of(self.held) if self.holding else self.pattern.hard(self.logits())
        return mask.bool()

    def chosen_patterns(self) -> Tensor:
        """Return which pattern each group of four inputs follows in ``masks``: (K, out, ⌈in/4⌉) int64, 0..5."""
        return self.pattern.chosen(self.masks())

    def effective_weights(self) -> Tensor:
        """Return weights (K, out, in) under ``masks``, or under continuous gates; all of them while ``dense``."""
        if self.dense:
            return self._all_weights()
        if self.config.continuous:
            return self.weight * (self.rescale * self.pattern.soft_gate(self.scores()))
        return self.weight * self.masks()

    def _all_weights(self) -> Tensor:
        weights = self.weight.expand(self.n_groups, -1, -1)
        if self.config.alpha_evidence and weights.requires_grad:
            weights.register_hook(self._observe_gradient)
        return weights

    @torch.no_grad()
    def _observe_gradient(self, gradient: Tensor) -> None:
        self.saliency.lerp_((self.weight * gradient).abs(), 1 - EVIDENCE_MOMENTUM)

    def sampled_weights(self, logits: Tensor, temperature: float, noise: Tensor | None) -> Tensor:
        """Return weights (K, out, in) to train with, under a Gumbel draw of the masks.

        Without noise these are the best masks or those held. Gradients reach the weight and α.
        """
        if self.config.continuous:
            gate = self.rescale * self.pattern.soft_gate(self.scores())
        else:
            gate = self.pattern.sample(logits, temperature, noise, self.held if self.holding else None)
        return self.weight * gate if self.decay is None else straight_through(self.weight, gate, self.decay)

    @torch.no_grad()
    def drawn_weights(self, logits: Tensor) -> Tensor:
        """Return weights (K, out, in) under the best patterns of these logits, noise included, without gradients."""
        return self.weight * self.pattern.hard(logits)

    @torch.no_grad()
    def hold(self, margin: float) -> None:
        """Keep the present patterns in force; another follows only where its score is better by ``margin``, a share."""
        best = self.pattern.hold(self.scores(), self.held, margin) if self.holding else self.chosen_patterns()
        self.held.copy_(best)
        self.holding = True

    def freeze(self) -> None:
        """Keep the present masks for good; α no longer matters."""
        self.frozen_mask.copy_(self.masks())
        self.frozen = True

    @torch.no_grad()
    def start_from_evidence(self) -> None:
        """Set α so that sigmoid(α_k) is half of group k's mean |W · gradient| relative to the groups' average."""
        assert self.alpha is not None
        # groups play unequally often, so each is first measured against its own layer
        relative = self.saliency / self.saliency.mean((1, 2), keepdim=True).clamp(min=torch.finfo(torch.float32).tiny)
        share = relative / relative.mean(0).clamp(min=torch.finfo(torch.float32).tiny)
        self.alpha.copy_((share / 2).clamp(*EVIDENCE_RANGE).logit())
        self.alpha_start.copy_(self.alpha)

    def get_extra_state(self) -> dict[str, bool]:
        """Return what ``state_dict`` holds beside parameters and buffers."""
        return {"frozen": self.frozen, "holding": self.holding, "dense": self.dense}

    def set_extra_state(self, state: dict[str, bool]) -> None:
        self.frozen, self.holding, self.dense = state["frozen"], state["holding"], state["dense"]

    @torch.no_grad()
    def reset_unused(self, ratio: float, generator: torch.Generator) -> int:
        """Redraw a random share of the weights that every group drops, and their α.

        Args:
            ratio: probability that such a weight resets, 0..1.
            generator: draws the choice and the fresh values.

        Returns:
            How many weights reset.
        """
        chosen = reset_weights(self, ~self.masks().any(0), ratio, generator, self.start_scale)
        if self.alpha is not None and self.alpha.requires_grad:
            alpha = self._draw_alpha(generator)
            put_fresh(self.alpha, chosen, alpha)
            put_fresh(self.alpha_start, chosen, alpha)
        return int(chosen.sum())


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


def straight_through(weight: Tensor, gate: Tensor, decay: float) -> Tensor:
    """Return ``weight · gate``, every entry of which learns, kept or dropped (SR-STE).

    Dropped weights receive the gradient of their place as if they were kept, and a decay that keeps them from drifting:
    the weight's gradient is that of the products, summed over mask groups without the gate, plus ``decay · weight``
    where every group's gate is 0. The gate's gradient is the true one.

    Args:
        weight: (out, in), shared by the mask groups.
        gate: (K, out, in), 0 where a group drops the weight.
        decay: λ_w; 0 is the plain straight-through estimator.

    Returns:
        (K, out, in).

    Source: Zhou et al., "Learning N:M Fine-grained Structured Sparse Neural Networks From Scratch", ICLR 2021 (arXiv
    2102.04010).
    """
    return _StraightThrough.apply(weight, gate, decay)


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, gate: Tensor, decay: float) -> Tensor:
        ctx.save_for_backward(weight, gate)
        ctx.decay = decay
        return weight * gate

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor | None, None]:
        weight, gate = ctx.saved_tensors
        d_weight = grads[0].sum(0) + ctx.decay * weight * (gate == 0).all(0)
        return d_weight, grads[0] * weight if ctx.needs_input_grad[1] else None, None
