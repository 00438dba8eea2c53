"""TD(λ) targets for whole episodes, as pure functions."""

from __future__ import annotations

import torch
from torch import Tensor


def td_lambda_targets(
    reward: Tensor, next_value: Tensor, ended: Tensor, filled: Tensor, *, gamma: float, td_lambda: float
) -> Tensor:
    """Compute λ-returns backwards through each episode.

    ``G_t = r_t + γ ((1 − λ) V_{t+1} + λ G_{t+1})``; nothing follows a step where ``ended`` is true, and a last step
    that did not end the episode bootstraps from ``V_{t+1}`` alone.

    Args:
        reward: (B, T) float.
        next_value: (B, T) float, V of the view after each step.
        ended: (B, T) bool, no future beyond this step.
        filled: (B, T) bool, real steps; each row is true up to the episode's length and false after it.
        gamma: discount per env_step, 0..1.
        td_lambda: 0 gives one-step targets, 1 the Monte-Carlo return.

    Returns:
        (B, T) float, 0 on padded steps.

    Source: Sutton & Barto, Reinforcement Learning, 2nd edition, section 12.1; the backward form is PyMARL2's.
    Deviation: PyMARL2 bootstraps a cut episode only where it is as long as the batch; here from its own last view.
    """
    discount = gamma * (~ended).to(reward.dtype)
    mask = filled.to(reward.dtype)
    has_next = torch.zeros_like(filled)
    has_next[:, :-1] = filled[:, 1:]
    weight = td_lambda * has_next.to(reward.dtype)  # λ where a next step exists, 0 on the last one
    bootstrap_term = ((reward + discount * (1.0 - weight) * next_value) * mask).t().contiguous()
    lambda_term = (discount * weight * mask).t().contiguous()
    returns = torch.empty_like(bootstrap_term)
    g_next = torch.zeros_like(bootstrap_term[0])
    for t in range(reward.shape[1] - 1, -1, -1):
        g_next = torch.addcmul(bootstrap_term[t], lambda_term[t], g_next, out=returns[t])
    return returns.t()
