"""K24: scores, statistics, and what the schedule does to masks, optimiser and targets."""

import dataclasses

import pytest
import torch

from algorithms.k24 import K24, K24Config
from algorithms.protocol import LayerFlops
from algorithms.sparsity.linear24 import EMAActivationTracker, SemiStructuredLinear24
from algorithms.sparsity.pattern24 import gumbel_noise
from tests.algorithms.worlds import ALL_PARTS, RUN, SPEC, batch, k24, learner, train


def layer(n_groups: int = 2, in_features: int = 10, out_features: int = 6) -> SemiStructuredLinear24:
    config = K24Config(straight_through=False, score_activation=True)
    return SemiStructuredLinear24(in_features, out_features, n_groups, config, torch.Generator().manual_seed(0))


def test_score_is_magnitude_times_weight_times_gate() -> None:
    made = layer()
    rows = torch.full((5, 10), -2.0)
    made.activation.observe(rows.abs().sum(0).expand(2, -1), torch.tensor([5, 5]))
    expected = 2.0 * made.weight.abs() * made.alpha.sigmoid()
    torch.testing.assert_close(made.scores(), expected)
    assert made.alpha.std().item() == pytest.approx(0.1, abs=0.03)


def test_gradients_reach_alpha_and_dropped_weights() -> None:
    made = layer(in_features=8)
    generator = torch.Generator().manual_seed(1)
    logits = made.logits()
    weights = made.sampled_weights(logits, 2.0, gumbel_noise(logits, generator))
    target = torch.randn(weights.shape, generator=generator)
    (weights * target).sum().backward()
    assert (made.alpha.grad != 0).all()
    assert (made.weight.grad != 0).all()


def test_types_part_on_a_shared_weight() -> None:
    masks = layer(n_groups=3, in_features=64, out_features=64).masks()
    assert not torch.equal(masks[0], masks[1])
    assert (masks[0] & masks[1]).float().mean() > 0.3  # yet agree mostly, since the weight is shared


def test_one_draw_is_held_over_an_update_and_changes_with_the_next() -> None:
    made = k24()
    first, second = made.update_weights(0).online["fc2"], made.update_weights(0).online["fc2"]
    assert not torch.equal(first != 0, second != 0)
    assert torch.equal(made.masked_weights()["fc2"], made.masked_weights()["fc2"])


def test_the_target_network_multiplies_under_the_same_draw() -> None:
    """Once it is a copy, it is the network that learns; with its best patterns (the broken twin) it is another."""
    for sampled in (True, False):
        made = k24(sampled_target=sampled)
        made.update(batch(), 0)
        made.synchronise_targets()
        drawn = made.update_weights(0)
        online, target = drawn.online, drawn.target
        assert [torch.equal(online[name], target[name]) for name in online] == [sampled] * 4
        assert not any(weight.requires_grad for weight in drawn.target.values())
        assert sampled or all(torch.equal(target[name], made.masked_weights()[name]) for name in target)


def test_values_do_not_feed_back() -> None:
    """0.1 a step without end is worth 10 at most; the best patterns (the broken twin) make far more of it."""
    worth = {}
    for sampled in (True, False):
        changes = {"sampled_target": sampled, "bootstrap_at_limit": True, "target_update_interval": 40, "lr": 0.003}
        made = learner("k24", seed=1, **ALL_PARTS, **changes)
        episodes = batch(seed=1, lengths=(12, 12))
        episodes.reward.fill_(0.1)
        episodes.terminated.fill_(False)
        for _ in range(160):
            worth[sampled] = float(made.update(episodes, 0)["q_taken"])
    assert 1 < worth[True] < 10
    assert worth[False] > 100


def test_noise_falls_with_the_temperature_only_where_asked() -> None:
    def share_of_best(made: K24, env_steps: int) -> float:
        drawn = made.update_weights(env_steps).online["fc2"] != 0
        return (drawn == made.layers()["fc2"].masks()).float().mean().item()

    plain, annealed = k24(noise_anneal=False), k24()
    assert share_of_best(plain, 0) == share_of_best(annealed, 0) == pytest.approx(share_of_best(plain, 803), abs=0.05)
    assert share_of_best(annealed, 803) > 0.95 > share_of_best(plain, 803)


