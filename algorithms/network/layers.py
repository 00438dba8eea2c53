"""Linear layers that may keep one weight per mask group, and the dense one that keeps a single weight for all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def fan_in_uniform(*shape: int, fan_in: int, generator: torch.Generator) -> Tensor:
    """Draw U(−1/√fan_in, 1/√fan_in), PyTorch's own default for linear and recurrent layers."""
    bound = 1.0 / math.sqrt(fan_in)
    return torch.empty(*shape).uniform_(-bound, bound, generator=generator)


class GroupLinear(nn.Module):
    """One shared weight and bias, of which each mask group may use its own part.

    Args:
        in_features: width of the input.
        out_features: width of the output.
        generator: draws the initial weight and bias.
    """

    def __init__(self, in_features: int, out_features: int, generator: torch.Generator) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = nn.Parameter(fan_in_uniform(out_features, in_features, fan_in=in_features, generator=generator))
        self.bias = nn.Parameter(fan_in_uniform(out_features, fan_in=in_features, generator=generator))

    def effective_weights(self) -> Tensor:
        """Return the (G, out, in) weights that acting, evaluation and the target network multiply with."""
        return self.weight.unsqueeze(0)


class DenseLinear(GroupLinear):
    """A plain linear layer: one group, nothing masked."""

    def forward(self, x: Tensor) -> Tensor:
        """Multiply (…, in) with the weight, add the bias: (…, out)."""
        return F.linear(x, self.weight, self.bias)


LinearFactory = Callable[[int, int], GroupLinear]
"""(in_features, out_features) -> a layer; what makes a network dense, thresholded or 2:4."""


def grouped_linear(parts: Sequence[Tensor], weights: Tensor, bias: Tensor) -> list[Tensor]:
    """Apply each group's weight to its own contiguous rows: G plain products, no weight copied per row.

    Args:
        parts: G tensors (R_g, in).
        weights: (G, out, in).
        bias: (out,), shared by all groups, or (G, out).

    Returns:
        G tensors (R_g, out).
    """
    biases = bias.expand(len(weights), -1)
    return [F.linear(*of_group) for of_group in zip(parts, weights.unbind(0), biases.unbind(0), strict=True)]
