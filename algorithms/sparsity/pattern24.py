"""Which two of four: the six patterns, their logits from scores, and the choice among them."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from algorithms.kernels.compiled import compiled_for
from algorithms.kernels.pattern_pass import PLACES, ChosenGates, PatternLogits, best_gates

GROUP = 4
KEEP = 2


class Pattern24Matrix(nn.Module):
    """The six ways to keep 2 of 4, over groups of four consecutive inputs of a layer.

    The operations below are the definition; processors run them compiled, to the same float32 rounding.

    Inputs are padded with zeros to a multiple of four. A group with r real entries keeps ``min(2, r)`` of them: only
    patterns that do are allowed, so padding never displaces a real weight.

    Args:
        in_features: real inputs of the layer.
    """

    patterns: Tensor
    """(6, 4) float: 1 where the pattern keeps the entry"""
    allowed: Tensor
    """(⌈in/4⌉, 6) bool"""

    def __init__(self, in_features: int) -> None:
        super().__init__()
        self.in_features = in_features
        self.padding = -in_features % GROUP
        self.register_buffer("patterns", F.one_hot(torch.tensor(PLACES), GROUP).sum(1).float(), persistent=False)
        real = F.pad(torch.ones(in_features), (0, self.padding)).view(-1, GROUP)
        enough = real @ self.patterns.t() >= real.sum(1, keepdim=True).clamp(max=KEEP)
        self.register_buffer("allowed", enough, persistent=False)

    def logits(self, scores: Tensor) -> Tensor:
        """Return how well each pattern suits each group: the kept scores' sum, layer-normed over the six.

        The norm makes the logits independent of the scores' scale, so one temperature serves all layers.

        Args:
            scores: (K, out, in), 0 or larger.

        Returns:
            (K, out, ⌈in/4⌉, 6); −inf where a pattern is not allowed.
        """
        if compiled_for(scores):
            return PatternLogits.apply(scores, self.allowed)
        sums = self.sums(scores)
        # scores of 1e-3 are common and the norm's eps is absolute, so each group is first brought to a mean of 1
        scale = sums.detach().mean(-1, keepdim=True).clamp(min=1e-12)
        logits = F.layer_norm(sums / scale, (len(self.patterns),))
        return logits.masked_fill(~self.allowed, -torch.inf)

    def sums(self, scores: Tensor) -> Tensor:
        """Return what each pattern keeps of each group's scores: (K, out, in) -> (K, out, ⌈in/4⌉, 6)."""
        return self._groups(scores) @ self.patterns.t()

    def soft_gate(self, scores: Tensor) -> Tensor:
        """Return continuous gates: ``1 − t / score`` for the two largest scores of four, t the third; 0 for the rest.

        With ``score = |W|`` the gated weight is ``sign(W) · (|W| − t)``, the soft threshold of S-STE: no weight jumps
        when two scores change places. Padding scores 0, so where it leaves two real entries both keep a gate of 1.

        Args:
            scores: (K, out, in), 0 or larger.

        Returns:
            (K, out, in), differentiable in the scores.

        Source: Hu et al., NeurIPS 2024 (arXiv 2409.09099).
        """
        groups = self._groups(scores)
        threshold = groups.topk(KEEP + 1, dim=-1).values[..., -1:]
        gates = ((groups - threshold) / groups.clamp(min=torch.finfo(groups.dtype).tiny)).clamp(min=0)
        return gates.flatten(-2)[..., : self.in_features]

    def _groups(self, of_inputs: Tensor) -> Tensor:
        """(…, in) -> (…, ⌈in/4⌉, 4), padded with zeros."""
        return F.pad(of_inputs, (0, self.padding)).unflatten(-1, (-1, GROUP))

    def hard(self, logits: Tensor) -> Tensor:
        """Return the best pattern of each group as a 0/1 mask (K, out, in)."""
        if compiled_for(logits):
            return best_gates(logits, self.in_features)
        return self.mask_of(logits.argmax(-1))

    def chosen(self, mask: Tensor) -> Tensor:
        """Return the pattern of each group of a 2:4 mask, 0..5; where padding leaves a choice, always the same one.

        Args:
            mask: (K, out, in) bool or 0/1.

        Returns:
            (K, out, ⌈in/4⌉) int64.
        """
        return self.sums(mask.to(self.patterns.dtype)).argmax(-1)

    def mask_of(self, chosen: Tensor) -> Tensor:
        """Return the 0/1 mask (K, out, in) of patterns (K, out, ⌈in/4⌉)."""
        return self._inputs(self.patterns[chosen])

    def keep_chance(self, chances: Tensor) -> Tensor:
        """Return how likely each input is kept, (K, out, in), where patterns have chances (K, out, ⌈in/4⌉, 6)."""
        return self._inputs(chances @ self.patterns)

    def hold(self, scores: Tensor, held: Tensor, margin: float) -> Tensor:
        """Return the best patterns where they keep over ``1 + margin`` times the score of those held, else these.

        Args:
            scores: (K, out, in), 0 or larger.
            held: (K, out, ⌈in/4⌉) int64, patterns so far.
            margin: 0 or larger.

        Returns:
            (K, out, ⌈in/4⌉) int64.
        """
        sums = self.sums(scores).masked_fill(~self.allowed, -torch.inf)
        most, best = sums.max(-1)
        present = sums.gather(-1, held.unsqueeze(-1)).squeeze(-1)
        return torch.where(most > (1 + margin) * present, best, held)

    def sample(self, logits: Tensor, temperature: float, noise: Tensor | None, held: Tensor | None = None) -> Tensor:
        """Choose one pattern per group by Gumbel-softmax: a 0/1 mask (K, out, in) with a straight-through gradient.

        Args:
            logits: (K, out, ⌈in/4⌉, 6).
            temperature: τ > 0; high values spread the gradient over all patterns, low ones give it to the drawn one.
                Which pattern is drawn does not depend on it.
            noise: of the same shape. With ``gumbel_noise`` patterns are drawn from softmax(logits), with None the
                best one is taken.
            held: (K, out, ⌈in/4⌉) int64, patterns to take whatever the logits say; the gradient stays that of the
                softmax.

        Source: Jang et al., ICLR 2017 (arXiv 1611.01144).
        """
        noisy = logits if noise is None else logits + noise
        if compiled_for(noisy):
            return ChosenGates.apply(noisy, temperature, held, self.in_features)
        soft = (noisy / temperature).softmax(-1)
        chosen = soft.argmax(-1) if held is None else held
        return self._inputs(_Chosen.apply(soft, chosen, self.patterns))

    def _inputs(self, groups: Tensor) -> Tensor:
        """(…, ⌈in/4⌉, 4) -> (…, in), without padding."""
        return groups.flatten(-2)[..., : self.in_features]


