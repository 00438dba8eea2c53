"""Each control differs from what it is held against in one thing, and in that thing it does."""

import pytest
import torch

from algorithms import registry
from algorithms.controls.dense import VDNMixer
from algorithms.controls.plain_masks import MagnitudeLinear24
from algorithms.q_learning.learner import QLearner
from algorithms.sparsity.pattern24 import is_24
from tests.algorithms.worlds import RUN, SINGLE_TYPE, SPEC, batch, check_mask24, learner, same_parameters, train

TWO_OF_FOUR = [id for id in registry.ids() if id.startswith("k24")]


def after_a_run(id: str, **changes: object) -> tuple[QLearner, list[str]]:
    """A learner taken through a whole short run, and what it said."""
    made = learner(id, total_env_steps=RUN, **changes)
    lines: list[str] = []
    for i, env_steps in enumerate(range(0, RUN, 67)):
        lines += made.advance(env_steps)
        made.update(batch(seed=i), env_steps)
    return made, lines


@pytest.mark.parametrize("id", TWO_OF_FOUR)
@pytest.mark.parametrize("mask_gru", [False, True])
def test_every_k24_keeps_two_of_four(id: str, mask_gru: bool) -> None:
    made, _ = after_a_run(id, mask_gru=mask_gru)
    names = ["fc1", "gru_ih", "gru_hh", "fc2", "fc3", "fc4"] if mask_gru else ["fc1", "fc2", "fc3", "fc4"]
    for weights in (made.masked_weights(), made.update_weights(RUN).online, made.target_net.effective_weights()):
        assert list(weights) == names
        for name, weight in weights.items():
            assert is_24(weight), name
    assert made.sparsity().per_layer[names[1]] == [0.5] * made.n_groups


PARTS = {
    "k24-with-c": {"diversity"},
    "k24-with-resets": {"resets"},
    "k24-with-finetune": {"freeze"},
    "k24-described": {"diversity", "resets", "freeze"},
}
WITHOUT = ["k24", "k24-with-ema", "k24-alpha-fixed", "k24-magnitude-per-type", "k24-wide", "k24-gru", "k24-static"]


@pytest.mark.parametrize("id", [*PARTS, *WITHOUT, "k24-magnitude"])
def test_which_parts_are_at_work(id: str) -> None:
    _, lines = after_a_run(id)
    parts = PARTS.get(id, set())
    assert any("reset" in line for line in lines) is ("resets" in parts)
    assert any("frozen" in line for line in lines) is ("freeze" in parts)
    asked = learner(id).update(batch(), 0)
    assert (float(asked.get("div_coef", 0.0)) > 0) is ("diversity" in parts)
    assert (float(asked["loss"]) > float(asked["td_loss"])) is ("diversity" in parts)


def test_without_alpha_the_score_is_the_magnitude() -> None:
    made = learner("k24", score_alpha=False)
    assert not any("alpha" in name for name, _ in made.net.named_parameters())
    made.update(batch(), 0)
    assert made.net.fc1.activation.count.item() == 0, "inputs are not even looked at"
    scores = made.net.fc2.scores()
    assert all(torch.equal(of_type, made.net.fc2.weight.abs()) for of_type in scores)
    masks = made.net.fc2.masks()
    assert torch.equal(masks[0], masks[1])
    half = learner("k24", score_activation=False).net.fc2
    torch.testing.assert_close(half.scores(), half.weight.abs() * half.alpha.sigmoid())


def test_the_described_form_draws_at_full_strength_and_aims_at_best_patterns() -> None:
    made = learner("k24-described", total_env_steps=RUN)
    assert [made.temperature(t) for t in (0, 804)] == pytest.approx([5.0, 0.2])
    assert [made.noise_scale(t) for t in (0, 803)] == [1.0, 1.0]
    for name, target in made.update_weights(0).target.items():
        assert torch.equal(target, made.target_net.effective_weights()[name])


def test_magnitudes_per_type_part_the_types_without_alpha() -> None:
    """Each type's inputs have another size, and its mask follows them."""
    made = learner("k24-magnitude-per-type")
    assert not any("alpha" in name for name, _ in made.net.named_parameters())
    assert torch.equal(made.net.fc2.masks()[0], made.net.fc2.masks()[1])
    train(made, 3)
    assert not torch.equal(made.net.fc2.masks()[0], made.net.fc2.masks()[1])
    magnitude = made.net.fc2.activation.value()
    by_hand = made.net.fc2.pattern.hard(made.net.fc2.pattern.logits(magnitude.unsqueeze(1) * made.net.fc2.weight.abs()))
    assert torch.equal(made.net.fc2.masks(), by_hand.bool())


