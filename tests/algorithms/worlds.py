"""A small world's shape and random episodes that fit it, for tests of learners."""

from __future__ import annotations

import dataclasses
from operator import eq
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from algorithms import registry
from algorithms.episode import Episode, EpisodeBatch, collate
from algorithms.k24 import K24
from algorithms.q_learning.learner import QLearner
from envs.spec import EnvSpec

SPEC = EnvSpec(
    id="toy", n_agents=3, n_enemies=2, n_actions=6, obs_size=8, state_size=10, episode_limit=12,
    unit_types=("marine", "marauder", "medivac"),
)  # fmt: skip
"""Input width 8 + 6 + 3 = 17: the last group of four of fc1 holds one real entry."""

SINGLE_TYPE = dataclasses.replace(SPEC, id="toy_single_type", unit_types=("marine",))


Q_LEARNERS = [id for id in registry.ids() if issubclass(registry.algorithm_class(id), QLearner)]
"""The algorithms that ``learner`` makes."""


ALL_PARTS: dict[str, Any] = {
    **{"noise": True, "straight_through": False, "score_activation": True},
    **{"div_coef": 0.1, "reset_ratio": None, "finetune_start_ratio": 0.8},
}
"""Settings of K24 with every part of its description at work, most of which its defaults leave out."""


RUN = 1005
"""env_steps of a short run, a ten-thousandth of the published one: K24 resets each 50 of them and freezes at 804."""


def settings(id: str, **changes: object) -> object:
    """A small config of one algorithm."""
    small: dict[str, object] = {"rnn_hidden_dim": 16, "mixing_embed_dim": 8, "hypernet_embed": 8, "batch_size": 4}
    config_class = registry.config_class(id)
    known = {field.name for field in dataclasses.fields(config_class)}
    return config_class(**{**{name: value for name, value in small.items() if name in known}, **changes})


def learner(
    id: str, spec: EnvSpec = SPEC, *, total_env_steps: int = 10_050_000, seed: int = 0, **changes: object
) -> QLearner:
    """A small fresh learner."""
    made = registry.make(id, spec, settings(id, **changes), total_env_steps=total_env_steps, seed=seed)
    assert isinstance(made, QLearner)
    return made


def k24(seed: int = 0, **changes: object) -> K24:
    """K24 with every part at work, in a short run."""
    made = learner("k24", total_env_steps=RUN, seed=seed, **{**ALL_PARTS, **changes})
    assert isinstance(made, K24)
    return made


def episode(rng: np.random.Generator, length: int, spec: EnvSpec = SPEC, *, deaths: bool = True) -> Episode:
    """A random episode with legal actions; units die one by one where ``deaths`` is set."""
    views = length + 1
    action_mask = rng.random((views, spec.n_agents, spec.n_actions)) < 0.6
    action_mask[..., 0] = False
    action_mask[..., 1] = True
    if deaths:
        dies_at = rng.integers(1, 2 * views, spec.n_agents)
        dead = np.arange(views)[:, None] >= dies_at
        action_mask[dead] = np.eye(spec.n_actions, dtype=bool)[0]
    draws = rng.random(action_mask.shape)
    return Episode(
        obs=rng.standard_normal((views, spec.n_agents, spec.obs_size), np.float32),
        state=rng.standard_normal((views, spec.state_size), np.float32),
        action_mask=action_mask,
        actions=np.where(action_mask, draws, -1.0).argmax(-1)[:-1],
        reward=rng.random(length, np.float32),
        terminated=bool(rng.random() < 0.7),
        truncated=False,
        unit_type=rng.integers(0, max(1, len(spec.unit_types)), spec.n_agents),
    )


def batch(seed: int = 0, spec: EnvSpec = SPEC, lengths: tuple[int, ...] = (7, 3, 12, 5)) -> EpisodeBatch:
    """A padded batch of random episodes."""
    rng = np.random.default_rng(seed)
    return collate([episode(rng, length, spec) for length in lengths])


def train(made: QLearner, updates: int, env_steps: int = 0) -> None:
    """Learn from so many random batches, each another one."""
    for seed in range(updates):
        made.update(batch(seed), env_steps)


def check_mask24(mask: torch.Tensor, name: str = "mask") -> None:
    """Assert that a mask of 0 and 1 keeps two of every four inputs; of a last group with r < 4 entries min(2, r)."""
    assert ((mask == 0) | (mask == 1)).all(), f"{name} holds values other than 0 and 1"
    padding = -mask.shape[-1] % 4
    kept = F.pad(mask.long(), (0, padding)).unflatten(-1, (-1, 4)).sum(-1)
    expected = torch.full_like(kept, 2)
    expected[..., -1] = min(2, 4 - padding)
    assert torch.equal(kept, expected), f"{name} does not keep two of four: {(kept != expected).nonzero().tolist()}"


def same_parameters(a: QLearner, b: QLearner) -> bool:
    """Whether two learners' networks and mixers are equal bit for bit."""
    mine, theirs = ({**x.net.state_dict(), **x.mixer.state_dict()} for x in (a, b))
    same = (torch.equal if isinstance(each, torch.Tensor) else eq for each in mine.values())
    return all(equal(mine[name], theirs[name]) for name, equal in zip(mine, same, strict=True))
