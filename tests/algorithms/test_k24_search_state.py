"""Diagnostics of the search for masks say what the tensors show, by hand and by drawing."""

from __future__ import annotations

import math

import pytest
import torch

from algorithms.sparsity.pattern24 import gumbel_noise
from algorithms.sparsity.search_state import describe_search, gradient_sizes
from tests.algorithms.worlds import batch, k24, learner, same_parameters

NAMES = ("draws_differ", "best_chance", "energy_drawn", "energy_best", "alpha_moved", "alpha_flips")
AFTER_AN_UPDATE = ("gradient_kept", "gradient_dropped", "gradient_alpha", "q_best")


def test_chances_and_energies_are_those_of_draws() -> None:
    made = k24()
    scale, layer = 0.5, made.net.fc2
    found = describe_search(made.layers(), scale)
    generator, logits = torch.Generator().manual_seed(1), layer.logits().detach()
    draws = [(logits + scale * gumbel_noise(logits, generator)) for _ in range(200)]
    chosen = torch.stack([drawn.argmax(-1) for drawn in draws])
    squares = layer.weight.detach().square().expand(3, -1, -1)
    energy = torch.stack([(layer.pattern.hard(drawn) * squares).sum() for drawn in draws]).mean() / squares.sum()
    assert found["draws_differ/fc2"] == pytest.approx((chosen[:100] != chosen[100:]).double().mean().item(), abs=0.01)
    assert found["best_chance/fc2"] == pytest.approx((chosen == logits.argmax(-1)).double().mean().item(), abs=0.01)
    assert found["energy_drawn/fc2"] == pytest.approx(energy.item(), abs=0.005)
    best = (layer.masks() * squares).sum() / squares.sum()
    assert found["energy_best/fc2"] == pytest.approx(best.item())
    assert found["energy_drawn/fc2"] < found["energy_best/fc2"] < 1
    assert found["draws_differ"] == pytest.approx(sum(found[f"draws_differ/fc{i}"] for i in (1, 2, 3, 4)) / 4)


def test_without_noise_the_best_pattern_is_certain() -> None:
    found = k24(noise=False).diagnostics()
    assert (found["draws_differ"], found["best_chance"]) == (0, 1)
    assert found["energy_drawn"] == pytest.approx(found["energy_best"])


def test_sharper_draws_differ_less() -> None:
    made = k24()
    differ = [describe_search(made.layers(), scale)["draws_differ"] for scale in (1.0, 0.4, 0.2, 0.04)]
    assert differ == sorted(differ, reverse=True)
    assert differ[0] > 0.6
    assert differ[-1] < 0.1


def test_what_alpha_does() -> None:
    made = k24(alpha_init_std=0.0)
    assert {made.diagnostics()[name] for name in ("alpha_moved", "alpha_flips")} == {0.0}
    with torch.no_grad():
        made.net.fc3.alpha += 0.3
        made.net.fc3.alpha[0, :, ::2] -= 9.0  # of type 0, every second input loses
    found = made.diagnostics()
    moved = math.sqrt((8.7**2 / 2 + 0.3**2 / 2 + 2 * 0.3**2) / 3)
    assert found["alpha_moved/fc3"] == pytest.approx(moved, rel=1e-5)
    without = made.net.fc3.pattern.chosen(made.net.fc3.pattern.hard(made.net.fc3.logits(alpha=False)))
    flipped = (made.net.fc3.chosen_patterns() != without)[0].double().mean().item()
    assert found["alpha_flips/fc3"] == pytest.approx(flipped / 3)
    assert flipped > 0.5
    assert found["alpha_moved/fc2"] == 0


def test_gradients_of_dropped_weights_tell_the_two_forms_apart() -> None:
    """Through the score alone they are small; straight through they are of the size of the others."""
    share = {}
    for straight in (False, True):
        made = k24(straight_through=straight, noise=False)
        made.update(batch(), 0)
        found = made.diagnostics()
        share[straight] = found["gradient_dropped"] / found["gradient_kept"]
        dropped = ~made.net.fc2.masks().any(0)
        by_hand = made.net.fc2.weight.grad[dropped].square().mean().sqrt().item()
        assert found["gradient_dropped/fc2"] == pytest.approx(by_hand, rel=1e-5)
        assert found["gradient_alpha/fc2"] == pytest.approx(made.net.fc2.alpha.grad.square().mean().sqrt().item())
    assert share[True] > 2 * share[False]
    assert gradient_sizes(k24().layers()) == {}


def test_values_under_draws_and_under_best_patterns() -> None:
    made = k24()
    assert "q_best" not in made.diagnostics()
    episodes = batch()
    before = made.net.effective_weights()
    made.update(episodes, 0)
    found = made.diagnostics()
    assert found["q_drawn"] != found["q_best"]
    twin = k24()
    packed = twin.net.pack(episodes)
    q, _ = twin.net(packed.inputs, packed.order, before)
    assert found["q_best"] == pytest.approx(q.abs()[packed.action_mask].mean().item(), rel=1e-5)


@pytest.mark.parametrize("changes", [{}, {"noise": False, "score_activation": False}], ids=["noise", "none"])
def test_measuring_changes_nothing_and_survives_a_checkpoint(changes: dict[str, object]) -> None:
    asked, left_alone = k24(**changes), k24(**changes)
    for i in range(4):
        assert asked.update(batch(seed=i), 0) == left_alone.update(batch(seed=i), 0)
        assert set(asked.diagnostics()) >= {*NAMES, *AFTER_AN_UPDATE}
    assert same_parameters(asked, left_alone)
    resumed = k24(seed=3, **changes)
    resumed.update(batch(seed=9), 0)  # its own gradients must not be taken for the saved ones
    resumed.load_state_dict(asked.state_dict())
    assert resumed.diagnostics() == asked.diagnostics()
    assert torch.equal(asked._mask_rng.get_state(), left_alone._mask_rng.get_state())


def test_the_arithmetic_of_the_sharpness() -> None:
    """Of random weights: a best pattern's chance of one half and draws that differ in two thirds at κ = 1."""
    wide = learner("k24", rnn_hidden_dim=64)
    layers = {"fc2": wide.net.fc2}
    for sharpness, chance, differ, energy in ((1, 0.46, 0.69, 0.675), (2.5, 0.75, 0.36, 0.77), (5, 0.88, 0.17, 0.795)):
        found = describe_search(layers, 1 / sharpness)
        assert found["best_chance"] == pytest.approx(chance, abs=0.03)
        assert found["draws_differ"] == pytest.approx(differ, abs=0.03)
        assert found["energy_drawn"] == pytest.approx(energy, abs=0.03)
    assert found["energy_best"] == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("event", ["reset", "freeze"])
def test_gradients_are_those_of_the_masks_in_force_then(event: str) -> None:
    """Where masks change after an update, a resumed run tells what an uninterrupted one tells."""
    settings = {"reset_interval": 10, "reset_ratio": 0.5} if event == "reset" else {"finetune_start_ratio": 0.5}
    made = learner("k24", **settings)
    made.update(batch(0), 0)
    before = made.diagnostics()
    assert made.advance(made.total_env_steps), event
    after = made.diagnostics()
    for name in ("gradient_kept", "gradient_dropped"):
        assert after[name] == before[name] > 0
    twin = learner("k24", **settings)
    twin.load_state_dict(made.state_dict())
    assert twin.diagnostics()["gradient_dropped"] == before["gradient_dropped"]
