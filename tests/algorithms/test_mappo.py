"""MAPPO against an independent implementation in float64, on a small game, and resumed."""

from __future__ import annotations

import copy
import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from algorithms import registry
from algorithms.episode import Episode
from algorithms.mappo import MAPPO, MAPPOConfig, Moments, legal_log_probs
from algorithms.protocol import Diagnostics, Observation
from envs.spec import EnvSpec
from tests.algorithms.plain import agent_q, dense
from tests.algorithms.worlds import SPEC, episode

LENGTHS = (7, 3, 12, 5)


def mappo(spec: EnvSpec = SPEC, seed: int = 0, **changes: object) -> MAPPO:
    small: dict[str, object] = {"rnn_hidden_dim": 16, "episodes_per_update": len(LENGTHS)}
    made = registry.make("mappo", spec, MAPPOConfig(**(small | changes)), total_env_steps=1000, seed=seed)
    assert isinstance(made, MAPPO)
    return made


def episodes(seed: int = 0) -> list[Episode]:
    """Random ones, with log-probabilities as another policy might have recorded them."""
    rng = np.random.default_rng(seed)
    found = []
    for length in LENGTHS:
        drawn = episode(rng, length)
        log_prob = -rng.random((length, SPEC.n_agents), np.float32) - 0.5
        found.append(dataclasses.replace(drawn, record={"log_prob": log_prob}))
    return found


def learn_from(made: MAPPO, drawn: list[Episode], env_steps: int = 0) -> Diagnostics:
    """The update that follows these episodes."""
    for each in drawn:
        made.observe(each)
    found = made.learn(env_steps)
    assert found is not None
    return found


# An independent implementation: one episode, one agent, one step at a time


def doubles(net: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().double().requires_grad_() for name, value in net.state_dict().items()}


def plain_values(each: Episode, critic: dict[str, Tensor]) -> Tensor:
    return agent_q(critic, dense(critic), 0, torch.from_numpy(each.state).double()).squeeze(-1)


def plain_gae(rewards: np.ndarray, values: list[float], gamma: float, lam: float, *, ended: bool) -> list[float]:
    """Advantages by their sums of TD errors."""
    steps = len(rewards)
    deltas = [
        float(rewards[t]) + (0.0 if ended and t == steps - 1 else gamma * values[t + 1]) - values[t]
        for t in range(steps)
    ]
    return [sum((gamma * lam) ** (k - t) * deltas[k] for k in range(t, steps)) for t in range(steps)]


def plain_policy(each: Episode, net: dict[str, Tensor], agent: int) -> Tensor:
    """Log-probabilities (L, A) of one agent."""
    length = len(each.reward)
    number = torch.eye(SPEC.n_agents, dtype=torch.float64)[agent].expand(length, -1)
    rows = torch.cat([torch.from_numpy(each.obs[:length, agent]).double(), number], 1)
    logits = agent_q(net, dense(net), 0, rows)
    return legal_log_probs(logits, torch.from_numpy(each.action_mask[:length, agent]))


def is_dead(each: Episode, t: int, agent: int) -> bool:
    return bool(each.action_mask[t, agent, 0]) and each.action_mask[t, agent].sum() == 1


