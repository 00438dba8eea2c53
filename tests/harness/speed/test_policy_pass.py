"""The greedy pass in every storage format: the same decisions as ``act``."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from algorithms.network.rows import order_rows
from algorithms.protocol import PolicyLayers
from algorithms.q_learning.learner import QLearner
from harness.speed.kernels import Backend
from harness.speed.policy_pass import PolicyPass, gates, policy_pass, stores, with_dense_gru
from harness.speed.storage_formats import BATCHED, DENSE, MASKED, pad_to
from tests.algorithms.worlds import SINGLE_TYPE, SPEC, learner
from tests.harness.speed.stand_in import StandIn, kept_half, trained

BATTLES = 10
IDS = ("qmix", "kalei", "k24")


def in_one_format(policy: PolicyLayers, storage_format: str, sizes: list[int], *backends: Backend) -> PolicyPass:
    """The pass that stores every layer alike, in float32."""
    plan = dict.fromkeys(policy.prunable(), storage_format)
    return policy_pass(policy, stores(policy, torch.float32, backends), plan, sizes)


class DrawnRows:
    """Drawn observations of a learner's world, its own answers, and the same rows sorted by mask group."""

    def __init__(self, made: QLearner) -> None:
        spec, draw = made.spec, torch.Generator().manual_seed(7)
        shape = (BATTLES, spec.n_agents)
        obs = torch.randn(*shape, spec.obs_size, generator=draw)
        last_action = torch.randint(-1, spec.n_actions, shape, generator=draw)
        action_mask = torch.rand(*shape, spec.n_actions, generator=draw) < 0.6
        action_mask[..., 1] = True
        unit_type = torch.randint(0, len(spec.unit_types), shape, generator=draw)
        hidden = torch.rand(*shape, made.net.hidden_size, generator=draw) * 2 - 1
        shown = obs, last_action, action_mask, unit_type, hidden
        self.actions, self.next_hidden = made.choose_actions(*shown, epsilon=0.0)
        per_agent = torch.arange(spec.n_agents).expand(shape)
        groups = unit_type if len(spec.unit_types) >= 2 else per_agent
        self.order = order_rows(torch.ones(BATTLES, dtype=torch.int64), groups, spec.n_mask_groups, 1)
        self.rows, self.sizes = self.order.rows, self.order.group_sizes
        self.inputs = made.net.inputs(obs, last_action, self.order)
        self.hidden, self.action_mask = hidden.flatten(0, 1)[self.rows], action_mask.flatten(0, 1)[self.rows]

    def decided(self, made: PolicyPass) -> list[torch.Tensor]:
        """What the pass decides for these rows: actions, Q-values and next hidden states."""
        parts = (list(each.split(made.block_sizes)) for each in (self.inputs, self.hidden, self.action_mask))
        return [torch.cat(blocks) for blocks in made.decide(*parts)]

    def check(self, made: PolicyPass) -> None:
        """The pass answers as ``act`` did."""
        actions, q, next_hidden = self.decided(made)
        torch.testing.assert_close(next_hidden, self.next_hidden.flatten(0, 1)[self.rows])
        assert torch.equal(actions, self.actions.flatten()[self.rows])
        assert q.shape == self.action_mask.shape


def dense_twin(made: QLearner) -> QLearner:
    """A QMIX with the same weights before masking."""
    twin = learner("qmix", made.spec)
    mine = made.net.state_dict()
    twin.net.load_state_dict({name: mine[name] for name in twin.net.state_dict()})
    return twin


@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("spec", [SPEC, SINGLE_TYPE], ids=["types", "agents"])
def test_masked_dense_decides_as_act_does(id: str, spec) -> None:
    made = trained(id, spec)
    rows = DrawnRows(made)
    assert len(set(rows.sizes)) > 1 or spec is SINGLE_TYPE, "groups of different sizes"
    rows.check(in_one_format(made.policy_layers(), MASKED, rows.sizes))


@pytest.mark.parametrize("id", IDS)
def test_dense_decides_as_a_dense_algorithm_with_these_weights(id: str) -> None:
    made = trained(id)
    rows = DrawnRows(dense_twin(made))
    rows.check(in_one_format(made.policy_layers(), DENSE, rows.sizes))


def test_q_values_are_those_of_the_network() -> None:
    made = trained("k24")
    rows = DrawnRows(made)
    hidden = rows.order.to_time_order(rows.hidden)
    expected, _ = made.net(rows.inputs, rows.order, made.net.effective_weights(), hidden)
    _, q, _ = rows.decided(in_one_format(made.policy_layers(), MASKED, rows.sizes))
    torch.testing.assert_close(q, expected)


@pytest.mark.parametrize("id", ["k24", "k24-static"])
@pytest.mark.parametrize("mask_gru", [False, True], ids=["dense GRU", "masked GRU"])
@pytest.mark.parametrize("spec", [SPEC, SINGLE_TYPE], ids=["types", "agents"])
def test_compressed_decides_as_act_does(id: str, mask_gru: bool, spec) -> None:
    made = trained(id, spec, mask_gru=mask_gru)
    rows = DrawnRows(made)
    rows.check(in_one_format(made.policy_layers(), MASKED, rows.sizes))
    decide = in_one_format(made.policy_layers(), "stand-in", rows.sizes, StandIn(kept_half))
    rows.check(decide)
    rows.inputs = pad_to(rows.inputs, 1, decide.before[0].width)
    rows.check(decide)


