"""A policy by rule for the fake world, which writes down what it was shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from algorithms.episode import EpisodeBatch
from algorithms.protocol import Decision, Observation, PolicyState, Sparsity
from algorithms.replay.learning import ReplayLearner
from envs.spec import EnvSpec
from tests.harness.fake_env import N_ACTIONS, FakeEnv


@dataclass(frozen=True, kw_only=True)
class RuleConfig:
    """Settings of the rule."""

    right: bool = True
    """Take the action that is shown; otherwise action 0."""
    batch_size: int = 4
    """Episodes per update."""
    buffer_size: int = 100
    """Episodes kept."""
    episodes_per_update: int = 4
    """Episodes between updates."""
    fail_at: int = 0
    """env_steps after which an update raises; 0: never."""
    word: str | None = None
    """No number; changes nothing."""


class RuleAlgorithm(ReplayLearner):
    """Hidden rows count the steps of a battle, so that a test sees whether they are zeroed."""

    def __init__(
        self,
        name: str,
        spec: EnvSpec,
        config: RuleConfig,
        *,
        total_env_steps: int = 100,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        device = torch.device(device)
        super().__init__(name, spec, config, total_env_steps=total_env_steps, seed=seed, device=device)
        self.seed = seed
        self.updates: list[int] = []
        self.shown: list[dict[str, Tensor]] = []

    def initial_state(self, num_envs: int) -> PolicyState:
        shape = (num_envs, self.spec.n_agents)
        return {"hidden": torch.zeros(*shape, 1), "last_action": torch.full(shape, -1)}

    def act(self, observation: Observation, state: PolicyState, *, explore: bool) -> Decision:
        self.shown.append({name: rows.clone() for name, rows in state.items()})
        right = observation.obs[..., :N_ACTIONS].argmax(-1)
        actions = right if self.config.right else torch.zeros_like(right)
        return Decision(
            actions=actions,
            state={"hidden": state["hidden"] + 1, "last_action": actions},
            record={"age": state["hidden"][..., 0]} if explore else {},
        )

    def update(self, batch: EpisodeBatch, env_steps: int) -> dict[str, float]:
        if self.config.fail_at and env_steps > self.config.fail_at:
            raise RuntimeError("the rule broke on purpose")
        self.updates.append(env_steps)
        return {"loss": 1.0 / len(self.updates), "drawn": float(len(batch.filled))}

    def advance(self, env_steps: int) -> list[str]:
        super().advance(env_steps)
        return ["half way"] if env_steps == self.total_env_steps // 2 else []

    def schedule(self) -> dict[str, float]:
        return {"total_env_steps": float(self.total_env_steps)}

    def sparsity(self) -> Sparsity:
        return Sparsity(masked_layers=0.5, whole_model=0.25, per_layer={"fc": [0.5]})

    def diagnostics(self) -> dict[str, float]:
        rate = 1.0 - self.env_steps / self.total_env_steps
        return {"updates_seen": float(len(self.updates)), "epsilon": rate}

    def masked_weights(self) -> dict[str, Tensor]:
        return {"fc": torch.tensor([[[1.0, 0.0, 0.0, 2.0]]])}

    def state_dict(self) -> dict[str, Any]:
        return {"updates": list(self.updates), "env_steps": self.env_steps}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        self.updates, self.env_steps = list(saved["updates"]), saved["env_steps"]


def rule(env: FakeEnv | None = None, **settings: Any) -> RuleAlgorithm:
    """Return the rule for a fake world."""
    return RuleAlgorithm("rule", (env or FakeEnv(1, 0)).spec, RuleConfig(**settings))


def register_rule(id: str = "rule") -> None:
    """Put the rule into the registry, once."""
    from algorithms import registry

    if id not in registry.ids():
        registry.register(
            id,
            entry_point="tests.harness.fake_algorithm:RuleAlgorithm",
            config="tests.harness.fake_algorithm:RuleConfig",
            summary="a rule for tests",
            source="none",
            smoke={"batch_size": 8},
        )