class _Chosen(torch.autograd.Function):
    """The chosen patterns (…, 4), with the gradient of the chances' mean pattern."""

    @staticmethod
    def forward(ctx: Any, chances: Tensor, chosen: Tensor, patterns: Tensor) -> Tensor:
        ctx.save_for_backward(patterns)
        return patterns[chosen].to(chances.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (patterns,) = ctx.saved_tensors
        return grads[0] @ patterns.to(grads[0].dtype).t(), None, None


def is_24(weight: Tensor) -> bool:
    """Return whether a weight (…, in) is 2:4: no four consecutive inputs hold more than two non-zeros."""
    kept = F.pad(weight != 0, (0, -weight.shape[-1] % GROUP)).unflatten(-1, (-1, GROUP)).sum(-1)
    return bool((kept <= KEEP).all())


def gumbel_noise(like: Tensor, generator: torch.Generator) -> Tensor:
    """Draw finite Gumbel noise for these logits, on the CPU, and move it to them; a GPU is not waited for."""
    uniform = torch.rand(like.shape, generator=generator).clamp_(min=torch.finfo(torch.float32).tiny)
    noise = uniform.log_().neg_().log_().neg_()  # torch.rand stays below 1, so both logarithms are finite
    return noise.to(like.device, non_blocking=True)