def test_temperature_ramp() -> None:
    made = k24()
    assert [made.temperature(t) for t in (0, 402, 804, 1005)] == pytest.approx([5.0, 2.6, 0.2, 0.2])
    assert made.schedule() == {
        **{"total_env_steps": RUN, "epsilon_anneal_time": RUN // 2, "anneal_end_step": 804, "dense_end_step": 0},
        **{"reset_interval": 50, "reset_ratio": 0.2, "finetune_start_step": 804},
    }
    published = learner("k24", **ALL_PARTS).schedule()
    assert (published["anneal_end_step"], published["reset_interval"]) == (8_040_000, 500_000)


def test_a_reset_touches_only_what_every_type_drops() -> None:
    made = layer(n_groups=2, in_features=64, out_features=64)
    weight, alpha = made.weight.detach().clone(), made.alpha.detach().clone()
    dropped = ~made.masks().any(0)
    count = made.reset_unused(0.2, torch.Generator().manual_seed(1))
    changed = made.weight != weight
    assert not changed[~dropped].any()
    assert count == changed.sum() > 0
    assert changed[dropped].float().mean().item() == pytest.approx(0.2, abs=0.04)
    assert torch.equal((made.alpha != alpha).all(0), changed)
    assert made.weight[changed].abs().max() <= 1 / 8  # U(−1/√64, 1/√64)


def test_restarts_come_each_interval_until_the_freeze_and_spare_fc1() -> None:
    made = k24()
    fc1 = made.net.fc1.weight.detach().clone()
    events = {t: made.advance(t) for t in range(0, RUN, 10)}
    resets = [t for t, lines in events.items() if lines and "reset" in lines[0]]
    assert resets == list(range(50, 801, 50))
    assert [t for t, lines in events.items() if lines and "frozen" in lines[0]] == [810]
    assert torch.equal(made.net.fc1.weight, fc1)


def test_freeze_is_rewind_and_finetune() -> None:
    made = k24()
    for i in range(3):
        assert "div_coef" in made.update(batch(seed=i), 0)
    masks = {name: masked.masks() for name, masked in made.layers().items()}
    assert not torch.equal(made.target_net.fc2.weight, made.net.fc2.weight)
    (line,) = made.advance(804)
    assert line.startswith("env_step 804: masks frozen (pattern overlap 0.")
    assert line.endswith("finetuning at lr 0.0009")
    assert made.optimizer.param_groups[0]["lr"] == pytest.approx(9e-4)
    assert len(made.optimizer.state) == 0
    assert torch.equal(made.target_net.fc2.weight, made.net.fc2.weight)
    assert torch.equal(made.target_net.fc2.frozen_mask, masks["fc2"])
    alpha, weight = made.net.fc2.alpha.detach().clone(), made.net.fc2.weight.detach().clone()
    for i in range(3):
        assert "div_coef" not in made.update(batch(seed=i), 900)
    assert made.advance(1000) == []
    assert torch.equal(made.net.fc2.alpha, alpha)
    assert not torch.equal(made.net.fc2.weight, weight)
    for name, masked in made.layers().items():
        assert torch.equal(masked.masks(), masks[name])
        assert torch.equal(made.masked_weights()[name] != 0, masks[name])


def test_frozen_masks_survive_a_checkpoint() -> None:
    made = k24()
    made.advance(900)
    resumed = k24(seed=3)
    resumed.load_state_dict(made.state_dict())
    assert resumed.frozen
    assert resumed.advance(1000) == []
    for name, masked in made.layers().items():
        assert torch.equal(resumed.layers()[name].masks(), masked.masks())


def test_finetune_ratio_one_never_freezes() -> None:
    made = k24(finetune_start_ratio=1.0)
    assert not any("frozen" in line for t in (500, 1005, 2000) for line in made.advance(t))


def test_mean_magnitude_is_bias_corrected() -> None:
    tracker = EMAActivationTracker(2, 1, momentum=0.9)
    assert tracker.value().tolist() == [[1.0, 1.0]]  # before anything was seen
    tracker.observe(torch.tensor([[4.0, 6.0]]), torch.tensor([2]))
    torch.testing.assert_close(tracker.value(), torch.tensor([[2.0, 3.0]]))
    tracker.observe(torch.tensor([[4.0, 5.0]]), torch.tensor([1]))
    # (0.9 · 0.1 · m1 + 0.1 · m2) / (1 − 0.81)
    torch.testing.assert_close(tracker.value(), torch.tensor([[(0.18 + 0.4) / 0.19, (0.27 + 0.5) / 0.19]]))
    before = tracker.value()
    tracker.observe(torch.zeros(1, 2), torch.zeros(1))  # nobody alive
    assert torch.equal(tracker.value(), before)


def test_mean_magnitude_per_type_leaves_absent_types_alone() -> None:
    tracker = EMAActivationTracker(1, 2, momentum=0.9)
    tracker.observe(torch.tensor([[2.0], [0.0]]), torch.tensor([1, 0]))
    torch.testing.assert_close(tracker.value(), torch.tensor([[2.0], [1.0]]))


def test_only_filled_rows_of_living_units_are_tracked() -> None:
    """fc1 sees obs 1 on living and 100 on dead units and on the last view."""
    episodes = batch()
    no_op = torch.zeros_like(episodes.action_mask)
    no_op[..., 0] = True
    alive = torch.ones_like(no_op)
    dead = torch.rand(no_op.shape[:3], generator=torch.Generator().manual_seed(0)) < 0.4
    steps = torch.cat([episodes.filled, torch.zeros(4, 1, dtype=torch.bool)], 1)
    counted = ~dead & steps[:, :, None]
    obs = torch.where(counted[..., None], -1.0, 100.0).expand_as(episodes.obs).contiguous()
    made = k24()
    mask = torch.where(dead[..., None], no_op, alive)
    made.update(dataclasses.replace(episodes, obs=obs, action_mask=mask), env_steps=0)
    tracked = made.net.fc1.activation.value()[0]
    torch.testing.assert_close(tracked[: SPEC.obs_size], torch.ones(SPEC.obs_size))
    agents = counted.sum((0, 1)) / counted.sum()
    torch.testing.assert_close(tracked[-SPEC.n_agents :], agents)
    assert torch.equal(made.target_net.fc1.activation.count, torch.zeros(1, dtype=torch.int64))


def test_sparsity_is_half_on_full_groups_and_counts_real_entries() -> None:
    measured = k24().sparsity()
    for name in ("fc2", "fc3", "fc4"):
        assert measured.per_layer[name] == [0.5] * 3
    assert measured.per_layer["fc1"] == [8 / 17] * 3  # 17 inputs: four full groups, one entry that is always kept


def test_rewind_returns_all_weights_but_keeps_the_masks() -> None:
    made = k24(rewind_ratio=0.3, reset_ratio=0.0)
    train(made, 2)
    (line,) = made.advance(302)
    assert line == "env_step 302: weights remembered for the rewind"
    remembered = {
        name: p.detach().clone() for name, p in [*made.net.named_parameters(), *made.mixer.named_parameters()]
    }
    train(made, 4, 400)
    resumed = k24(seed=3, rewind_ratio=0.3, reset_ratio=0.0)
    resumed.load_state_dict(made.state_dict())
    for each in (made, resumed):
        masks = {name: masked.masks() for name, masked in each.layers().items()}
        (frozen,) = each.advance(804)
        assert ", weights rewound, finetuning at lr 0.0009" in frozen
        for name, p in [*each.net.named_parameters(), *each.mixer.named_parameters()]:
            assert torch.equal(p, remembered[name]) is not name.endswith("alpha"), name
        for name, masked in each.layers().items():
            assert torch.equal(masked.masks(), masks[name])
        assert torch.equal(each.target_net.fc2.weight, each.net.fc2.weight)
        assert torch.equal(each.target_mixer.first.weight, each.mixer.first.weight)


def test_rewind_to_the_start_is_to_the_initial_weights() -> None:
    made = k24(rewind_ratio=0.0)
    initial = made.net.fc3.weight.detach().clone()
    made.update(batch(), 0)
    made.advance(804)
    assert torch.equal(made.net.fc3.weight, initial)


@pytest.mark.parametrize("changes", [{"rewind_ratio": 0.8}, {"rewind_ratio": 0.1, "finetune_start_ratio": 1.0}])
def test_a_rewind_needs_a_freeze_after_it(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="it must be at least 0 and below finetune_start_ratio"):
        k24(**changes)


def test_flops_kept() -> None:
    width = SPEC.obs_size + SPEC.n_actions + SPEC.n_agents  # 17, of which 9 are kept
    found = k24().flops()
    assert list(found) == ["fc1", "gru_ih", "gru_hh", "fc2", "fc3", "fc4"]
    assert (found["fc1"].dense, found["fc1"].kept) == (2 * 16 * width, 2 * 16 * 9)
    assert found["gru_ih"].kept == found["gru_ih"].dense == 2 * 48 * 16
    all_masked = k24(mask_gru=True).flops()
    assert list(all_masked) == list(found)
    assert all_masked["gru_hh"].kept == all_masked["gru_hh"].dense / 2
    assert LayerFlops.total(all_masked.values()).dense == LayerFlops.total(found.values()).dense
    assert LayerFlops.total(learner("qmix").flops().values()).kept == LayerFlops.total(found.values()).dense


def test_an_agent_with_nothing_to_do_counts_where_it_may_be_alive() -> None:
    """Input magnitudes are averaged over living agents; each agent's id then is on in a third of all rows."""
    shares = {}
    for dead in (True, False):
        made = learner("k24", dataclasses.replace(SPEC, only_noop_means_dead=dead), score_activation=True)
        made.update(batch(), 0)
        layer = made.layers()["fc1"]
        shares[dead] = layer.activation.value()[0, -SPEC.n_agents :]
    torch.testing.assert_close(shares[False], torch.full((3,), 1 / 3))
    assert (shares[True] - 1 / 3).abs().max() > 0.01
