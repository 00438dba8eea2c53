"""Replay of whole episodes, kept at their real length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from algorithms.protocol import EpisodeBatch


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

    def __post_init__(self) -> None:
        length = len(self.reward)
        wrong = [name for name in ("obs", "state", "action_mask") if len(getattr(self, name)) != length + 1]
        if length == 0 or len(self.actions) != length or wrong:
            raise ValueError(
                f"an episode of {length} rewards and {len(self.actions)} actions holds "
                f"{len(self.obs)} obs, {len(self.state)} states and {len(self.action_mask)} action masks; "
                "give L ≥ 1 rewards and actions, and L + 1 of the others (the last view included)"
            )


class EpisodeReplay:
    """The most recent episodes, sampled uniformly without replacement.

    Episodes are copied on insertion, so the caller may reuse its arrays.

    Args:
        capacity: episodes kept; the oldest is overwritten first.
        seed: of the sampling.

    Raises:
        ValueError: capacity is below 1, or more episodes are asked for than are held.
    """

    def __init__(self, capacity: int, seed: int) -> None:
        if capacity < 1:
            raise ValueError(f"replay capacity is {capacity} episodes, it must be at least 1; for example 5000")
        self.capacity = capacity
        self.inserted = 0
        self._episodes: list[Episode] = []
        self._rng = np.random.default_rng(np.random.SeedSequence([seed, 1]))

    def __len__(self) -> int:
        return len(self._episodes)

    def insert(self, episode: Episode) -> None:
        """Keep a copy of the episode, dropping the oldest one when full."""
        kept = Episode(
            obs=np.array(episode.obs, np.float32),
            state=np.array(episode.state, np.float32),
            action_mask=np.array(episode.action_mask, np.bool_),
            actions=np.array(episode.actions, np.int16),
            reward=np.array(episode.reward, np.float32),
            terminated=bool(episode.terminated),
            truncated=bool(episode.truncated),
            unit_type=np.array(episode.unit_type, np.int64),
        )
        if len(self._episodes) < self.capacity:
            self._episodes.append(kept)
        else:
            self._episodes[self.inserted % self.capacity] = kept
        self.inserted += 1

    def can_sample(self, batch_size: int) -> bool:
        """Whether at least ``batch_size`` episodes are held."""
        return len(self._episodes) >= batch_size

    def sample(self, batch_size: int, device: torch.device | str = "cpu") -> EpisodeBatch:
        """Draw distinct episodes and pad them to the longest of them."""
        if not self.can_sample(batch_size):
            raise ValueError(
                f"{batch_size} episodes were asked for and {len(self)} are held; wait until can_sample({batch_size})"
            )
        chosen = self._rng.choice(len(self._episodes), size=batch_size, replace=False)
        return collate([self._episodes[i] for i in chosen], device)

    def state_dict(self, *, contents: bool = False) -> dict[str, Any]:
        """Give the generator's state and counters, with ``contents`` the episodes too."""
        saved: dict[str, Any] = {"rng": self._rng.bit_generator.state, "inserted": self.inserted}
        if contents:
            saved["episodes"] = list(self._episodes)
        return saved

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what ``state_dict`` gave; without contents the replay starts empty and has to be filled again."""
        self._rng.bit_generator.state = saved["rng"]
        self._episodes = list(saved.get("episodes", []))
        self.inserted = saved["inserted"] if "episodes" in saved else 0


def collate(episodes: list[Episode], device: torch.device | str = "cpu") -> EpisodeBatch:
    """Pad episodes to the longest: zeros, and action 0 as the only legal action of a padded view."""
    first = episodes[0]
    batch, longest = len(episodes), max(len(e.reward) for e in episodes)
    obs = np.zeros((batch, longest + 1, *first.obs.shape[1:]), np.float32)
    state = np.zeros((batch, longest + 1, *first.state.shape[1:]), np.float32)
    action_mask = np.zeros((batch, longest + 1, *first.action_mask.shape[1:]), np.bool_)
    action_mask[..., 0] = True
    actions = np.zeros((batch, longest, *first.actions.shape[1:]), np.int64)
    reward = np.zeros((batch, longest), np.float32)
    terminated, truncated, filled = (np.zeros((batch, longest), np.bool_) for _ in range(3))
    for i, episode in enumerate(episodes):
        length = len(episode.reward)
        obs[i, : length + 1] = episode.obs
        state[i, : length + 1] = episode.state
        action_mask[i, : length + 1] = episode.action_mask
        actions[i, :length] = episode.actions
        reward[i, :length] = episode.reward
        filled[i, :length] = True
        terminated[i, length - 1] = episode.terminated
        truncated[i, length - 1] = episode.truncated

    def tensor(array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(device)

    return EpisodeBatch(
        obs=tensor(obs),
        state=tensor(state),
        action_mask=tensor(action_mask),
        actions=tensor(actions),
        reward=tensor(reward),
        terminated=tensor(terminated),
        truncated=tensor(truncated),
        filled=tensor(filled),
        unit_type=tensor(np.stack([e.unit_type for e in episodes])),
    )