@pytest.mark.parametrize("bootstrap", [False, True])
def test_first_losses_and_gradients_equal_a_plain_second_writing(bootstrap: bool) -> None:
    """The critic's loss, then the policy's with the advantages of the fitted critic."""
    config = {"normalize_inputs": False, "critic_epochs": 1, "policy_epochs": 1, "entropy_coef": 0.01}
    made = mappo(bootstrap_at_limit=bootstrap, **config)
    before, critic, net = episodes(), doubles(made.critic), doubles(made.net)
    found = learn_from(made, before)
    fitted = doubles(made.critic)
    errors, rows = [], []
    for each in before:
        ended = each.terminated or not bootstrap
        value = plain_values(each, critic)
        gae = plain_gae(each.reward, value.tolist(), 0.99, 0.995, ended=ended)
        errors += [0.5 * (value[t] - (gae[t] + value[t].item())) ** 2 for t in range(len(gae))]
        gae = plain_gae(each.reward, plain_values(each, fitted).tolist(), 0.99, 0.995, ended=ended)
        for agent in range(SPEC.n_agents):
            log_probs = plain_policy(each, net, agent)
            for t, advantage in enumerate(gae):
                if not is_dead(each, t, agent):
                    taken = log_probs[t, each.actions[t, agent]]
                    spread = -sum(p.exp() * p for p in log_probs[t] if p > -math.inf)
                    rows.append((advantage, taken - float(each.record["log_prob"][t, agent]), spread))
    critic_loss = torch.stack(errors).mean()
    assert float(found["critic_loss"]) == pytest.approx(critic_loss.item(), rel=1e-4)
    advantages = np.array([row[0] for row in rows])
    normed = (advantages - advantages.mean()) / np.sqrt(advantages.var() + 1e-6)
    clipped = [
        -torch.minimum(difference.exp() * a, difference.exp().clamp(0.9, 1.1) * a)
        for a, (_, difference, _) in zip(normed, rows, strict=True)
    ]
    policy_loss, spread = torch.stack(clipped).mean(), torch.stack([row[2] for row in rows]).mean()
    assert float(found["policy_loss"]) == pytest.approx(policy_loss.item(), rel=1e-3, abs=1e-5)
    assert float(found["entropy"]) == pytest.approx(spread.item(), rel=1e-4)
    parameters = [p for p in net.values() if p.requires_grad]
    gradients = torch.autograd.grad(policy_loss - 0.01 * spread, parameters)
    norm = torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt()
    assert float(found["grad_norm"]) == pytest.approx(norm.item(), rel=2e-3)


def test_one_step_of_the_policy_moves_against_its_gradient() -> None:
    """Ratios start at 1 for what the policy itself has drawn, and passes move them."""
    made = mappo(policy_epochs=1, normalize_inputs=False)
    drawn = [played(made, length, seed) for seed, length in enumerate(LENGTHS)]
    first = learn_from(made, drawn)
    assert float(first["clipped"]) == 0.0
    assert float(first["policy_loss"]) == pytest.approx(0.0, abs=1e-5), "advantages have mean 0, and all ratios are 1"
    again = mappo(policy_epochs=30, normalize_inputs=False, lr=0.01)
    later = learn_from(again, drawn)
    assert float(later["clipped"]) > 0.05


def played(made: MAPPO, length: int, seed: int) -> Episode:
    """A random world's episode in which the policy acts."""
    template, state = episode(np.random.default_rng(seed), length), made.initial_state(1)
    actions, log_probs = [], []
    for t in range(length):
        decision = made.act(view_of(template, t), state, explore=True)
        actions.append(decision.actions[0].numpy())
        log_probs.append(decision.record["log_prob"][0].numpy())
        state = decision.state
    return dataclasses.replace(template, actions=np.stack(actions), record={"log_prob": np.stack(log_probs)})


def view_of(each: Episode, t: int) -> Observation:
    return Observation(
        obs=torch.from_numpy(each.obs[t : t + 1]),
        action_mask=torch.from_numpy(each.action_mask[t : t + 1]),
        unit_type=torch.from_numpy(each.unit_type)[None],
    )


def test_actions_are_drawn_with_the_recorded_probabilities() -> None:
    made = mappo()
    seen = view_of(episode(np.random.default_rng(3), 1, deaths=False), 0)
    many = Observation(
        obs=seen.obs.expand(4000, -1, -1).contiguous(),
        action_mask=seen.action_mask.expand(4000, -1, -1),
        unit_type=seen.unit_type.expand(4000, -1),
    )
    decision = made.act(many, made.initial_state(4000), explore=True)
    for agent in range(SPEC.n_agents):
        for action in decision.actions[:, agent].unique():
            taken = decision.actions[:, agent] == action
            chance = decision.record["log_prob"][taken, agent].exp()
            assert chance.std() < 1e-6
            assert taken.double().mean().item() == pytest.approx(chance[0].item(), abs=0.04)
    greedy = made.act(seen, made.initial_state(1), explore=False)
    assert greedy.record == {}
    assert torch.equal(greedy.actions[0], decision.actions.mode(0).values)


