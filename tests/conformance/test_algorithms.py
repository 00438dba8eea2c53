"""Every registered algorithm keeps the contract of ``algorithms.protocol.Algorithm``."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from algorithms import registry
from algorithms.protocol import Algorithm, EpisodeBatch
from algorithms.replay.replay import EpisodeReplay
from envs.spec import EnvSpec
from tests.algorithms.worlds import SINGLE_TYPE, SPEC, episode

WORLDS = {
    "types": SPEC,
    "agents": SINGLE_TYPE,
    "no types": dataclasses.replace(SPEC, unit_types=()),
    "one agent": dataclasses.replace(SPEC, n_agents=1, unit_types=()),
}
TOTAL = 2000


@pytest.fixture(params=registry.ids())
def id(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=WORLDS.values(), ids=WORLDS)
def spec(request: pytest.FixtureRequest) -> EnvSpec:
    world = request.param
    assert isinstance(world, EnvSpec)
    return world


def make(id: str, spec: EnvSpec, seed: int = 0) -> Algorithm:
    return registry.make(id, spec, total_env_steps=TOTAL, seed=seed)


def sampled(spec: EnvSpec, seed: int = 0, size: int = 6) -> EpisodeBatch:
    rng = np.random.default_rng(seed)
    replay = EpisodeReplay(size, seed)
    for _ in range(size):
        replay.insert(episode(rng, int(rng.integers(1, spec.episode_limit + 1)), spec))
    return replay.sample(size)


def act(made: Algorithm, epsilon: float, envs: int = 5) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(3)
    spec = made.spec
    mask = torch.rand(envs, spec.n_agents, spec.n_actions, generator=draw) < 0.4
    mask[..., 0] |= ~mask.any(-1)
    kinds = max(1, len(spec.unit_types))
    actions, hidden = made.act(
        torch.randn(envs, spec.n_agents, spec.obs_size, generator=draw),
        torch.randint(-1, spec.n_actions, (envs, spec.n_agents), generator=draw),
        mask,
        torch.randint(0, kinds, (envs, spec.n_agents), generator=draw),
        made.initial_hidden(envs),
        epsilon=epsilon,
    )
    return actions, hidden, mask


def test_the_table_names_what_it_should(id: str) -> None:
    row = registry.entry(id)
    assert row.summary
    assert row.source
    config = registry.config_class(id)()
    assert dataclasses.is_dataclass(config)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.lr = 1.0  # type: ignore[misc]
    for field in ("batch_size", "buffer_size", "episodes_per_update"):
        assert getattr(config, field) >= 1


def test_acts_legally(id: str, spec: EnvSpec) -> None:
    made = make(id, spec)
    for epsilon in (0.0, 0.5, 1.0):
        actions, hidden, mask = act(made, epsilon)
        assert actions.shape == (5, spec.n_agents)
        assert actions.dtype == torch.int64
        assert mask.gather(2, actions[..., None]).all()
        assert hidden.shape == made.initial_hidden(5).shape
        assert hidden.isfinite().all()
    assert torch.equal(act(made, 0.0)[0], act(made, 0.0)[0])


def test_learns_and_stays_finite(id: str, spec: EnvSpec) -> None:
    made = make(id, spec)
    before = act(made, 0.0)[1]
    for i, env_steps in enumerate(range(0, TOTAL, 250)):
        assert all(isinstance(line, str) for line in made.advance(env_steps))
        result = made.update(sampled(spec, seed=i), env_steps)
        assert {"loss", "grad_norm", "q_taken"} <= set(result)
        assert all(math.isfinite(value) for value in result.values())
        assert 0 <= made.epsilon(env_steps) <= 1
    assert not torch.equal(act(made, 0.0)[1], before)
    assert all(isinstance(value, (int, float)) for value in made.schedule().values())


def test_sparsity_is_what_the_weights_show(id: str, spec: EnvSpec) -> None:
    made = make(id, spec)
    made.update(sampled(spec), 0)
    measured, weights = made.sparsity(), made.masked_weights()
    assert set(measured.per_layer) == set(weights)
    zeros = entries = 0.0
    for name, weight in weights.items():
        for group, share in enumerate(measured.per_layer[name]):
            assert share == pytest.approx((weight[group] == 0).double().mean().item())
        zeros += (weight == 0).sum().item() / len(weight)
        entries += weight[0].numel()
    assert measured.masked_layers == pytest.approx(zeros / entries)
    assert 0 <= measured.whole_model <= measured.masked_layers <= 1


def test_sparsity_of_the_built_in_ones() -> None:
    even = dataclasses.replace(SPEC, obs_size=11)  # 11 + 6 + 3 = 20 inputs: full groups of four throughout
    assert make("qmix", even).sparsity().masked_layers == pytest.approx(0, abs=1e-3)
    assert make("k24", even).sparsity().masked_layers == 0.5
    assert make("kalei", even).sparsity().masked_layers < 0.1


def test_masked_weights_are_copies(id: str) -> None:
    made = make(id, SPEC)
    made.masked_weights()["fc1"].zero_()
    assert made.sparsity().per_layer["fc1"][0] < 1


def test_saves_and_loads(id: str, spec: EnvSpec) -> None:
    made = make(id, spec)
    made.update(sampled(spec), 0)
    made.advance(1700)
    other = make(id, spec, seed=1)
    assert not torch.equal(act(made, 0.0)[1], act(other, 0.0)[1])
    other.load_state_dict(made.state_dict())
    for epsilon in (0.0, 0.5):
        assert all(torch.equal(a, b) for a, b in zip(act(made, epsilon), act(other, epsilon), strict=True))
    for i in range(3):
        assert made.update(sampled(spec, i), 1800) == other.update(sampled(spec, i), 1800)


def test_a_saved_state_is_a_snapshot(id: str) -> None:
    made = make(id, SPEC)
    made.update(sampled(SPEC), 0)
    saved = made.state_dict()
    moment = made.masked_weights()["fc2"]
    results = []
    for _ in range(2):  # neither further updates nor an earlier load may have touched it
        made.load_state_dict(saved)
        assert torch.equal(made.masked_weights()["fc2"], moment)
        results.append([made.update(sampled(SPEC, i), 100) for i in range(3)])
    assert results[0] == results[1]
