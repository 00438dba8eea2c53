"""K24's search for masks over a run: dense first, evidence, the freeze, a resumed run; settings that contradict."""

from __future__ import annotations

import re

import pytest
import torch

from algorithms.q_learning.learner import QLearner
from tests.algorithms import worlds
from tests.algorithms.plain import finite_differences
from tests.algorithms.test_k24_search import QUIET, VARIANTS, curved, layer
from tests.algorithms.worlds import RUN, batch, k24, train


def test_the_freeze_may_keep_the_optimiser() -> None:
    for keeps in (False, True):
        made = k24(**QUIET, finetune_keeps_optimizer=keeps)
        made.update(batch(), 0)
        filled = len(made.optimizer.state)
        made.advance(804)
        assert len(made.optimizer.state) == (filled if keeps else 0) != filled * (not keeps)


def test_dense_first_then_masks_then_the_freeze() -> None:
    made = k24(**QUIET, dense_ratio=0.2)
    alpha = made.net.fc2.alpha.detach().clone()
    assert made.sparsity().masked_layers == 0
    for i in range(3):
        assert "div_coef" not in made.update(batch(seed=i), 0)
    assert torch.equal(made.net.fc2.alpha, alpha)
    events = {t: made.advance(t) for t in range(0, RUN, 67)}
    lines = [line for of_step in events.values() for line in of_step]
    assert lines[0] == "env_step 201: 2:4 masks in force"
    assert sum("were reset" in line for line in lines) > 3
    assert "masks frozen" in lines[-1]
    assert made.sparsity().per_layer["fc2"] == [0.5] * 3
    assert torch.equal(made.target_net.fc2.weight, made.net.fc2.weight)


def test_alpha_starts_from_evidence() -> None:
    made = k24(**QUIET, dense_ratio=0.2, alpha_evidence=True)
    train(made, 6)
    masked = made.net.fc3
    assert (masked.saliency > 0).any()
    with torch.no_grad():  # two entries by hand: type 0 needs the first alone, all need the second alike
        masked.saliency.fill_(1.0)
        masked.saliency[1:, 0, 0] = 0.0
    (line,) = made.advance(201)
    assert "masks in force" in line
    gate = masked.alpha.detach().sigmoid()
    assert gate[:, 0, 0].tolist() == pytest.approx([0.95, 0.05, 0.05])  # 3/2, 0, 0 before the limits
    assert gate[:, 5, 5].tolist() == pytest.approx([0.5] * 3, abs=0.01)
    assert made.diagnostics()["alpha_moved/fc3"] == 0


def test_evidence_is_the_running_mean_of_weight_times_gradient() -> None:
    made = layer(alpha_evidence=True, dense_ratio=0.2)
    made.dense = True
    curved(made.effective_weights()).backward()
    whole = made.weight.detach().expand(3, -1, -1).clone()
    slope = finite_differences(lambda: curved(whole), whole)
    torch.testing.assert_close(made.saliency, 0.01 * (whole * slope).abs(), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", ["both", "continuous", "held", "dense first", "evidence", "fast alpha"])
@pytest.mark.parametrize("stop", [100, 300])
def test_a_resumed_run_is_the_uninterrupted_one(name: str, stop: int) -> None:
    def go_on(made: QLearner, first: int, last: int) -> None:
        for env_steps in range(first, last, 50):
            made.advance(env_steps)
            made.update(batch(seed=env_steps), env_steps)

    made, resumed = k24(**VARIANTS[name]), k24(seed=5, **VARIANTS[name])
    go_on(made, 0, stop)
    resumed.load_state_dict(made.state_dict())
    assert resumed.diagnostics() == made.diagnostics()
    go_on(made, stop, 1000)
    go_on(resumed, stop, 1000)
    assert worlds.same_parameters(made, resumed)
    assert resumed.diagnostics() == made.diagnostics()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"continuous": True}, "continuous is True, it must be false, or go with straight_through=true, noise=false"),
        ({"hold_updates": 40}, "hold_updates is 40, it must be 0, or go with noise=false"),
        ({"alpha_evidence": True}, "alpha_evidence is True, it must be false, or go with score_alpha=true and a dense"),
        ({"dense_ratio": 0.8}, "dense_ratio is 0.8, it must be at least 0 and below finetune_start_ratio (0.8)"),
        ({"sharpness_init": 20.0}, "sharpness_init is 20.0, it must be larger than 0 and at most sharpness_final"),
        ({"sharpness_ramp": 0.0}, "sharpness_ramp is 0.0, it must be larger than 0 and at most 1"),
        ({"alpha_lr_scale": -1.0}, "alpha_lr_scale is -1.0, it must be 0 or larger"),
        ({"weight_lr_scale": 0.0}, "weight_lr_scale is 0.0, it must be larger than 0"),
        ({"weight_init_scale": -1.0}, "weight_init_scale is -1.0, it must be larger than 0"),
        ({"hold_margin": -0.1, "noise": False}, "hold_margin is -0.1, it must be 0 or larger"),
    ],
)
def test_settings_that_contradict_each_other(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        k24(**changes)
