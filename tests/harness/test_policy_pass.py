"""The greedy pass in three storages: the same decisions as ``act``, whatever stores the weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from algorithms.learner import QLearner
from algorithms.protocol import PolicyLayers
from algorithms.rows import order_rows
from harness.policy_pass import (
    BATCH_MULTIPLE,
    COLUMN_MULTIPLE,
    ROW_MULTIPLE,
    PolicyPass,
    compressed_linear,
    compressed_pass,
    dense_pass,
    masked_pass,
    pad_to,
)
from tests.algorithms.worlds import SINGLE_TYPE, SPEC, batch, learner

BATTLES = 10
IDS = ("qmix", "kalei", "k24")


def kept_half(padded: Tensor) -> Tensor:
    """A stand-in for the compressed form: stores two values of each four and where they stood, and knows no more."""
    groups = padded.unflatten(1, (-1, 4))
    where = (groups != 0).int().topk(2, dim=-1).indices
    values = groups.gather(-1, where)
    return torch.zeros_like(groups).scatter(-1, where, values).flatten(1)


class Question:
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
        self.actions, self.next_hidden = made.act(obs, last_action, action_mask, unit_type, hidden, epsilon=0.0)
        per_agent = torch.arange(spec.n_agents).expand(shape)
        self.groups = unit_type if len(spec.unit_types) >= 2 else per_agent
        order = order_rows(torch.ones(BATTLES, dtype=torch.int64), self.groups, spec.n_mask_groups, 1)
        self.rows, self.sizes = order.rows, order.group_sizes
        self.inputs = made.net.inputs(obs, last_action, order)
        self.hidden, self.action_mask = hidden.flatten(0, 1)[self.rows], action_mask.flatten(0, 1)[self.rows]

    def check(self, decide: PolicyPass) -> None:
        """The pass answers as ``act`` did."""
        actions, q, next_hidden = decide(self.inputs, self.hidden, self.action_mask)
        torch.testing.assert_close(next_hidden, self.next_hidden.flatten(0, 1)[self.rows])
        assert torch.equal(actions, self.actions.flatten()[self.rows])
        assert q.shape == self.action_mask.shape


def trained(id: str, spec=SPEC, **changes: object) -> QLearner:
    """A learner after a few updates, so that no two parameters are alike."""
    made = learner(id, spec, **changes)
    for i in range(3):
        made.update(batch(seed=i, spec=spec), 0)
    return made


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
    question = Question(made)
    assert len(set(question.sizes)) > 1 or spec is SINGLE_TYPE, "groups of different sizes"
    question.check(masked_pass(made.policy_layers(), question.sizes, torch.float32))


@pytest.mark.parametrize("id", IDS)
def test_dense_decides_as_a_dense_algorithm_with_these_weights(id: str) -> None:
    made = trained(id)
    question = Question(dense_twin(made))
    question.check(dense_pass(made.policy_layers(), question.sizes, torch.float32))


def test_q_values_are_those_of_the_network() -> None:
    made = trained("k24")
    question = Question(made)
    order = order_rows(torch.ones(BATTLES, dtype=torch.int64), question.groups, SPEC.n_mask_groups, 1)
    in_time = order.timed(question.hidden)
    expected, _ = made.net(question.inputs, order, made.net.group_weights(), in_time)
    decide = masked_pass(made.policy_layers(), question.sizes, torch.float32)
    _, q, _ = decide(question.inputs, question.hidden, question.action_mask)
    torch.testing.assert_close(q, expected)


@pytest.mark.parametrize("id", ["k24", "k24-static"])
@pytest.mark.parametrize("mask_gru", [False, True], ids=["dense GRU", "masked GRU"])
@pytest.mark.parametrize("spec", [SPEC, SINGLE_TYPE], ids=["types", "agents"])
def test_compressed_decides_as_act_does(id: str, mask_gru: bool, spec) -> None:
    made = trained(id, spec, mask_gru=mask_gru)
    question = Question(made)
    question.check(masked_pass(made.policy_layers(), question.sizes, torch.float32))
    decide = compressed_pass(made.policy_layers(), question.sizes, torch.float32, kept_half)
    question.check(decide)
    question.inputs = pad_to(question.inputs, 1, COLUMN_MULTIPLE)
    question.check(decide)


def test_weights_that_are_not_two_of_four_do_not_survive_compression() -> None:
    """The broken twin: the stand-in drops what sparse tensor cores would not see."""
    made = trained("kalei")
    question = Question(made)
    decide = compressed_pass(made.policy_layers(), question.sizes, torch.float32, kept_half)
    with pytest.raises(AssertionError):
        question.check(decide)


def test_one_group_means_one_product() -> None:
    policy = trained("qmix").policy_layers()
    seen: list[tuple[int, ...]] = []

    def compress(padded: Tensor) -> Tensor:
        seen.append(tuple(padded.shape))
        return padded

    decide = compressed_pass(policy, [4, 8, 4], torch.float32, compress)
    assert decide.block_sizes == [16]
    assert seen == [(32, 64)] * 4
    assert [len(linears) for linears in (*decide.before.values(), *decide.after.values())] == [1] * 4


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
    _, q, next_hidden = dense_pass(other, [6], torch.float32)(inputs, hidden, legal)
    x = functional.linear(inputs, policy.before["fc1"].weight, policy.before["fc1"].bias).relu()
    x = functional.linear(x, square.weight, square.bias).relu()
    weights, biases = [side.weight for side in policy.gru], [side.bias for side in policy.gru]
    expected = torch.gru_cell(x, hidden, *weights, *biases)
    torch.testing.assert_close(next_hidden, expected)
    torch.testing.assert_close(q, functional.linear(expected, other.after["q"].weight, other.after["q"].bias))


@pytest.mark.parametrize(("rows", "columns"), [(11, 64), (64, 98), (64, 64), (1, 1)])
def test_padding_reaches_the_multiples_and_changes_no_product(rows: int, columns: int) -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn((rows, columns), generator=generator, dtype=torch.float64)
    bias = torch.randn(rows, generator=generator, dtype=torch.float64)
    inputs = torch.randn((13, columns), generator=generator, dtype=torch.float64)
    stored = []

    def compress(padded: Tensor) -> Tensor:
        stored.append(padded)
        return padded

    linear = compressed_linear(weight, bias, torch.float64, compress)
    assert stored[0].shape[0] % ROW_MULTIPLE == stored[0].shape[1] % COLUMN_MULTIPLE == 0
    assert stored[0].shape[0] - rows < ROW_MULTIPLE
    assert stored[0].shape[1] - columns < COLUMN_MULTIPLE
    expected = functional.linear(inputs, weight, bias)
    torch.testing.assert_close(linear(inputs), expected)
    torch.testing.assert_close(linear(pad_to(inputs, 1, COLUMN_MULTIPLE)), expected)


def test_padding_suits_both_backends() -> None:
    from torch.sparse import semi_structured

    for backend in (
        semi_structured.SparseSemiStructuredTensorCUTLASS,
        semi_structured.SparseSemiStructuredTensorCUSPARSELT,
    ):
        asked = backend._DTYPE_SHAPE_CONSTRAINTS[torch.float16]
        assert ROW_MULTIPLE % asked.sparse_min_rows == 0
        assert COLUMN_MULTIPLE % asked.sparse_min_cols == 0
        assert BATCH_MULTIPLE % asked.dense_min_rows == 0
