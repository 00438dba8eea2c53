"""Greedy battles, the same ones for every algorithm, counted without favouring the short ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from algorithms.protocol import Algorithm
from envs.protocol import BatchedEnv
from harness.policies import NewBattles
from harness.rollout import act, restart
from studies.rows import EpisodeOutcome


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """All battles of one evaluation, ordered by slot, then battle."""

    outcomes: tuple[EpisodeOutcome, ...]

    @property
    def finished(self) -> list[EpisodeOutcome]:
        return [outcome for outcome in self.outcomes if not outcome.aborted]

    @property
    def wins(self) -> int:
        return sum(outcome.won for outcome in self.outcomes)

    @property
    def aborted(self) -> int:
        return sum(outcome.aborted for outcome in self.outcomes)

    @property
    def win_rate(self) -> float:
        """Wins / finished battles; NaN if every battle aborted."""
        return self.wins / len(self.finished) if self.finished else float("nan")

    @property
    def mean_return(self) -> float:
        """Over finished battles; NaN if every battle aborted."""
        return float(np.mean([outcome.episode_return for outcome in self.finished])) if self.finished else float("nan")


class Greedy:
    """A trained algorithm as a policy: epsilon 0, its memory cleared when a slot begins another battle."""

    def __init__(self, algorithm: Algorithm, num_envs: int) -> None:
        self._algorithm = algorithm
        self._new_battles = NewBattles()
        self._hidden = algorithm.initial_hidden(num_envs)
        shape = (num_envs, algorithm.spec.n_agents)
        self._last_action = torch.full(shape, -1, dtype=torch.int64, device=algorithm.device)

    def __call__(self, env: BatchedEnv) -> NDArray[np.int64]:
        """The algorithm's actions (E, N)."""
        restart(self._new_battles(env), self._last_action, self._hidden)
        self._last_action, self._hidden = act(self._algorithm, env, self._last_action, self._hidden, epsilon=0.0)
        actions: NDArray[np.int64] = self._last_action.cpu().numpy()
        return actions


def evaluate(algorithm: Algorithm, env: BatchedEnv, *, episodes: int, seed: int) -> Evaluation:
    """Play ``episodes`` greedy battles from a seed.

    Every slot plays the same number of battles. Taking whichever battles end first instead would prefer short ones,
    and short ones are not won as often as long ones.

    Args:
        algorithm: acts with epsilon 0; nothing of it changes.
        env: used for nothing else; it is reset to ``seed`` first.
        episodes: a multiple of ``env.num_envs``.
        seed: which battles; equal seeds give every algorithm the same ones.

    Raises:
        ValueError: ``episodes`` does not divide evenly among the slots.
    """
    e, n = env.num_envs, env.spec.n_agents
    if episodes < 1 or episodes % e:
        raise ValueError(f"{episodes} evaluation episodes do not divide among {e} slots; use a multiple of {e}")
    quota = episodes // e
    env.reset(seed)
    hidden = algorithm.initial_hidden(e)
    last_action = torch.full((e, n), -1, dtype=torch.int64, device=algorithm.device)
    returns, lengths = np.zeros(e), np.zeros(e, np.int64)
    per_slot: list[list[EpisodeOutcome]] = [[] for _ in range(e)]
    while min(map(len, per_slot)) < quota:
        battle_id = env.battle_id.copy()
        last_action, hidden = act(algorithm, env, last_action, hidden, epsilon=0.0)
        env.step(last_action.cpu().numpy())
        returns += env.reward
        lengths += 1
        ended = np.flatnonzero(env.terminated | env.truncated | env.aborted)
        if not ended.size:
            continue
        for slot in ended.tolist():
            if len(per_slot[slot]) < quota:
                per_slot[slot].append(_outcome(env, slot, int(battle_id[slot]), returns[slot], int(lengths[slot])))
        returns[ended], lengths[ended] = 0.0, 0
        restart(ended, last_action, hidden)
    return Evaluation(outcomes=tuple(outcome for battles in per_slot for outcome in battles))


def _outcome(env: BatchedEnv, slot: int, battle_id: int, episode_return: float, length: int) -> EpisodeOutcome:
    aborted = bool(env.aborted[slot])
    return EpisodeOutcome(
        slot=slot,
        battle_id=battle_id,
        won=bool(env.battle_won[slot]) and not aborted,
        lost=bool(env.battle_lost[slot]) and not aborted,
        truncated=bool(env.truncated[slot]) and not aborted,
        aborted=aborted,
        episode_return=float(episode_return),
        length=length,
    )
