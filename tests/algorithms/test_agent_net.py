"""The network on whole sequences equals the network one step and one row at a time."""

import pytest
import torch

from algorithms.episode import EpisodeBatch
from algorithms.network.agent_net import mask_groups
from algorithms.network.rows import order_rows
from algorithms.q_learning.learner import QLearner
from tests.algorithms.worlds import Q_LEARNERS, SINGLE_TYPE, SPEC, batch, learner


def unroll(made: QLearner, episodes: EpisodeBatch) -> tuple[torch.Tensor, torch.Tensor]:
    """Q (B, T+1, N, A) and hidden (B, T+1, N, H) of the real views, zeros elsewhere."""
    order = order_rows(
        episodes.filled.sum(1) + 1,
        mask_groups(episodes.unit_type, made.spec, made.n_groups),
        made.n_groups,
        episodes.obs.shape[1],
    )
    none = torch.full_like(episodes.actions[:, :1], -1)
    inputs = made.net.inputs(episodes.obs, torch.cat([none, episodes.actions], 1), order)
    q, hidden = made.net(inputs, order, made.net.effective_weights())
    shape = episodes.obs.shape[:3]
    spread_q = q.new_zeros(shape.numel(), q.shape[1])
    spread_q[order.rows] = q
    spread_hidden = hidden.new_zeros(shape[:2].numel(), shape[2] * hidden.shape[1])
    spread_hidden[order.views] = hidden.reshape(len(order.views), -1)
    return spread_q.view(*shape, -1), spread_hidden.view(*shape, -1)


VARIANTS = [*((id, {}) for id in Q_LEARNERS), ("k24", {"mask_gru": True}), ("qmix", {"obs_last_action": False})]


@pytest.mark.parametrize(("id", "changes"), VARIANTS)
@pytest.mark.parametrize("spec", [SPEC, SINGLE_TYPE], ids=["types", "agents"])
@torch.no_grad()
def test_sequence_equals_stepping(id: str, changes: dict[str, bool], spec) -> None:
    made, episodes = learner(id, spec, **changes), batch(spec=spec)
    q, hidden_states = unroll(made, episodes)
    lengths = episodes.filled.sum(1)
    hidden, last = made.initial_state(len(lengths))["hidden"], torch.full_like(episodes.actions[:, 0], -1)
    for t in range(episodes.obs.shape[1]):
        actions, hidden = made.choose_actions(
            episodes.obs[:, t], last, episodes.action_mask[:, t], episodes.unit_type, hidden, epsilon=0.0
        )
        real = lengths >= t
        torch.testing.assert_close(hidden[real], hidden_states[real, t])
        greedy = q[:, t].masked_fill(~episodes.action_mask[:, t], -torch.inf).argmax(-1)
        assert torch.equal(actions[real], greedy[real])
        last = episodes.actions[:, min(t, episodes.actions.shape[1] - 1)]


def test_groups_are_types_or_agents() -> None:
    unit_type = torch.tensor([[2, 0, 2], [1, 1, 0]])
    assert mask_groups(unit_type, SPEC, 3).tolist() == unit_type.tolist()
    assert mask_groups(unit_type * 0, SINGLE_TYPE, 3).tolist() == [[0, 1, 2], [0, 1, 2]]
    assert mask_groups(unit_type, SPEC, 1).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_masks_make_types_differ() -> None:
    """Two agents that see the same thing act on different values when their types differ."""
    made = learner("k24")
    obs = torch.randn(1, 1, SPEC.obs_size, generator=torch.Generator().manual_seed(0)).expand(1, 3, -1)
    order = order_rows(torch.tensor([1]), torch.tensor([[0, 0, 1]]), 3, 1)
    inputs = made.net.inputs(obs, torch.full((1, 3), -1), order)
    inputs[:, -SPEC.n_agents :] = 0  # the agent id is the other thing that tells agents apart
    q, _ = made.net(inputs, order, made.net.effective_weights())
    torch.testing.assert_close(q[0], q[1])
    assert not torch.allclose(q[0], q[2])
