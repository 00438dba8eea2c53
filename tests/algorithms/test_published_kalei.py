"""Kalei is the published one: masked weights, both losses, gradients, coefficient, steps and resets, written out again.

The straight-through gradient of the masks is worked out by hand here; the learner leaves it to autograd.
"""

from itertools import combinations

import pytest
import torch
from torch import Tensor

from algorithms.kalei import Kalei
from tests.algorithms import plain
from tests.algorithms.plain import LAYERS, Parameters
from tests.algorithms.worlds import SINGLE_TYPE, SPEC, batch, learner

LAYER_WEIGHTS = dict(zip(LAYERS, (1.0, 2.0, 4.0, 8.0), strict=True))


def kalei(**changes: object) -> Kalei:
    """In float64, its thresholds spread so that every mask drops about a third."""
    made = plain.in_float64(learner("kalei", **changes))
    assert isinstance(made, Kalei)
    draw = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for net in (made.net, made.target_net):
            for name in LAYERS:
                s = getattr(net, name).thresholds
                s.copy_(-4 + 3 * torch.rand(s.shape, generator=draw, dtype=torch.float64))
    return made


def shrunk(p: Parameters, name: str, group: int) -> Tensor:
    """Entry by entry: moved towards zero by σ(s), and zero once there."""
    w, threshold = p[f"{name}.weight"], torch.sigmoid(p[f"{name}.thresholds"][group])
    return torch.where(w > threshold, w - threshold, torch.where(w < -threshold, w + threshold, 0.0))


def plain_diversity(p: Parameters, n_groups: int) -> tuple[float, Parameters]:
    """The loss (to be minimised) and its straight-through gradient for the thresholds, pair by pair."""
    count = sum(p[f"{name}.weight"].numel() for name in LAYERS)
    pairs = list(combinations(range(n_groups), 2))
    loss, by_mask = 0.0, {}
    for name in LAYERS:
        magnitude = p[f"{name}.weight"].detach().abs()
        gate = torch.sigmoid(p[f"{name}.thresholds"].detach())
        masks = (magnitude > gate).double()
        scale = LAYER_WEIGHTS[name] / len(pairs) / count
        grad = torch.zeros_like(masks)
        for k, other in pairs:
            difference = (masks[k] - masks[other]) * magnitude
            loss -= scale * difference.abs().sum().item()
            grad[k] -= scale * difference.sign() * magnitude
            grad[other] += scale * difference.sign() * magnitude
        by_mask[f"{name}.thresholds"] = grad
    return loss, by_mask


def through_the_step(by_mask: Parameters, p: Parameters, coefficient: float) -> Parameters:
    """The weighted gradient of each mask, squashed by tanh, then through −σ(s)."""
    found = {}
    for name, grad in by_mask.items():
        gate = torch.sigmoid(p[name].detach())
        found[name] = -torch.tanh(coefficient * grad) * gate * (1 - gate)
    return found


@pytest.mark.parametrize("spec", [SPEC, SINGLE_TYPE], ids=["types", "agents"])
def test_losses_gradients_and_three_steps(spec) -> None:
    made = kalei(spec=spec, deque_len=2)
    adam = plain.Adam(made)
    td_history: list[float] = []
    div_history: list[float] = []
    for seed in (3, 4, 5):
        episodes = plain.batch_in_float64(batch(seed=seed, spec=spec))
        p, target = plain.leaves(made), plain.leaves(made, target=True)
        td_loss = plain.td_loss(
            made, episodes, p, target, lambda n, k, p=p: shrunk(p, n, k), lambda n, k, t=target: shrunk(t, n, k)
        )
        td_loss.backward()
        div_loss, by_mask = plain_diversity(p, made.n_groups)
        td_history, div_history = [*td_history, td_loss.item()][-2:], [*div_history, div_loss][-2:]
        coefficient = abs(5.0 * sum(td_history) / sum(div_history))
        grads = plain.gradients(p)
        for name, extra in through_the_step(by_mask, p, coefficient).items():
            grads[name] = grads[name] + extra

        result = made.update(episodes, 0)
        assert result["td_loss"] == pytest.approx(td_loss.item(), rel=1e-11)
        assert result["div_loss"] == pytest.approx(div_loss, rel=1e-11)
        assert result["div_coef"] == pytest.approx(coefficient, rel=1e-11)
        assert result["loss"] == pytest.approx(td_loss.item() + coefficient * div_loss, rel=1e-11)
        adam.check(made, p, grads)
    assert 0.1 < made.sparsity().masked_layers < 0.6


def test_what_a_reset_may_touch() -> None:
    """A share 0.2 of the weights that all masks drop, in fc2 to fc4; values and thresholds fresh, within bounds."""
    made = kalei()
    with torch.no_grad():
        for layer in made.layers().values():
            layer.thresholds[:, ::2] = 5.0
    before = plain.leaves(made)
    dropped = {
        name: torch.stack([shrunk(before, name, k) == 0 for k in range(made.n_groups)]).all(0) for name in LAYERS
    }
    made.advance(1_000_001)
    after = plain.leaves(made)
    touched = {name: before[f"{name}.weight"] != after[f"{name}.weight"] for name in LAYERS}
    assert not touched["fc1"].any()
    for name in ("fc2", "fc3", "fc4"):
        assert touched[name][dropped[name]].double().mean().item() == pytest.approx(0.2, abs=0.1)
        assert not touched[name][~dropped[name]].any()
        fan_in = before[f"{name}.weight"].shape[1]
        assert after[f"{name}.weight"][touched[name]].abs().max() <= fan_in**-0.5
        fresh = after[f"{name}.thresholds"][:, touched[name]]
        assert -10 <= fresh.min() <= fresh.max() <= -5
    others = [name for name in before if not name.startswith(("fc2", "fc3", "fc4"))]
    assert all(torch.equal(before[name], after[name]) for name in others)


def test_when_resets_come() -> None:
    """More than an interval after the last one, and more than an interval before the end."""
    made = kalei()
    with torch.no_grad():
        made.net.fc2.thresholds.fill_(9.0)
    assert made.advance(1_000_000) == []
    (line,) = made.advance(1_000_001)
    assert line.startswith("env_step 1000001: ")
    assert made.advance(2_000_001) == []
    assert made.advance(2_000_002)
    late = kalei()
    assert late.advance(9_050_000) == []
    assert late.advance(9_049_999)
