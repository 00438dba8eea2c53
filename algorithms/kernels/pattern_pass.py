"""The choice among 2:4 patterns, compiled for processors: what ``sparsity/pattern24.py`` and ``diversity.py`` define.

A group of four holds so few numbers that PyTorch spends its time between operations. Here each group is read once, its
six patterns are handled in registers, and one loop does what a dozen operations did. All arrays are flat: R rows of
inputs or of groups, where R = K · out.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from algorithms.kernels.compiled import kernel

PLACES = tuple(itertools.combinations(range(4), 2))
"""Which two of four consecutive inputs each pattern keeps, in the order in which everything numbers them."""
FIRST, SECOND = zip(*PLACES, strict=True)
"""The inputs that each pattern keeps."""
EPS = 1e-5
"""Of the layer norm."""
TINY = 1e-12
"""Least mean of a group's six sums that is divided by."""


@kernel
def _normed(scores, row, group, sums):
    """Write a group's six layer-normed sums into ``sums`` (6,); return the factor of their slope in the scores."""
    width, start = scores.shape[1], 4 * group
    a = scores[row, start]
    b = scores[row, start + 1] if start + 1 < width else np.float32(0)
    c = scores[row, start + 2] if start + 2 < width else np.float32(0)
    d = scores[row, start + 3] if start + 3 < width else np.float32(0)
    sums[0], sums[1], sums[2], sums[3], sums[4], sums[5] = a + b, a + c, a + d, b + c, b + d, c + d
    mean = (a + b + c + d) / np.float32(2)
    scale = np.float32(1) / max(mean, np.float32(TINY))
    variance = np.float32(0)
    for p in range(6):
        sums[p] = (sums[p] - mean) * scale
        variance += sums[p] * sums[p]
    norm = np.float32(1) / np.float32(math.sqrt(variance / np.float32(6) + np.float32(EPS)))
    for p in range(6):
        sums[p] *= norm
    return scale * norm


@kernel
def logits_forward(scores, allowed, logits):
    """Fill logits (R, ⌈in/4⌉, 6) from scores (R, in) and allowed (⌈in/4⌉, 6)."""
    sums = np.empty(6, np.float32)
    for row in range(len(scores)):
        for group in range(len(allowed)):
            _normed(scores, row, group, sums)
            for p in range(6):
                logits[row, group, p] = sums[p] if allowed[group, p] else -np.float32(np.inf)


@kernel
def logits_backward(scores, allowed, d_logits, d_scores):
    """Fill the gradient of scores (R, in) from that of logits (R, ⌈in/4⌉, 6)."""
    sums, d_sums, d_four = np.empty(6, np.float32), np.empty(6, np.float32), np.empty(4, np.float32)
    for row in range(len(scores)):
        for group in range(len(allowed)):
            factor = _normed(scores, row, group, sums)
            mean, along = np.float32(0), np.float32(0)
            for p in range(6):
                d_sums[p] = d_logits[row, group, p] if allowed[group, p] else np.float32(0)
                mean += d_sums[p]
                along += d_sums[p] * sums[p]
            d_four[:] = 0
            for p in range(6):
                d_sum = factor * (d_sums[p] - (mean + along * sums[p]) / np.float32(6))
                d_four[FIRST[p]] += d_sum
                d_four[SECOND[p]] += d_sum
            for i in range(4 * group, min(4 * group + 4, scores.shape[1])):
                d_scores[row, i] = d_four[i - 4 * group]


@kernel
def _largest(logits):
    """Return the place of the largest of six, the first of equals."""
    best = 0
    for p in range(1, 6):
        if logits[p] > logits[best]:
            best = p
    return best


@kernel
def _softmax(logits, factor, chances):
    """Fill the six ``chances`` with softmax(factor · logits); return ``_largest``."""
    best = _largest(logits)
    total = np.float32(0)
    for p in range(6):
        chances[p] = np.float32(math.exp((logits[p] - logits[best]) * factor))
        total += chances[p]
    for p in range(6):
        chances[p] /= total
    return best


@kernel
def choose_forward(logits, temperature, held, chances, gates):
    """Fill gates (R, in) with the patterns of the largest logits (R, ⌈in/4⌉, 6), or with those ``held`` (R, ⌈in/4⌉).

    ``held`` counts where it has rows. ``chances`` is filled with softmax(logits / temperature).
    """
    factor = np.float32(1 / temperature)
    for row in range(len(logits)):
        for group in range(logits.shape[1]):
            best = _softmax(logits[row, group], factor, chances[row, group])
            _keep(held[row, group] if len(held) else best, gates, row, group)


@kernel
def best_forward(logits, gates):
    """Fill gates (R, in) with the patterns of the largest logits (R, ⌈in/4⌉, 6)."""
    for row in range(len(logits)):
        for group in range(logits.shape[1]):
            _keep(_largest(logits[row, group]), gates, row, group)


@kernel
def _keep(pattern, gates, row, group):
    for i in range(4 * group, min(4 * group + 4, gates.shape[1])):
        gates[row, i] = FIRST[pattern] == i - 4 * group or SECOND[pattern] == i - 4 * group