def test_moments_are_those_of_all_rows_that_count() -> None:
    rng = torch.Generator().manual_seed(0)
    parts = [torch.randn(n, 3, generator=rng) * 5 + 2 for n in (4, 30, 7)]
    weights = [(torch.rand(len(part), generator=rng) < 0.7).float() for part in parts]
    made = Moments(3)
    assert torch.equal(made.normalised(parts[0]), parts[0] / math.sqrt(1 + 1e-6))
    for part, weight in zip(parts, weights, strict=True):
        made.observe(part, weight)
    counted = torch.cat(parts)[torch.cat(weights) > 0].double()
    torch.testing.assert_close(made.mean, counted.mean(0))
    torch.testing.assert_close(made.variance, counted.var(0, unbiased=False))
    made.observe(parts[0], torch.zeros(4))
    torch.testing.assert_close(made.mean, counted.mean(0))


# A game: each of two agents sees a number and earns 1 a step where both take it

GAME = EnvSpec(id="game", n_agents=2, n_enemies=0, n_actions=3, obs_size=3, state_size=6, episode_limit=4)


def game(made: MAPPO, rng: np.random.Generator, *, explore: bool, battles: int = 8) -> tuple[list[Episode], float]:
    shape, state = (battles, GAME.n_agents), made.initial_state(battles)
    shown = rng.integers(0, 3, (GAME.episode_limit + 1, *shape))
    obs = np.eye(3, dtype=np.float32)[shown]
    legal = torch.ones(*shape, 3, dtype=torch.bool)
    actions, records, rewards = [], [], []
    for t in range(GAME.episode_limit):
        seen = Observation(
            obs=torch.from_numpy(obs[t]), action_mask=legal, unit_type=torch.zeros(shape, dtype=torch.int64)
        )
        decision = made.act(seen, state, explore=explore)
        state = decision.state
        actions.append(decision.actions.numpy())
        records.append(decision.record.get("log_prob", torch.zeros(shape)).numpy())
        rewards.append((actions[-1] == shown[t]).all(-1).astype(np.float32))
    return [
        Episode(
            obs=obs[:, e],
            state=obs[:, e].reshape(GAME.episode_limit + 1, -1),
            action_mask=np.ones((GAME.episode_limit + 1, *shape[1:], 3), bool),
            actions=np.stack(actions)[:, e],
            reward=np.stack(rewards)[:, e],
            terminated=True,
            truncated=False,
            unit_type=np.zeros(GAME.n_agents, np.int64),
            record={"log_prob": np.stack(records)[:, e]},
        )
        for e in range(battles)
    ], float(np.mean(rewards))


def test_it_learns_a_game() -> None:
    made, rng = mappo(GAME, episodes_per_update=8), np.random.default_rng(0)
    by_chance = game(made, rng, explore=False, battles=200)[1]
    for _ in range(60):
        learn_from(made, game(made, rng, explore=True)[0])
    learned = game(made, rng, explore=False, battles=200)[1]
    assert by_chance < 0.4
    assert learned > 0.95


def test_a_resumed_learner_is_bit_identical() -> None:
    """Saved in the middle of a batch of episodes."""
    whole, rng = mappo(GAME, episodes_per_update=8), np.random.default_rng(1)
    learn_from(whole, game(whole, rng, explore=True, battles=12)[0], 48)
    for each in game(whole, rng, explore=True, battles=5)[0]:
        whole.observe(each)
    parts = mappo(GAME, seed=7, episodes_per_update=8)
    saved = copy.deepcopy((whole.state_dict(), whole.experience(contents=True)))
    parts.load_state_dict(saved[0])
    assert parts.load_experience(saved[1]).message == ", 5 episodes that wait for an update included"
    results = []
    for made in (whole, parts):
        drawn = np.random.default_rng(2)
        results.append([])
        for _ in range(3):
            results[-1].append(learn_from(made, game(made, drawn, explore=True)[0], 100))
    assert results[0] == results[1]
    assert all(
        torch.equal(mine, other) for mine, other in zip(*(m.net.parameters() for m in (whole, parts)), strict=True)
    )
