"""One finished episode, and how several become a padded batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Episode:
    """One finished episode of L env_steps; arrays with L+1 entries hold the last view as well."""

    obs: np.ndarray
    """(L+1, N, D) float32"""
    state: np.ndarray
    """(L+1, S) float32"""
    action_mask: np.ndarray
    """(L+1, N, A) bool"""
    actions: np.ndarray
    """(L, N) integer"""
    reward: np.ndarray
    """(L,) float32"""
    terminated: bool
    """the fight ended on the last step"""
    truncated: bool
    """the step limit cut it on the last step"""
    unit_type: np.ndarray
    """(N,) integer"""
    record: dict[str, np.ndarray] = field(default_factory=dict)
    """name -> (L, …): what the policy gave to be stored with its actions, see ``protocol.Decision``"""

    def __post_init__(self) -> None:
        length = len(self.reward)
        wrong = [name for name in ("obs", "state", "action_mask") if len(getattr(self, name)) != length + 1]
        if length == 0 or len(self.actions) != length or wrong:
            raise ValueError(
                f"an episode of {length} rewards and {len(self.actions)} actions holds "
                f"{len(self.obs)} obs, {len(self.state)} states and {len(self.action_mask)} action masks; "
                "give L ≥ 1 rewards and actions, and L + 1 of the others (the last view included)"
            )


@dataclass(frozen=True, kw_only=True)
class EpisodeBatch:
    """B whole episodes, padded to the longest (T env_steps); arrays with T+1 entries hold the last view as well.

    ``filled`` and ``unit_type`` lie on the CPU whatever the device of the others: they decide the shapes of the work,
    which the host has to know, and asking a GPU would make it wait.
    """

    obs: Tensor
    """(B, T+1, N, D) float32"""
    state: Tensor
    """(B, T+1, S) float32"""
    action_mask: Tensor
    """(B, T+1, N, A) bool"""
    actions: Tensor
    """(B, T, N) int64"""
    reward: Tensor
    """(B, T) float32"""
    terminated: Tensor
    """(B, T) bool: the fight ended at this step, the episode's last; a time limit leaves it false"""
    truncated: Tensor
    """(B, T) bool: the step limit cut the episode at this step, its last"""
    filled: Tensor
    """(B, T) bool: real steps, not padding; on the CPU"""
    unit_type: Tensor
    """(B, N) int64; on the CPU"""

    def ended(self, *, bootstrap_at_limit: bool) -> Tensor:
        """Return the steps (B, T) bool that nothing follows: the last of each episode.

        Args:
            bootstrap_at_limit: leave out those where a time limit cut the episode.
        """
        if bootstrap_at_limit:
            return self.terminated
        last = self.filled.clone()
        last[:, :-1] &= ~self.filled[:, 1:]
        return last


def collate(episodes: Sequence[Episode], device: torch.device | str = "cpu") -> EpisodeBatch:
    """Pad episodes to the longest: zeros, and action 0 as the only legal action of a padded view.

    The plain definition of a batch; ``EpisodeReplay.sample`` gives the same from packed episodes.

    Args:
        episodes: of one world.
        device: where the batch's large tensors go, see ``EpisodeBatch``.
    """
    lengths = np.array([len(episode.reward) for episode in episodes])[:, None]
    step = np.arange(lengths.max() + 1)
    last = step[:-1] == lengths - 1

    def padded(name: str, kind: type) -> np.ndarray:
        arrays = [getattr(episode, name) for episode in episodes]
        out = np.zeros((len(arrays), max(map(len, arrays)), *arrays[0].shape[1:]), kind)
        for row, array in zip(out, arrays, strict=True):
            row[: len(array)] = array
        return out

    action_mask = padded("action_mask", np.bool_)
    action_mask[..., 0] |= (step > lengths)[..., None]

    def tensor(array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(device)

    return EpisodeBatch(
        obs=tensor(padded("obs", np.float32)),
        state=tensor(padded("state", np.float32)),
        action_mask=tensor(action_mask),
        actions=tensor(padded("actions", np.int64)),
        reward=tensor(padded("reward", np.float32)),
        terminated=tensor(last & np.array([[episode.terminated] for episode in episodes])),
        truncated=tensor(last & np.array([[episode.truncated] for episode in episodes])),
        filled=torch.from_numpy(step[:-1] < lengths),
        unit_type=torch.from_numpy(np.stack([episode.unit_type for episode in episodes]).astype(np.int64)),
    )
