"""The QMIX mixer: agents' Q-values to one Q_tot, monotone in each of them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from algorithms.kernels.mixer_kernels import MixerKernels
from algorithms.kernels.mixing_pass import mixer_sizes
from algorithms.network.layers import DenseLinear


class QMixer(nn.Module):
    """State-conditioned monotone mixing with two-layer hypernetworks.

    ``Q_tot = |w2(s)| · elu(|w1(s)| q + b1(s)) + b2(s)``. The four hypernetworks read the same state, so their first
    layers are kept as one matrix and run as one product.

    Args:
        n_agents: N.
        state_size: S.
        embed: width of the mixing layer.
        hypernet: hidden width of the two weight hypernetworks.
        generator: draws the initial parameters.

    Source: Rashid et al., QMIX, ICML 2018 (arXiv 1803.11485); layer sizes as in PyMARL2's ``nmix``.
    """

    def __init__(self, n_agents: int, state_size: int, embed: int, hypernet: int, generator: torch.Generator) -> None:
        super().__init__()
        self.n_agents = n_agents
        self.embed = embed
        self.kernels = MixerKernels(mixer_sizes(state=state_size, agents=n_agents, embed=embed, hypernet=hypernet))
        self.split = [hypernet, hypernet, embed, embed]
        self.first = DenseLinear(state_size, sum(self.split), generator)
        self.w1 = DenseLinear(hypernet, n_agents * embed, generator)
        self.w2 = DenseLinear(hypernet, embed, generator)
        self.b2 = DenseLinear(embed, 1, generator)

    def forward(self, q: Tensor, state: Tensor) -> Tensor:
        """Mix (V, N) agent values with their (V, S) states into (V,) joint values."""
        for_w1, for_w2, b1, for_b2 = self.first(state).split(self.split, dim=-1)
        w1 = self.w1(F.relu(for_w1)).abs().view(-1, self.n_agents, self.embed)
        w2 = self.w2(F.relu(for_w2)).abs()
        hidden = F.elu(torch.baddbmm(b1.unsqueeze(1), q.unsqueeze(1), w1)).squeeze(1)
        return (hidden * w2).sum(-1) + self.b2(F.relu(for_b2)).squeeze(-1)
