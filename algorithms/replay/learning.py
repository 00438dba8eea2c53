"""Learning from a replay: what every off-policy learner does with its episodes."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from algorithms.episode import Episode, EpisodeBatch
from algorithms.protocol import Algorithm, Diagnostics, Restored
from algorithms.replay.replay import EpisodeReplay


class ReplayLearner(Algorithm):
    """Keeps the latest episodes and makes an update for every few that end, once there is a full batch.

    Its config holds ``buffer_size`` (episodes kept), ``batch_size`` (episodes per update) and ``episodes_per_update``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.replay = EpisodeReplay(self.config.buffer_size, self.seed)
        self._pending = 0
        """episodes that no update has answered yet"""

    @abstractmethod
    def update(self, batch: EpisodeBatch, env_steps: int) -> Diagnostics:
        """Make one gradient step on B episodes; see ``Algorithm.learn`` for what is returned."""

    def observe(self, episode: Episode) -> None:
        """Insert the episode into the replay, in place of the oldest where it is full."""
        self.replay.insert(episode)
        self._pending += 1

    def learn(self, env_steps: int) -> Diagnostics | None:
        """Make one update if ``episodes_per_update`` episodes have ended since the last, and the replay has a batch."""
        self.env_steps = env_steps
        while self._pending >= self.config.episodes_per_update:
            self._pending -= self.config.episodes_per_update
            if self.replay.can_sample(self.config.batch_size):
                return self.update(self.replay.sample(self.config.batch_size, self.device), env_steps)
        return None

    @property
    def experience_bytes(self) -> int:
        """Bytes of the packed episodes."""
        return self.replay.content_bytes

    def experience(self, *, contents: bool) -> dict[str, Any]:
        """Return the replay, with its episodes if ``contents``."""
        return {"replay": self.replay.state_dict(contents=contents), "pending": self._pending}

    def load_experience(self, saved: dict[str, Any]) -> Restored:
        self._pending = saved["pending"]
        if self.replay.load_state_dict(saved["replay"]):
            return Restored(complete=True, message=f", its replay of {len(self.replay):,} episodes included")
        return Restored(
            complete=False,
            message=(
                "; its checkpoint is without the replay, which refills first: updates go on after "
                f"{self.config.batch_size} episodes"
            ),
        )
