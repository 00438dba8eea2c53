"""The content of a policy file, for policies that no run has trained."""

from __future__ import annotations

import dataclasses
from typing import Any

import algorithms.registry
import envs.registry
from algorithms.q_learning.learner import QLearner


def untrained_policy(algorithm: str, scenario: str, **settings: Any) -> QLearner:
    """Return a fresh learner with these settings."""
    spec, config = envs.registry.make(scenario, 1, seed=0).spec, algorithms.registry.config_class(algorithm)(**settings)
    return algorithms.registry.make(algorithm, spec, config, total_env_steps=100, seed=3)


def content_of(policy: QLearner, *, env_steps: int = 100) -> dict[str, Any]:
    """Return what a run with this learner leaves in ``policy.pt``."""
    identity = {
        "algorithm": {"name": policy.name, **dataclasses.asdict(policy.config)},
        "env": {"scenario": policy.spec.id, "fight": {}},
        "train": {"env_steps": env_steps},
    }
    return {"identity": identity, "algorithm": policy.state_dict(), "env_steps": env_steps}
