"""Changes to K24's search for masks: gradients against finite differences, phases, what stays and what moves."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor

from algorithms.k24 import K24, K24Config
from algorithms.sparsity.linear24 import SemiStructuredLinear24
from algorithms.sparsity.pattern24 import is_24
from tests.algorithms.plain import batch_in_float64, finite_differences, in_float64
from tests.algorithms.worlds import ALL_PARTS, RUN, SINGLE_TYPE, SPEC, batch, check_mask24, k24, learner, train

QUIET: dict[str, Any] = {"straight_through": True, "noise": False}
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {name: getattr(K24Config(), name) for name in ALL_PARTS},
    "all parts": {},
    "noise at full strength": {"noise_anneal": False, "sampled_target": False},
    "straight through": {"straight_through": True},
    "no noise": {"noise": False},
    "both": QUIET,
    "no freeze": {**QUIET, "finetune_start_ratio": 1.0},
    "sharpness": {"sharpness_init": 3.0},
    "continuous": {**QUIET, "continuous": True, "finetune_start_ratio": 1.0},
    "held": {**QUIET, "hold_updates": 2},
    "dense first": {**QUIET, "dense_ratio": 0.2},
    "evidence": {**QUIET, "dense_ratio": 0.2, "alpha_evidence": True},
    "fc1 and head dense": {**QUIET, "mask_fc1": False, "mask_head": False},
    "noise, fc1 and head dense": {"mask_fc1": False, "mask_head": False},
    "fast alpha": {**QUIET, "alpha_lr_scale": 10.0},
    "scaled weights": {**QUIET, "weight_init_scale": 1.12, "weight_lr_scale": 2.0},
    "gru": {**QUIET, "mask_gru": True},
    "no score but magnitude": {**QUIET, "score_activation": False, "score_alpha": False},
}


def layer(**changes: Any) -> SemiStructuredLinear24:
    """Ten inputs, so that the last group of four holds two; three mask groups; float64; inputs of unequal size."""
    usual = {"alpha_init_std": 0.5, "ema_momentum": 0.9, "decay": 0.3, "score_activation": True}
    config = K24Config(**{**usual, **changes})
    made = SemiStructuredLinear24(10, 4, 3, config, torch.Generator().manual_seed(0)).double()
    rows = torch.linspace(0.5, 2.0, 10).double().expand(5, 10)
    made.activation.observe(rows.abs().sum(0).expand(3, -1), torch.full((3,), 5))
    return made


def curved(weights: Tensor) -> Tensor:
    """A loss of the gated weights, neither linear nor the same for two of them."""
    factors = torch.linspace(-1, 1, weights.numel(), dtype=weights.dtype).view(weights.shape)
    return (factors * weights + (weights - 0.1 * factors).square()).sum()


@pytest.mark.parametrize("continuous", [False, True])
def test_every_weight_gets_the_gradient_of_its_products(continuous: bool) -> None:
    """Finite differences in the products W_k, kept and dropped ones, summed over types, plus the decay."""
    made = layer(continuous=continuous)
    weights = made.sampled_weights(made.logits(), 1.0, None)
    assert torch.equal(weights, made.effective_weights())
    curved(weights).backward()
    products = weights.detach().clone()
    by_hand = finite_differences(lambda: curved(products), products).sum(0)
    by_hand += 0.3 * made.weight.detach() * ~made.masks().any(0)
    torch.testing.assert_close(made.weight.grad, by_hand, rtol=1e-6, atol=1e-7)
    assert (made.weight.grad[~made.masks().any(0)] != 0).all()


def test_alpha_gets_the_gradient_of_the_softmax_alone() -> None:
    """Finite differences in α of the loss whose masks are replaced by hard + soft − its present soft mask."""
    made = layer()
    temperature = 1.7
    curved(made.sampled_weights(made.logits(), temperature, None)).backward()
    with torch.no_grad():
        present = (made.logits() / temperature).softmax(-1)
        hard = made.masks()

    def surrogate() -> Tensor:
        soft = (made.logits() / temperature).softmax(-1)
        return curved(made.weight * (hard + made.pattern.keep_chance(soft - present)))

    by_hand = finite_differences(surrogate, made.alpha.data)
    torch.testing.assert_close(made.alpha.grad, by_hand, rtol=1e-3, atol=1e-5)  # the norm's eps
    assert (by_hand[..., :8] != 0).all()  # the last group of four is padded to one possible mask


def test_continuous_gates_have_their_true_gradient_in_alpha() -> None:
    made = layer(continuous=True)
    curved(made.sampled_weights(made.logits(), 1.0, None)).backward()
    by_hand = finite_differences(lambda: curved(made.effective_weights()), made.alpha.data)
    torch.testing.assert_close(made.alpha.grad, by_hand, rtol=1e-5, atol=1e-7)
    assert (by_hand != 0).sum() > by_hand.numel() / 2


def test_continuous_weights_do_not_jump_where_hard_ones_do() -> None:
    jumps = {}
    for continuous in (False, True):
        made = layer(continuous=continuous, score_alpha=False, score_activation=False)
        with torch.no_grad():
            made.weight[0, :4] = torch.tensor([0.9, 0.5 - 1e-6, 0.5, 0.1])
            before, old = made.effective_weights()[0, 0, :4].clone(), made.masks()
            made.weight[0, 1] += 2e-6
            assert not torch.equal(old, made.masks())
            jumps[continuous] = (made.effective_weights()[0, 0, :4] - before).abs().max().item()
    assert jumps[True] < 1e-5
    assert jumps[False] == pytest.approx(0.5, abs=1e-5)


def test_soft_threshold_by_hand() -> None:
    made = layer(continuous=True, score_alpha=False, score_activation=False)
    with torch.no_grad():
        made.rescale.fill_(2.0)
        made.weight[0] = torch.tensor([0.9, -0.5, 0.3, 0.1, 4.0, -1.0, 2.0, -3.0, 0.7, -0.2])
    expected = torch.tensor([1.2, -0.4, 0.0, 0.0, 4.0, 0.0, 0.0, -2.0, 1.4, -0.4]).double()
    torch.testing.assert_close(made.effective_weights()[1, 0], expected)


def test_rescale_is_the_least_squares_factor_and_stays() -> None:
    made = layer(continuous=True, score_alpha=False, score_activation=False)
    gated = made.effective_weights().detach() / made.rescale
    distance = [
        (made.weight.detach() - factor * gated).square().sum()
        for factor in made.rescale * torch.tensor([0.99, 1, 1.01])
    ]
    assert min(distance) == distance[1]
    before = made.rescale.clone()
    with torch.no_grad():
        made.weight.mul_(3.0).add_(0.1)
    assert torch.equal(made.rescale, before)


@pytest.mark.parametrize("alpha", [False, True])
def test_without_what_alpha_learns_it_is_magnitude_masks(alpha: bool) -> None:
    """Straight-through, no noise, α absent or one number for all: five updates equal those of ``k24-magnitude``."""
    changes = {**QUIET, "score_activation": False, "div_coef": 0.0, "reset_ratio": 0.0, "finetune_start_ratio": 1.0}
    how = {"alpha_init_std": 0.0, "alpha_lr_scale": 0.0} if alpha else {"score_alpha": False}
    made, magnitude = k24(**changes, **how, lr=0.01), learner("k24-magnitude", total_env_steps=RUN, lr=0.01)
    shared = set(magnitude.net.state_dict()) & set(made.net.state_dict())
    with torch.no_grad():
        for name, p in made.net.named_parameters():
            if name in shared:
                p.copy_(magnitude.net.get_parameter(name))
    made.mixer.load_state_dict(magnitude.mixer.state_dict())
    for each in (made, magnitude):
        each.synchronise_targets()
        in_float64(each)
    before = made.net.fc2.chosen_patterns()
    for i in range(5):
        episodes = batch_in_float64(batch(seed=i))
        ours, theirs = (each.update(episodes, 0) for each in (made, magnitude))
        assert float(ours["td_loss"]) == pytest.approx(float(theirs["td_loss"]), rel=1e-9)
    for name, p in magnitude.net.named_parameters():
        torch.testing.assert_close(made.net.get_parameter(name), p, rtol=1e-8, atol=1e-10)
    assert (made.net.fc2.chosen_patterns() != before).any(), "the masks moved as well"
    assert torch.equal(made.net.fc2.masks()[0], made.net.fc2.masks()[2])


def check_every_mask(made: K24, env_steps: int) -> None:
    """Masks and weights of acting, training and the target network, all layers and types."""
    for name, masked in made.layers().items():
        for each in (masked, made.target_net.get_submodule(name)):
            mask = each.masks()
            check_mask24(mask, name)
            if mask.shape[-1] % 4 == 1:
                assert mask[..., -1].all(), "a single real entry beside three of padding is kept"
    generator = made._mask_rng.get_state()
    trained = made.update_weights(env_steps).online
    made._mask_rng.set_state(generator)
    for weights in (trained, made.net.effective_weights(), made.target_net.effective_weights(), made.masked_weights()):
        for name, weight in weights.items():
            if made.dense or name not in made.layers():
                assert (weight != 0).all()
            else:
                assert is_24(weight), name
                dropped = (~made.layers()[name].masks()).sum()  # a soft gate may be 0 as well where inputs are
                assert (weight == 0).sum() >= dropped if made.config.continuous else (weight == 0).sum() == dropped


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("spec", [SPEC, SINGLE_TYPE], ids=["types", "agents"])
def test_two_of_four_in_every_phase_and_padding_displaces_nothing(name: str, spec: Any) -> None:
    how = {"target_update_interval": 8, "reset_interval": 500_000, **ALL_PARTS, **VARIANTS[name]}
    made = learner("k24", spec, total_env_steps=RUN, **how)
    check_every_mask(made, 0)
    phases, said = [], ""
    for env_steps in (0, 150, 250, 500, 810, 900):
        said += " ".join(made.advance(env_steps))
        check_every_mask(made, env_steps)
        made.update(batch(seed=env_steps, spec=spec), env_steps)
        check_every_mask(made, env_steps)
        phases.append((made.dense, made.frozen))
    dense, freezes = "dense_ratio" in VARIANTS[name], "finetune_start_ratio" not in VARIANTS[name]
    assert phases == [(dense, False)] * 2 + [(False, False)] * 2 + [(False, freezes)] * 2
    assert ("were reset" in said) is (name != "default")


def test_a_layer_that_keeps_three_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken twin of the test above."""
    made = k24()
    good = SemiStructuredLinear24.masks

    def keeps_three(self: SemiStructuredLinear24) -> Tensor:
        mask = good(self)
        mask[0, 0, :3] = True
        return mask

    monkeypatch.setattr(SemiStructuredLinear24, "masks", keeps_three)
    with pytest.raises(AssertionError, match=r"fc1 does not keep two of four: \[\[0, 0, 0\]\]"):
        check_every_mask(made, 0)