def test_weights_that_are_not_two_of_four_do_not_survive_compression() -> None:
    """The broken twin: the stand-in drops what sparse tensor cores would not see."""
    made = trained("kalei")
    rows = DrawnRows(made)
    decide = in_one_format(made.policy_layers(), "stand-in", rows.sizes, StandIn(kept_half))
    with pytest.raises(AssertionError, match="not close"):
        rows.check(decide)


@pytest.mark.parametrize("mask_gru", [False, True], ids=["dense GRU", "masked GRU"])
def test_one_batched_product_decides_as_act_does(mask_gru: bool) -> None:
    """Groups of one size, which is what a batched product takes."""
    made = trained("k24", SINGLE_TYPE, mask_gru=mask_gru)
    rows = DrawnRows(made)
    decide = in_one_format(made.policy_layers(), BATCHED, rows.sizes)
    assert decide.block_sizes == [sum(rows.sizes)]
    rows.check(decide)


def test_each_layer_may_be_stored_in_its_own_format() -> None:
    made = trained("k24", mask_gru=True)
    rows, policy = DrawnRows(made), made.policy_layers()
    plan = {**dict.fromkeys(policy.prunable(), MASKED), "gru_hh": "stand-in", "fc4": "stand-in"}
    backend = StandIn(kept_half)
    rows.check(policy_pass(policy, stores(policy, torch.float32, (backend,)), plan, rows.sizes))
    assert set(backend.shapes) == {(64, 64), (32, 64)}, "gru_hh and fc4, no other"


def test_one_group_means_one_product() -> None:
    policy = trained("qmix").policy_layers()
    decide = in_one_format(policy, MASKED, [4, 8, 4])
    assert decide.block_sizes == [16]
    assert [len(layer.linears) for layer in decide.prunable] == [1] * 4


def test_the_masks_of_a_gru_can_be_taken_off() -> None:
    policy = trained("k24", mask_gru=True).policy_layers()
    plain = with_dense_gru(policy)
    assert list(plain.prunable()) == ["fc1", "fc2", "fc3", "fc4"]
    draw = torch.Generator().manual_seed(0)
    parts, hidden = [torch.randn(6, 16, generator=draw)], [torch.rand(6, 16, generator=draw)]
    (arrived,) = in_one_format(plain, MASKED, [6, 0, 0]).gru(parts, hidden)
    tensors = [*(side.weight for side in policy.gru), *(side.bias for side in policy.gru)]
    torch.testing.assert_close(arrived, torch.gru_cell(parts[0], hidden[0], *tensors))


def test_gates_are_those_of_a_gru_cell() -> None:
    draw = torch.Generator().manual_seed(0)
    x, hidden = torch.randn(5, 8, generator=draw), torch.randn(5, 4, generator=draw)
    tensors = [torch.randn(*shape, generator=draw) for shape in ((12, 8), (12, 4), (12,), (12,))]
    w_ih, w_hh, b_ih, b_hh = tensors
    arrived = gates(functional.linear(x, w_ih, b_ih), functional.linear(hidden, w_hh, b_hh), hidden)
    torch.testing.assert_close(arrived, torch.gru_cell(x, hidden, *tensors))


def test_policy_layers_are_copies() -> None:
    made = trained("k24")
    before = made.masked_weights()["fc3"]
    policy = made.policy_layers()
    tensors = [policy.after["fc3"].masked, policy.after["fc3"].weight, policy.after["fc3"].bias]
    tensors += [tensor for side in policy.gru for tensor in (side.masked, side.weight, side.bias)]
    for tensor in tensors:
        assert not tensor.requires_grad
        tensor.zero_()
    assert torch.equal(made.masked_weights()["fc3"], before)
    assert made.net.gru.weight_hh.abs().max() > 0


def test_another_network_needs_no_fixed_names() -> None:
    """Two layers before the GRU and one after it: the pass follows the lists."""
    policy = trained("qmix").policy_layers()
    square = policy.after["fc2"]
    other = PolicyLayers(before={**policy.before, "second": square}, gru=policy.gru, after={"q": policy.after["fc4"]})
    draw = torch.Generator().manual_seed(0)
    inputs, hidden = torch.randn(6, 17, generator=draw), torch.randn(6, 16, generator=draw)
    legal = torch.ones(6, SPEC.n_actions, dtype=torch.bool)
    _, (q,), (next_hidden,) = in_one_format(other, DENSE, [6]).decide([inputs], [hidden], [legal])
    x = functional.linear(inputs, policy.before["fc1"].weight, policy.before["fc1"].bias).relu()
    x = functional.linear(x, square.weight, square.bias).relu()
    weights, biases = [side.weight for side in policy.gru], [side.bias for side in policy.gru]
    expected = torch.gru_cell(x, hidden, *weights, *biases)
    torch.testing.assert_close(next_hidden, expected)
    torch.testing.assert_close(q, functional.linear(expected, other.after["q"].weight, other.after["q"].bias))
