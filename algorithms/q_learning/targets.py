"""TD(λ) targets for whole episodes, as pure functions."""

from __future__ import annotations

import torch
from torch import Tensor


def td_lambda_targets(
    reward: Tensor, next_value: Tensor, ended: Tensor, filled: Tensor, *, gamma: float, td_lambda: float
) -> Tensor:
    """λ-returns computed backwards through each episode.

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
    steps = reward.shape[1]
    keep = gamma * (~ended).to(reward.dtype)
    here = filled.to(reward.dtype)
    onward = torch.zeros_like(filled)
    onward[:, :-1] = filled[:, 1:]
    weight = td_lambda * onward.to(reward.dtype)  # λ where a next step exists, 0 on the last one
    fixed = ((reward + keep * (1.0 - weight) * next_value) * here).t().contiguous()
    carried = (keep * weight * here).t().contiguous()
    returns = torch.empty_like(fixed)
    following = torch.zeros_like(fixed[0])
    for t in range(steps - 1, -1, -1):
        following = torch.addcmul(fixed[t], carried[t], following, out=returns[t])
    return returns.t()
