"""Evaluation battles: the same for every policy, a fixed quota per slot so that short ones are not favoured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from algorithms.protocol import Algorithm
from envs.protocol import BatchedEnv
from harness.policies.scripted import NewBattles, Policy
from harness.runs.rollout import Seen, act, forget
from harness.stats.closed_form import wilson
from harness.stats.interval import Interval
from studies.rows import EpisodeOutcome


def no_progress(battles: int) -> None:
    """Progress callback that does nothing."""


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
    def win_rate(self) -> Interval:
        """Wins / finished battles with Wilson's 95% interval.

        Raises:
            ValueError: no battle finished.
        """
        return wilson(self.wins, len(self.finished))

    @property
    def mean_return(self) -> float:
        """Mean undiscounted return of the finished battles; NaN if every battle aborted."""
        return float(np.mean([outcome.episode_return for outcome in self.finished])) if self.finished else float("nan")


@dataclass(frozen=True, kw_only=True)
class Battle:
    """One battle from beginning to end."""

    outcome: EpisodeOutcome
    dead_allies: int
    """When it ended."""
    dead_enemies: int


class Greedy:
    """A trained algorithm as a policy: greedy, its memory cleared when a slot begins another battle."""

    def __init__(self, algorithm: Algorithm, num_envs: int) -> None:
        self._algorithm, self.num_envs = algorithm, num_envs
        self._new_battles = NewBattles()
        self._state = algorithm.initial_state(num_envs)

    def __call__(self, env: BatchedEnv) -> NDArray[np.int64]:
        """The algorithm's actions (E, N)."""
        forget(self._algorithm, self._state, self._new_battles(env))
        return self.act(env)

    def act(self, seen: BatchedEnv | Seen) -> NDArray[np.int64]:
        """Return actions (E, N) as the battles go on."""
        decision = act(self._algorithm, seen, self._state, explore=False)
        self._state = decision.state
        actions: NDArray[np.int64] = decision.actions.cpu().numpy()
        return actions


def evaluate_greedily(
    algorithm: Algorithm, env: BatchedEnv, *, episodes: int, seed: int, on_battles: Callable[[int], None] = no_progress
) -> Evaluation:
    """Play ``episodes`` greedy battles of an algorithm, of which nothing changes; all else as in ``play``."""
    battles = play(Greedy(algorithm, env.num_envs), env, episodes=episodes, seed=seed, on_battles=on_battles)
    return Evaluation(outcomes=tuple(battle.outcome for battle in battles))


def play(
    policy: Policy, env: BatchedEnv, *, episodes: int, seed: int, on_battles: Callable[[int], None] = no_progress
) -> list[Battle]:
    """Play ``episodes`` battles from a seed.

    Every slot plays the same number of battles. Taking whichever battles end first instead would prefer short ones,
    and short ones are not won as often as long ones.

    Args:
        policy: acts; fresh, so that it remembers no earlier battle.
        env: used for nothing else; it is reset to ``seed`` first.
        episodes: a multiple of ``env.num_envs``.
        seed: which battles; equal seeds give every policy the same ones.
        on_battles: called with the number of battles that have just ended.

    Returns:
        All battles, ordered by slot, then battle.

    Raises:
        ValueError: ``episodes`` does not divide evenly among the slots.
    """
    e = env.num_envs
    if episodes < 1 or episodes % e:
        raise ValueError(f"{episodes} evaluation episodes do not divide among {e} slots; use a multiple of {e}")
    quota = episodes // e
    env.reset(seed)
    returns, lengths = np.zeros(e), np.zeros(e, np.int64)
    per_slot: list[list[Battle]] = [[] for _ in range(e)]
    while min(map(len, per_slot)) < quota:
        battle_id = env.battle_id.copy()
        env.step(policy(env))
        returns += env.reward
        lengths += 1
        ended = np.flatnonzero(env.terminated | env.truncated | env.aborted)
        if not ended.size:
            continue
        counted = [slot for slot in ended.tolist() if len(per_slot[slot]) < quota]
        for slot in counted:
            per_slot[slot].append(_battle(env, slot, int(battle_id[slot]), returns[slot], int(lengths[slot])))
        on_battles(len(counted))
        returns[ended], lengths[ended] = 0.0, 0
    return [battle for battles in per_slot for battle in battles]


def _battle(env: BatchedEnv, slot: int, battle_id: int, episode_return: float, length: int) -> Battle:
    aborted = bool(env.aborted[slot])
    outcome = EpisodeOutcome(
        slot=slot,
        battle_id=battle_id,
        won=bool(env.battle_won[slot]) and not aborted,
        lost=bool(env.battle_lost[slot]) and not aborted,
        truncated=bool(env.truncated[slot]) and not aborted,
        aborted=aborted,
        episode_return=float(episode_return),
        length=length,
    )
    return Battle(outcome=outcome, dead_allies=int(env.dead_allies[slot]), dead_enemies=int(env.dead_enemies[slot]))