@pytest.mark.parametrize("name", VARIANTS)
def test_weights_alpha_and_patterns_move(name: str) -> None:
    made = k24(**{**VARIANTS[name], "lr": 0.01, "reset_ratio": 0.0})
    made.advance(300)  # past the dense part, before the freeze
    weight, patterns = made.net.fc2.weight.detach().clone(), made.net.fc2.chosen_patterns()
    alpha = None if made.net.fc2.alpha is None else made.net.fc2.alpha.detach().clone()
    train(made, 8, 300)
    assert (made.net.fc2.weight != weight).float().mean() > 0.7  # some units never fire
    assert 0 < (made.net.fc2.chosen_patterns() != patterns).float().mean() < 0.9
    if alpha is not None:
        assert (made.net.fc2.alpha != alpha).float().mean() > 0.5


def test_a_fixed_alpha_stays_while_all_else_moves() -> None:
    made = k24(**QUIET, alpha_lr_scale=0.0, lr=0.01)
    start = {name: p.detach().clone() for name, p in made.net.named_parameters()}
    train(made, 4)
    for env_steps in range(0, RUN, 40):
        made.advance(env_steps)
    for name, p in made.net.named_parameters():
        assert torch.equal(p, start[name]) is name.endswith("alpha"), name
    assert "gradient_alpha" not in made.diagnostics()
    assert made.diagnostics()["alpha_moved"] == 0


