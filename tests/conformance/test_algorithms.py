"""Every registered algorithm keeps the contract of ``algorithms.protocol.Algorithm``."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from algorithms import registry
from algorithms.diagnostics import loss_of
from algorithms.episode import Episode
from algorithms.protocol import Algorithm, Decision, Diagnostics, Observation
from envs.spec import EnvSpec
from tests.algorithms.worlds import SINGLE_TYPE, SPEC, settings

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


def make(id: str, spec: EnvSpec, seed: int = 0, **changes: object) -> Algorithm:
    return registry.make(id, spec, settings(id, **changes), total_env_steps=TOTAL, seed=seed)


def see(spec: EnvSpec, draw: torch.Generator, envs: int = 5) -> Observation:
    """What agents of a random world see."""
    shape = (envs, spec.n_agents)
    mask = torch.rand(*shape, spec.n_actions, generator=draw) < 0.4
    mask[..., 0] |= ~mask.any(-1)
    return Observation(
        obs=torch.randn(*shape, spec.obs_size, generator=draw),
        action_mask=mask,
        unit_type=torch.randint(0, max(1, len(spec.unit_types)), shape, generator=draw),
    )


def act(made: Algorithm, *, explore: bool) -> tuple[Decision, Observation]:
    """The second step of five battles that are always the same."""
    draw = torch.Generator().manual_seed(3)
    first, second = see(made.spec, draw), see(made.spec, draw)
    second = dataclasses.replace(second, unit_type=first.unit_type)
    return made.act(second, made.act(first, made.initial_state(5), explore=explore).state, explore=explore), second


def learn(made: Algorithm, env_steps: int, *, seed: int = 0, updates: int = 1) -> list[Diagnostics]:
    """Play random battles with the policy until it has made so many updates."""
    rng, draw, found = np.random.default_rng(seed), torch.Generator().manual_seed(seed), []
    for _ in range(1000):
        made.observe(battle(made, int(rng.integers(1, made.spec.episode_limit + 1)), draw))
        while len(found) < updates and (result := made.learn(env_steps)) is not None:
            found.append(result)
        if len(found) == updates:
            return found
    raise AssertionError(f"{made.name} has learned nothing from 1000 battles")


def battle(made: Algorithm, length: int, draw: torch.Generator) -> Episode:
    """One episode in which the policy acts."""
    spec, state = made.spec, made.initial_state(1)
    views = [see(spec, draw, 1) for _ in range(length + 1)]
    decisions = []
    for view in views[:-1]:
        decisions.append(made.act(dataclasses.replace(view, unit_type=views[0].unit_type), state, explore=True))
        state = decisions[-1].state
    names = decisions[0].record
    return Episode(
        obs=torch.cat([view.obs for view in views]).numpy(),
        state=torch.randn(length + 1, spec.state_size, generator=draw).numpy(),
        action_mask=torch.cat([view.action_mask for view in views]).numpy(),
        actions=torch.cat([decision.actions for decision in decisions]).numpy(),
        reward=torch.rand(length, generator=draw).numpy(),
        terminated=length < spec.episode_limit,
        truncated=length == spec.episode_limit,
        unit_type=views[0].unit_type[0].numpy(),
        record={name: torch.cat([each.record[name] for each in decisions]).numpy() for name in names},
    )


def outcome(made: Algorithm) -> list[torch.Tensor]:
    """Everything that a greedy step gives."""
    decision, _ = act(made, explore=False)
    return [decision.actions, *decision.state.values()]


def same(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_the_table_names_what_it_should(id: str) -> None:
    row = registry.entry(id)
    assert row.summary
    assert row.source
    config = registry.config_class(id)()
    assert dataclasses.is_dataclass(config)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.lr = 1.0  # type: ignore[misc]


def test_acts_legally(id: str, spec: EnvSpec) -> None:
    made = make(id, spec)
    for explore in (False, True):
        decision, seen = act(made, explore=explore)
        assert decision.actions.shape == (5, spec.n_agents)
        assert decision.actions.dtype == torch.int64
        assert seen.action_mask.gather(2, decision.actions[..., None]).all()
        fresh = made.initial_state(5)
        assert {n: rows.shape for n, rows in decision.state.items()} == {n: rows.shape for n, rows in fresh.items()}
        assert all(rows.isfinite().all() for rows in decision.state.values())
        assert all(values.shape[0] == 5 for values in decision.record.values())
    assert same(outcome(made), outcome(made))


def test_learns_and_stays_finite(id: str, spec: EnvSpec) -> None:
    made = make(id, spec)
    before = outcome(made)
    for i, env_steps in enumerate(range(0, TOTAL, 250)):
        (result,) = learn(made, env_steps, seed=i)
        assert {"loss", "grad_norm"} <= set(result)
        assert all(math.isfinite(value) for value in result.values())
        assert loss_of(made, result) == result["loss"]
        assert all(isinstance(line, str) for line in made.advance(env_steps))
        assert 0 <= made.diagnostics().get("epsilon", 0.0) <= 1
        assert all(math.isfinite(value) for value in made.diagnostics().values())
    if registry.entry(id).base is None:  # a row with a base may leave out what its settings turn off
        reported = result.keys() | made.diagnostics().keys()
        assert {name for panel in registry.entry(id).panels for name in panel.lines} <= reported
    assert not same(outcome(made), before)
    assert all(isinstance(value, (int, float)) for value in made.schedule().values())


def test_an_update_without_a_loss_is_refused(id: str) -> None:
    made = make(id, SPEC)
    with pytest.raises(ValueError, match=rf"{id}: learn\(\) returned grad_norm without 'loss'; return at least"):
        loss_of(made, {"grad_norm": 1.0})


def test_sparsity_is_what_the_weights_show(id: str, spec: EnvSpec) -> None:
    made = make(id, spec)
    learn(made, 0)
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
    """With its experience: episodes that no update has answered yet are learned from after the load."""
    made = make(id, spec)
    learn(made, 0)
    made.advance(1700)
    made.observe(battle(made, 3, torch.Generator().manual_seed(5)))
    other = make(id, spec, seed=1)
    assert not same(outcome(made), outcome(other))
    other.load_state_dict(made.state_dict())
    assert other.load_experience(made.experience(contents=True)).complete
    assert same(outcome(made), outcome(other))
    assert torch.equal(act(made, explore=True)[0].actions, act(other, explore=True)[0].actions)
    assert made.env_steps == other.env_steps
    assert learn(made, 1800, updates=3) == learn(other, 1800, updates=3)
    assert made.diagnostics() == other.diagnostics()


def test_a_saved_state_is_a_snapshot(id: str) -> None:
    made = make(id, SPEC)
    learn(made, 0)
    saved, experience = made.state_dict(), made.experience(contents=True)
    moment = outcome(made)
    results = []
    for _ in range(2):  # neither further updates nor an earlier load may have touched it
        made.load_state_dict(saved)
        made.load_experience(experience)
        assert same(outcome(made), moment)
        results.append(learn(made, 100, updates=3))
    assert results[0] == results[1]


def test_without_its_experience_it_says_what_is_missing(id: str) -> None:
    made = make(id, SPEC)
    made.observe(battle(made, 3, torch.Generator().manual_seed(5)))
    assert made.experience_bytes > 0
    found = made.load_experience(made.experience(contents=False))
    assert not found.complete
    assert found.message