def test_the_masked_gru_and_the_wide_network() -> None:
    gru, wide = registry.config_class("k24-gru")(), registry.config_class("k24-wide")()
    assert (gru.mask_gru, gru.rnn_hidden_dim) == (True, 64)
    assert (wide.mask_gru, wide.rnn_hidden_dim) == (True, 96)


def test_static_masks_are_drawn_once_use_all_patterns_and_never_change() -> None:
    made, _ = after_a_run("k24-static")
    fresh, other = learner("k24-static", total_env_steps=RUN), learner("k24-static", seed=1)
    for name in ("fc1", "fc2", "fc3", "fc4"):
        mask = made.net.get_submodule(name).mask
        check_mask24(mask, name)
        assert torch.equal(mask, fresh.net.get_submodule(name).mask)
        assert torch.equal(mask, made.target_net.get_submodule(name).mask)
        assert not torch.equal(mask, other.net.get_submodule(name).mask)
        assert not torch.equal(mask[0], mask[1])
    groups = made.net.fc2.mask.unflatten(-1, (-1, 4)).flatten(0, 2).unique(dim=0)
    assert len(groups) == 6


def test_magnitude_keeps_the_two_largest_and_trains_the_others() -> None:
    layer = MagnitudeLinear24(8, 2, 0.5, torch.Generator().manual_seed(0))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, -3, 2, 0.5, 4, 3, -2, 1], [0.1, 0.2, 0.3, 0.4, -4, -3, -2, -1]]))
    kept = torch.tensor([[[0, 1, 1, 0, 1, 1, 0, 0], [0, 0, 1, 1, 1, 1, 0, 0]]]).bool()
    assert torch.equal(layer.mask(), kept)
    weights = layer.trained_weights()
    assert torch.equal(weights, layer.effective_weights())
    slope = torch.randn(weights.shape, generator=torch.Generator().manual_seed(1))
    (weights * slope).sum().backward()
    torch.testing.assert_close(layer.weight.grad, slope[0] + 0.5 * layer.weight.detach() * ~kept[0])


def test_magnitude_masks_move_and_are_recorded() -> None:
    made = learner("k24-magnitude", lr=0.02)
    made.diagnostics()
    train(made, 4)
    found = made.diagnostics()
    assert found["pattern_churn"] > 0
    assert "pattern_use/fc2/all/1100" in found


def test_vdn_adds_up_and_has_no_setting_of_a_mixer() -> None:
    q = torch.tensor([[1.0, 2.0, 4.0], [-1.0, 0.5, 0.0]])
    assert VDNMixer()(q, torch.zeros(2, 9)).tolist() == [7.0, -0.5]
    fields = set(registry.config_class("qmix").__dataclass_fields__) - set(
        registry.config_class("vdn").__dataclass_fields__
    )
    assert fields == {"mixing_embed_dim", "hypernet_embed"}


def test_without_ids_agents_that_see_alike_act_alike() -> None:
    obs = torch.rand(4, 1, SPEC.obs_size, generator=torch.Generator().manual_seed(0)).expand(4, SPEC.n_agents, -1)
    last, legal = torch.full((4, SPEC.n_agents), -1), torch.ones(4, SPEC.n_agents, SPEC.n_actions, dtype=torch.bool)
    unit_type = torch.zeros(4, SPEC.n_agents, dtype=torch.int64)
    alike = {}
    for id in ("qmix", "qmix-no-ids"):
        made = learner(id)
        _, hidden = made.choose_actions(obs, last, legal, unit_type, made.initial_state(4)["hidden"], epsilon=0.0)
        alike[id] = torch.allclose(hidden[:, 0], hidden[:, 1], atol=1e-6)
    assert alike == {"qmix": False, "qmix-no-ids": True}


def test_networks_per_type_share_nothing() -> None:
    """An update on episodes of one type leaves the networks of the others as they are."""
    made = learner("qmix-per-type")
    episodes = batch()
    episodes.unit_type.fill_(1)
    before = {name: p.detach().clone() for name, p in made.net.named_parameters()}
    made.update(episodes, 0)
    assert set(before) == {f"{n}.{p}" for n in made.net.prunable() for p in ("weight", "bias")}
    for name, p in made.net.named_parameters():
        assert [bool((p[k] != before[name][k]).any()) for k in range(3)] == [False, True, False], name
    assert made.sparsity().masked_layers == 0
    assert learner("qmix-per-type", SINGLE_TYPE).n_groups == 1


@pytest.mark.parametrize("name", [id for id in registry.ids() if id != "mappo"])
def test_the_passes_of_every_algorithm_can_be_compiled_before_it_trains(name: str) -> None:
    """Nothing that a run notices is changed by it."""
    made, other = learner(name), learner(name)
    made.compile()
    assert same_parameters(made, other)
    made.update(batch(), 0)
    assert made.updates == 1
