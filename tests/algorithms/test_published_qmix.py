"""QMIX is the published one: values, loss, gradients and two optimiser steps equal a plain computation in float64.

Both networks: Kaleidoscope's with three layers after the GRU, PyMARL2's own with one.
"""

import pytest
import torch

import envs
from algorithms import registry
from algorithms.q_learning.learner import QLearner
from tests.algorithms import plain
from tests.algorithms.plain import Parameters
from tests.algorithms.worlds import SPEC, batch, learner

HEADS = {"qmix": ("fc2", "fc3", "fc4"), "qmix-n-rnn": ("fc2",)}
"""Layers after the GRU."""


@pytest.mark.parametrize("id", [*HEADS, "kalei", "k24"])
def test_values_of_every_row(id: str) -> None:
    """Of the masked networks as well, with the weights that acting uses."""
    made, episodes = plain.in_float64(learner(id)), plain.batch_in_float64(batch(seed=2))
    p, weights = plain.leaves(made), made.masked_weights()
    packed = made.net.pack(episodes)
    with torch.no_grad():
        q, _ = made.net(packed.inputs, packed.order, made.net.effective_weights())
    by_row = dict(zip(packed.order.rows.tolist(), q, strict=True))
    for b, length in enumerate(episodes.filled.sum(1).tolist()):
        for agent in range(SPEC.n_agents):
            group = plain.group_of(made, int(episodes.unit_type[b, agent]), agent)
            rows = plain.inputs_of(episodes, b, agent, length, SPEC)
            expected = plain.agent_q(p, lambda *at: weights[at[0]][at[1]], group, rows)
            for t in range(length + 1):
                row = (b * episodes.obs.shape[1] + t) * SPEC.n_agents + agent
                torch.testing.assert_close(by_row[row], expected[t].detach(), rtol=1e-12, atol=1e-12)


def test_mixed_values() -> None:
    made = plain.in_float64(learner("qmix"))
    draw = torch.Generator().manual_seed(1)
    q = torch.randn(9, SPEC.n_agents, generator=draw, dtype=torch.float64) * 3
    state = torch.randn(9, SPEC.state_size, generator=draw, dtype=torch.float64)
    sizes = made.config.mixing_embed_dim, made.config.hypernet_embed
    expected = [plain.mixed(plain.leaves(made), *row, *sizes) for row in zip(q, state, strict=True)]
    torch.testing.assert_close(made.mixer(q, state), torch.stack(expected), rtol=1e-12, atol=1e-12)


def plain_gradients(made: QLearner, episodes, p: Parameters) -> tuple[float, Parameters]:
    target = plain.leaves(made, target=True)
    loss = plain.td_loss(made, episodes, p, target, plain.dense(p), plain.dense(target))
    loss.backward()
    return loss.item(), plain.gradients(p)


@pytest.mark.parametrize(("id", "bootstrap"), [("qmix", False), ("qmix", True), ("qmix-n-rnn", False)])
def test_loss_gradients_and_two_steps(id: str, bootstrap: bool) -> None:
    made = plain.in_float64(learner(id, bootstrap_at_limit=bootstrap, grad_norm_clip=0.5))
    adam = plain.Adam(made)
    for seed in (3, 4):
        episodes = plain.batch_in_float64(batch(seed=seed))
        p = plain.leaves(made)
        loss, grads = plain_gradients(made, episodes, p)
        assert made.update(episodes, 0)["loss"] == pytest.approx(loss, rel=1e-11)
        adam.check(made, p, grads)
    assert {f"{name}.weight" for name in ("fc1", *HEADS[id])} == {
        name for name in grads if name.startswith("fc") and "weight" in name
    }


def test_the_mixer_is_as_large_as_the_one_that_a_published_run_logged() -> None:
    """35.745K in the log of benellis3/pymarl2, ``results_smac2_unit_ranges/10gen_terran/5/0``."""
    world = envs.make("terran_5_vs_5", 1, seed=0, rules="2023")
    made = registry.make("qmix-n-rnn", world.spec, total_env_steps=10_050_000, seed=0)
    assert isinstance(made, QLearner)
    assert sum(p.numel() for p in made.mixer.parameters()) == 35_745
    assert world.spec.episode_limit == 200


def test_a_wrong_lambda_is_seen() -> None:
    """The broken twin: the comparison above would notice a slip in the targets."""
    made, episodes = plain.in_float64(learner("qmix", td_lambda=0.61)), plain.batch_in_float64(batch(seed=3))
    right = plain.in_float64(learner("qmix"))
    assert abs(made.update(episodes, 0)["loss"] / plain_gradients(right, episodes, plain.leaves(right))[0] - 1) > 1e-5
