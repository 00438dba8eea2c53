"""Algorithms of a user's own, derived from QMIX: what they change takes effect on a processor, and runs repeat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from algorithms import registry
from algorithms.qmix import QMix, QMixConfig
from tests.algorithms.worlds import SPEC, batch, learner


class Weighted(QMix):
    """Errors count a tenth where the joint value is too large, as in weighted QMIX."""

    def td_loss(self, error: Tensor, filled: Tensor) -> Tensor:
        return super().td_loss(error * torch.where(error > 0, 0.1**0.5, 1.0), filled)


class OneStep(QMix):
    def td_targets(self, reward: Tensor, next_value: Tensor, ended: Tensor, filled: Tensor) -> Tensor:
        return (reward + self.config.gamma * ~ended * next_value) * filled


class Unchanged(QMix):
    """Overrides both and changes neither."""

    def td_loss(self, error: Tensor, filled: Tensor) -> Tensor:
        return super().td_loss(error, filled)


class PlainMixer(nn.Module):
    """Modules that are given no generator."""

    def __init__(self, n_agents: int, state_size: int) -> None:
        super().__init__()
        self.weights = nn.Linear(state_size, n_agents)

    def forward(self, q: Tensor, state: Tensor) -> Tensor:
        return (q * self.weights(state).abs()).sum(-1)


class Mixed(QMix):
    def make_mixer(self) -> PlainMixer:  # type: ignore[override]
        return PlainMixer(self.spec.n_agents, self.spec.state_size)


@dataclass(frozen=True, kw_only=True)
class OwnConfig(QMixConfig):
    own: float = 0.5


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    with registry._table().preserved():
        for made in (Weighted, OneStep, Unchanged, Mixed):
            registry.register(made.__name__, base="qmix", entry_point=made, summary="a test's")
        yield


def loss(id: str, **settings: object) -> float:
    return float(learner(id, **settings).update(batch(seed=1), 0)["td_loss"])


def test_a_loss_of_ones_own_is_used() -> None:
    assert 0.1 * loss("qmix") < loss("Weighted") < 0.99 * loss("qmix")


def test_targets_of_ones_own_are_used() -> None:
    assert loss("OneStep") == pytest.approx(loss("qmix", td_lambda=0.0), rel=1e-4)
    assert loss("OneStep") != pytest.approx(loss("qmix"), rel=1e-2)


def test_a_class_that_changes_nothing_has_the_same_loss() -> None:
    """By other operations: the compiled ones are left where the loss might be another."""
    assert loss("Unchanged") == pytest.approx(loss("qmix"), rel=1e-4)
    assert learner("Unchanged")._compiled_mixer is None
    assert learner("qmix")._compiled_mixer is not None


def test_modules_without_a_generator_start_from_the_seed() -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first, again, other = (learner("Mixed", seed=seed).mixer.weights.weight for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.rand(1), expected), "the global generator is where it was"


def smoke_of(id: str, **row: object) -> object:
    registry.register(id, entry_point=QMix, summary="a test's", **row)  # type: ignore[arg-type]
    return registry.entry(id).smoke


def test_short_runs_take_the_settings_of_the_config_it_has_or_derives_from() -> None:
    assert smoke_of("none", config=QMixConfig, smoke={}) == {}
    assert smoke_of("same", config=QMixConfig) == {"batch_size": 8}, "of the first row with this config"
    assert smoke_of("derived", config=OwnConfig) == {"batch_size": 8}
    assert registry.make("derived", SPEC, total_env_steps=10, seed=2**64).config == OwnConfig()


def test_short_runs_leave_alone_what_a_row_sets() -> None:
    assert smoke_of("held", base="qmix", config=OwnConfig, fixed={"batch_size": 64}) == {}