@kernel
def choose_backward(chances, temperature, d_gates, d_logits):
    """Fill the gradient of logits (R, ⌈in/4⌉, 6) from that of gates (R, in), through the chances' mean pattern."""
    factor, width = np.float32(1 / temperature), d_gates.shape[1]
    d_four, d_chances = np.zeros(4, np.float32), np.empty(6, np.float32)
    for row in range(len(chances)):
        for group in range(chances.shape[1]):
            for i in range(4):
                d_four[i] = d_gates[row, 4 * group + i] if 4 * group + i < width else np.float32(0)
            mean = np.float32(0)
            for p in range(6):
                d_chances[p] = d_four[FIRST[p]] + d_four[SECOND[p]]
                mean += chances[row, group, p] * d_chances[p]
            for p in range(6):
                d_logits[row, group, p] = factor * chances[row, group, p] * (d_chances[p] - mean)


@kernel
def agreement_forward(logits, d_logits):
    """Return Σ over ordered pairs k ≠ l of ⟨p_k, p_l⟩, p = softmax(logits) (K, places, 6); fill its gradient."""
    total, one, chances = np.float64(0), np.float32(1), np.empty((len(logits), 6), np.float32)
    for place in range(logits.shape[1]):
        for k in range(len(logits)):
            _softmax(logits[k, place], one, chances[k])
        for k in range(len(logits)):
            mean = np.float32(0)
            for p in range(6):
                others = np.float32(0)
                for other in range(len(logits)):
                    others += chances[other, p] if other != k else np.float32(0)
                d_logits[k, place, p] = 2 * others
                mean += chances[k, p] * others
            total += mean
            for p in range(6):
                d_logits[k, place, p] = chances[k, p] * (d_logits[k, place, p] - 2 * mean)
    return total


class PatternLogits(torch.autograd.Function):
    """``Pattern24Matrix.logits``."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, allowed: Tensor) -> Tensor:
        """Return logits (K, out, ⌈in/4⌉, 6) of scores (K, out, in) and allowed (⌈in/4⌉, 6)."""
        ctx.save_for_backward(scores, allowed)
        logits = scores.new_empty(*scores.shape[:-1], *allowed.shape)
        logits_forward(_rows(scores, 1), allowed.numpy(), _rows(logits, 2))
        return logits

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        """Return the gradient of the scores."""
        scores, allowed = ctx.saved_tensors
        d_scores = torch.empty_like(scores, memory_format=torch.contiguous_format)
        logits_backward(_rows(scores, 1), allowed.numpy(), _rows(grads[0], 2), _rows(d_scores, 1))
        return d_scores, None


class ChosenGates(torch.autograd.Function):
    """``Pattern24Matrix.sample``."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, temperature: float, held: Tensor | None, in_features: int) -> Tensor:
        """Return gates (K, out, in) of logits (K, out, ⌈in/4⌉, 6) with their noise."""
        chances, gates = torch.empty_like(logits), logits.new_empty(*logits.shape[:-2], in_features)
        patterns = np.empty((0, 0), np.int64) if held is None else _rows(held, 1)
        choose_forward(_rows(logits, 2), temperature, patterns, _rows(chances, 2), _rows(gates, 1))
        ctx.save_for_backward(chances)
        ctx.temperature = temperature
        return gates

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        """Return the gradient of the logits."""
        (chances,) = ctx.saved_tensors
        d_logits = torch.empty_like(chances)
        choose_backward(_rows(chances, 2), ctx.temperature, _rows(grads[0], 1), _rows(d_logits, 2))
        return d_logits, None, None, None


def best_gates(logits: Tensor, in_features: int) -> Tensor:
    """Return ``Pattern24Matrix.hard``, gates (K, out, in) of logits (K, out, ⌈in/4⌉, 6)."""
    gates = logits.new_empty(*logits.shape[:-2], in_features)
    best_forward(_rows(logits.detach(), 2), _rows(gates, 1))
    return gates


class Agreement(torch.autograd.Function):
    """Σ over layers, places and ordered pairs of mask groups of ⟨p_k, p_l⟩."""

    @staticmethod
    def forward(ctx: Any, *layers: Tensor) -> Tensor:
        """Return the sum () for each layer's logits (K, out, ⌈in/4⌉, 6)."""
        gradients = [torch.empty_like(layer) for layer in layers]
        pairs = zip(layers, gradients, strict=True)
        total = sum(agreement_forward(*(_flat(x, len(x), -1, 6) for x in pair)) for pair in pairs)
        ctx.save_for_backward(*gradients)
        return layers[0].new_tensor(total)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:
        """Return the gradient of each layer's logits."""
        return tuple(gradient * grads[0] for gradient in ctx.saved_tensors)


def compile_passes() -> None:
    """Run each pass once on a single group of four, so that compiling is booked to no update."""
    scores = torch.ones(2, 1, 4, requires_grad=True)
    logits = PatternLogits.apply(scores, torch.ones(1, 6, dtype=torch.bool))
    best_gates(logits, 4)
    loss = ChosenGates.apply(logits, 1.0, None, 4).sum() + Agreement.apply(logits)
    torch.autograd.grad(loss, scores)


def _rows(x: Tensor, kept: int) -> np.ndarray:
    """Flatten all axes but the last ``kept``; a view where the memory allows."""
    return _flat(x, -1, *x.shape[x.ndim - kept :])


def _flat(x: Tensor, *shape: int) -> np.ndarray:
    return x.detach().contiguous().numpy().reshape(shape)
