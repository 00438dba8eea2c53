"""Kalei: thresholds, the gradient of its masks, resets."""

import pytest
import torch

from algorithms.sparsity.threshold import KaleiLinear, ThresholdInit
from tests.algorithms.worlds import SINGLE_TYPE, SPEC, batch, learner

START = ThresholdInit(scale=5.0, bias=5.0)
RESET = ThresholdInit(scale=1.0, bias=5.0)


def layer(n_groups: int = 2, in_features: int = 3, out_features: int = 2, seed: int = 0) -> KaleiLinear:
    drawn = torch.Generator().manual_seed(seed)
    return KaleiLinear(in_features, out_features, n_groups, START, drawn, reset=RESET)


def logit(p: float) -> float:
    return torch.tensor(p).logit().item()


def test_thresholds_formula_by_hand() -> None:
    made = layer(n_groups=2, in_features=2, out_features=1)
    with torch.no_grad():
        made.weight.copy_(torch.tensor([[0.5, -0.2]]))
        made.thresholds.copy_(torch.tensor([[[logit(0.1), logit(0.05)]], [[logit(0.6), logit(0.2)]]]))
    torch.testing.assert_close(made.effective_weights(), torch.tensor([[[0.4, -0.15]], [[0.0, 0.0]]]))
    torch.testing.assert_close(made.weighted_masks(), torch.tensor([[[0.5, 0.2]], [[0.0, 0.0]]]))


def test_thresholds_start_between_minus_five_and_minus_ten() -> None:
    thresholds = layer(3, 50, 50).thresholds
    assert thresholds.min() >= -10
    assert thresholds.max() <= -5
    assert thresholds.mean().item() == pytest.approx(-7.5, abs=0.05)


def test_mask_gradient_is_squashed_and_reaches_thresholds_only() -> None:
    made = layer(n_groups=1, in_features=1, out_features=1)
    with torch.no_grad():
        made.weight.fill_(2.0)
        made.thresholds.fill_(logit(0.25))
    (made.weighted_masks() * 3.0).sum().backward()
    # d/d mask = 3 · |W| = 6, squashed to tanh 6; times −sigmoid'(s) = −0.25 · 0.75
    assert made.thresholds.grad.item() == pytest.approx(-torch.tensor(6.0).tanh().item() * 0.25 * 0.75)
    assert made.weight.grad is None


def test_a_reset_touches_only_what_every_mask_drops() -> None:
    made = layer(n_groups=2, in_features=40, out_features=30)
    with torch.no_grad():
        made.thresholds[0, :10] = 5.0  # dropped by the first mask only
        made.thresholds[:, 20:] = 5.0  # dropped by both
    weight, thresholds = made.weight.detach().clone(), made.thresholds.detach().clone()
    unused = (made.effective_weights() == 0).all(0)
    count = made.reset_unused(0.2, torch.Generator().manual_seed(1))
    changed = made.weight != weight
    assert not changed[~unused].any()
    assert count == changed.sum()
    assert changed[unused].float().mean().item() == pytest.approx(0.2, abs=0.08)
    assert torch.equal((made.thresholds != thresholds).all(0), changed)
    assert (made.thresholds[:, changed] <= -5).all()
    assert (made.thresholds[:, changed] >= -6).all()


def test_thresholds_of_every_type_learn_and_sparsity_is_counted_on_weights() -> None:
    made = learner("kalei")
    before = {name: masked.thresholds.detach().clone() for name, masked in made.layers().items()}
    made.update(batch(), 0)
    for name, masked in made.layers().items():
        assert (masked.thresholds != before[name]).flatten(1).any(1).all()
    with torch.no_grad():
        made.net.fc2.thresholds[1] = 9.0  # one type loses all of fc2
    measured = made.sparsity()
    assert measured.per_layer["fc2"][1] == 1.0
    assert measured.per_layer["fc2"][0] < 0.05
    entries = {name: weight[0].numel() for name, weight in made.masked_weights().items()}
    zeros = sum(float((w == 0).sum()) for w in made.masked_weights().values()) / 3
    assert measured.masked_layers == pytest.approx(zeros / sum(entries.values()))
    dense = sum(p.numel() for n, p in made.net.named_parameters() if "gru" in n or "bias" in n)
    assert measured.whole_model == pytest.approx(zeros / (sum(entries.values()) + dense))


def test_below_two_types_each_agent_has_its_mask() -> None:
    made = learner("kalei", SINGLE_TYPE)
    assert made.n_groups == SPEC.n_agents
    assert made.masked_weights()["fc2"].shape[0] == SPEC.n_agents