def test_alpha_learns_at_a_rate_of_its_own() -> None:
    """Adam's first step has the size of the learning rate."""
    made = k24(**QUIET, alpha_lr_scale=10.0)
    alpha, weight = made.net.fc2.alpha.detach().clone(), made.net.fc2.weight.detach().clone()
    made.update(batch(), 0)
    rate = made.config.lr
    assert (made.net.fc2.alpha - alpha).abs().median().item() == pytest.approx(10 * rate, rel=0.05)
    assert (made.net.fc2.weight - weight).abs().median().item() == pytest.approx(rate, rel=0.05)
    made.advance(804)
    assert [group["lr"] for group in made.optimizer.param_groups] == pytest.approx([9e-4, 9e-3])


def test_masked_weights_learn_at_a_rate_of_their_own() -> None:
    """The weights of masked layers alone: not their biases, not the GRU, not a layer that is left dense."""
    made = k24(**QUIET, weight_lr_scale=2.0, mask_head=False)
    before = {name: p.detach().clone() for name, p in made.net.named_parameters()}
    made.update(batch(), 0)
    for name, p in made.net.named_parameters():
        if name == "fc4.alpha":  # of the layer without masks
            continue
        scale = 2 if name in ("fc1.weight", "fc2.weight", "fc3.weight") else 1
        moved = (p - before[name]).abs()
        assert moved[moved > 0].median().item() == pytest.approx(scale * made.config.lr, rel=0.05), name


def test_masked_weights_start_larger() -> None:
    """In both networks, and again after a reset; a layer that is left dense starts as it did."""
    plain, made = k24(**QUIET, mask_head=False), k24(**QUIET, weight_init_scale=1.25, mask_head=False)
    for name, p in plain.net.named_parameters():
        scale = 1.25 if name in ("fc1.weight", "fc2.weight", "fc3.weight") else 1
        assert torch.equal(made.net.get_parameter(name), scale * p), name
        assert torch.equal(made.target_net.get_parameter(name), scale * p), name
    again = torch.Generator()
    for net in (plain.net, made.net):
        net.fc2.reset_unused(1.0, again.manual_seed(0))
    assert torch.equal(made.net.fc2.weight, 1.25 * plain.net.fc2.weight)


def test_sharpness_rises_linearly() -> None:
    made = k24(sharpness_init=3.0, sharpness_final=15.0, sharpness_ramp=0.25)
    steps = (0, RUN / 8, RUN / 4, RUN / 2)
    assert [5.0 / made.temperature(t) for t in steps] == pytest.approx([3.0, 9.0, 15.0, 15.0])
    assert [1 / made.noise_scale(t) for t in steps] == pytest.approx([3.0, 9.0, 15.0, 15.0])
    assert k24(noise=False).noise_scale(0) == 0


def test_without_noise_nothing_is_drawn_and_both_networks_take_the_best() -> None:
    made = k24(noise=False)
    generator = made._mask_rng.get_state()
    made.update(batch(), 0)
    assert torch.equal(made._mask_rng.get_state(), generator)
    for name, weight in made.update_weights(0).online.items():
        assert torch.equal(weight, made.masked_weights()[name])
        assert torch.equal(made.update_weights(0).target[name], made.target_net.effective_weights()[name])


def test_held_masks_stay_until_they_are_chosen_again() -> None:
    made = k24(**QUIET, hold_updates=3, hold_margin=0.0, lr=0.02)
    changed = []
    for i in range(7):
        before = made.net.fc2.chosen_patterns()
        made.update(batch(seed=i), 0)
        changed.append(not torch.equal(made.net.fc2.chosen_patterns(), before))
    assert changed == [False, False, False, True, False, False, True]


def test_held_masks_change_only_for_a_better_score() -> None:
    made = layer(score_alpha=False, score_activation=False)
    with torch.no_grad():
        made.weight.fill_(0.1)
        made.weight[:, :2] = 1.0
        made.hold(0.1)
        made.weight[0, 2], made.weight[1, 2] = 1.19, 1.21  # sums 2.19 and 2.21 against 2 · 1.1
        made.hold(0.1)
    kept = made.masks()[0, :, :4].int().tolist()
    assert kept[0] == [1, 1, 0, 0]
    assert kept[1] == [1, 0, 1, 0]
    assert torch.equal(made.masks()[0], made.masks()[1])


def test_wide_masks_keep_as_much_as_a_dense_network() -> None:
    """Hidden 96 at 2:4, GRU included, against 64 dense: at the sizes of terran_5_vs_5, within a tenth."""
    spec = dataclasses.replace(SPEC, n_agents=5, n_enemies=5, n_actions=11, obs_size=82)
    wide = learner("k24", spec, rnn_hidden_dim=96, mask_gru=True).flops()
    dense = learner("qmix", spec, rnn_hidden_dim=64).flops()
    kept, whole = (sum(getattr(each, part) for each in of.values()) for of, part in ((wide, "kept"), (dense, "dense")))
    assert kept / whole == pytest.approx(1, abs=0.1)
