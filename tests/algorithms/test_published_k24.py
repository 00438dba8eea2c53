"""K24 does what its description says: scores, patterns, losses, gradients and steps, written out a second time."""

from itertools import combinations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from algorithms.k24 import K24
from algorithms.sparsity.pattern24 import Pattern24Matrix
from tests.algorithms import plain
from tests.algorithms.plain import LAYERS, Parameters
from tests.algorithms.worlds import ALL_PARTS, batch, check_mask24, learner

PATTERNS = torch.tensor([[float(i in kept) for i in range(4)] for kept in combinations(range(4), 2)]).double()


def k24(**changes: object) -> K24:
    return plain.in_float64(learner("k24", **{**ALL_PARTS, **changes}))


def plain_logits(p: Parameters, name: str, group: int, magnitude: Tensor) -> list[Tensor]:
    """(⌈in/4⌉, 6) for each output: kept scores summed, normed over the patterns, useless patterns left out."""
    scores = magnitude * p[f"{name}.weight"].abs() * torch.sigmoid(p[f"{name}.alpha"][group])
    found = []
    for row in scores:
        logits = []
        for start in range(0, len(row), 4):
            four = row[start : start + 4]
            sums = PATTERNS[:, : len(four)] @ four
            sums = sums / sums.detach().mean()
            normed = (sums - sums.mean()) / ((sums - sums.mean()).square().mean() + 1e-5).sqrt()
            keeps_enough = PATTERNS[:, : len(four)].sum(1) >= min(2, len(four))
            logits.append(torch.where(keeps_enough, normed, -torch.inf))
        found.append(torch.stack(logits))
    return found


def plain_masks(logits: list[Tensor], noise: Tensor, temperature: float, width: int) -> Tensor:
    """(out, in): the winner of ``logits + noise`` in each four; its gradient is that of the tempered softmax."""
    rows = []
    for of_row, noise_of_row in zip(logits, noise, strict=True):
        entries = []
        for six, g in zip(of_row, noise_of_row, strict=True):
            soft = torch.softmax((six + g) / temperature, 0)
            winner = PATTERNS[(six + g).argmax()]
            entries.append(winner + (soft - soft.detach()) @ PATTERNS)
        rows.append(torch.cat(entries)[:width])
    return torch.stack(rows)


def plain_orthogonality(logits: dict[str, list[list[Tensor]]]) -> Tensor:
    """Mean over layers' fours and pairs of types of ⟨p_k, p_l⟩."""
    products = []
    for by_group in logits.values():
        for first, second in combinations(by_group, 2):
            for row, other in zip(first, second, strict=True):
                products.append((row.softmax(-1) * other.softmax(-1)).sum(-1))
    return torch.cat(products).mean()


def drawn_noise(made: K24, factor: float) -> dict[str, Tensor]:
    """The Gumbel noise that the next update draws, layer by layer."""
    copy = torch.Generator()
    copy.set_state(made._mask_rng.get_state())
    found = {}
    for name, layer in made.layers().items():
        shape = layer.logits().shape
        found[name] = -factor * (-torch.rand(shape, generator=copy).log()).log().double()
    return found


@pytest.mark.parametrize(("env_steps", "sampled_target"), [(0, True), (6_000_000, True), (0, False)])
def test_losses_gradients_and_two_steps(env_steps: int, sampled_target: bool) -> None:
    made = k24(deque_len=2, sampled_target=sampled_target)
    temperature = 5.0 - 4.8 * env_steps / 8_040_000
    adam = plain.Adam(made)
    td_history: list[float] = []
    div_history: list[float] = []
    for seed in (3, 4):
        episodes = plain.batch_in_float64(batch(seed=seed))
        p, target = plain.leaves(made), plain.leaves(made, target=True)
        noise = drawn_noise(made, temperature / 5.0)
        magnitudes = {name: layer.activation.value()[0] for name, layer in made.layers().items()}
        logits = {n: [plain_logits(p, n, k, magnitudes[n]) for k in range(3)] for n in LAYERS}
        online, aimed = {}, {}
        for n in LAYERS:
            width = p[f"{n}.weight"].shape[1]
            seen = made.target_net.get_submodule(n).activation.value()[0]
            for k in range(3):
                online[n, k] = p[f"{n}.weight"] * plain_masks(logits[n][k], noise[n][k], temperature, width)
                best = plain_logits(target, n, k, seen)
                same = noise[n][k] if sampled_target else torch.zeros(noise[n][k].shape)
                aimed[n, k] = target[f"{n}.weight"] * plain_masks(best, same, 1.0, width)
                check_mask24(online[n, k].detach() != 0)
        td_loss = plain.td_loss(made, episodes, p, target, lambda *at, w=online: w[at], lambda *at, w=aimed: w[at])
        orthogonality = plain_orthogonality(logits)
        td_history = [*td_history, td_loss.item()][-2:]
        div_history = [*div_history, orthogonality.item()][-2:]
        coefficient = abs(0.1 * sum(td_history) / sum(div_history))
        (td_loss + coefficient * orthogonality).backward()
        grads = plain.gradients(p)
        result = made.update(episodes, env_steps)
        assert result["td_loss"] == pytest.approx(td_loss.item(), rel=1e-10)
        assert result["div_loss"] == pytest.approx(orthogonality.item(), rel=1e-10)
        assert result["div_coef"] == pytest.approx(coefficient, rel=1e-10)
        adam.check(made, p, grads, 1e-8)
    assert set(grads) == set(plain.leaves(made))


class Relaxed:
    """``⟨target, W · soft mask⟩`` of a small layer under fixed noise, whose true gradient finite differences can tell.

    The straight-through estimator multiplies with the hard mask but takes the soft one's gradient. So the estimator is
    the gradient of ``⟨target, W · hard⟩ + ⟨target, W₀ · soft⟩``, hard and W₀ held: that is what is differenced.
    """

    def __init__(self, temperature: float) -> None:
        draw = torch.Generator().manual_seed(5)
        self.temperature, self.shape = temperature, (2, 3, 10)
        self.matrix = Pattern24Matrix(10).double()
        self.weight = torch.randn(self.shape[1:], generator=draw, dtype=torch.float64)
        self.alpha = 0.1 * torch.randn(self.shape, generator=draw, dtype=torch.float64)
        self.target = torch.randn(self.shape, generator=draw, dtype=torch.float64)
        self.scale = self.sums(self.weight, self.alpha).mean(-1, keepdim=True)  # no gradient flows through it
        self.noise = -0.1 * (-torch.rand(2, 3, 3, 6, generator=draw).log()).log().double()

    def sums(self, weight: Tensor, alpha: Tensor) -> Tensor:
        groups = F.pad(weight.abs() * alpha.sigmoid(), (0, 2)).unflatten(-1, (-1, 4))
        return groups @ self.matrix.patterns.t()

    def soft(self, weight: Tensor, alpha: Tensor) -> Tensor:
        logits = F.layer_norm(self.sums(weight, alpha) / self.scale, (6,)).masked_fill(~self.matrix.allowed, -torch.inf)
        choice = ((logits + self.noise) / self.temperature).softmax(-1)
        return (choice @ self.matrix.patterns).flatten(-2)[..., :10]

    def differenced(self, weight: Tensor, alpha: Tensor) -> Tensor:
        hard = self.matrix.hard(self.matrix.logits(self.weight.abs() * self.alpha.sigmoid()) + self.noise)
        return (self.target * (weight * hard + self.weight * self.soft(weight, alpha))).sum()

    def estimated(self) -> tuple[Tensor, Tensor]:
        """Gradients by the layer's own ``sample``, under our noise."""
        weight, alpha = self.weight.clone().requires_grad_(), self.alpha.clone().requires_grad_()
        logits = self.matrix.logits(weight.abs() * alpha.sigmoid())
        mask = self.matrix.sample(logits, self.temperature, self.noise)
        (self.target * weight * mask).sum().backward()
        return weight.grad, alpha.grad

    def finite_differences(self) -> list[Tensor]:
        at = self.weight.clone(), self.alpha.clone()
        return [plain.finite_differences(lambda: self.differenced(*at), each) for each in at]


@pytest.mark.parametrize("temperature", [0.2, 1.0, 5.0])
def test_straight_through_gradient_by_finite_differences(temperature: float) -> None:
    relaxed = Relaxed(temperature)
    for estimated, differenced in zip(relaxed.estimated(), relaxed.finite_differences(), strict=True):
        torch.testing.assert_close(estimated, differenced, rtol=1e-6, atol=1e-8)
        assert estimated.abs().max() > 1e-3


def test_the_soft_mask_comes_to_the_hard_one_as_the_temperature_falls() -> None:
    distances = []
    for temperature in (5.0, 1.0, 0.2, 0.02):
        relaxed = Relaxed(temperature)
        logits = relaxed.matrix.logits(relaxed.weight.abs() * relaxed.alpha.sigmoid())
        hard = relaxed.matrix.hard(logits + relaxed.noise)
        distances.append((relaxed.soft(relaxed.weight, relaxed.alpha) - hard).abs().mean().item())
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.05


def moments(made: K24) -> dict[str, Tensor]:
    """What must move in training: α, W, what is measured of the inputs, and the patterns."""
    found = {}
    for name, layer in made.layers().items():
        found[f"{name} α"] = layer.alpha.detach().clone()
        found[f"{name} W"] = layer.weight.detach().clone()
        found[f"{name} EMA(|a|)"] = layer.activation.value().clone()
        found[f"{name} patterns"] = layer.chosen_patterns()
    return found


def unmoved(made: K24, updates: int = 6) -> list[str]:
    """Parts of which some mask group, or every entry, stays as it was over a few updates."""
    before = moments(made)
    for i in range(updates):
        made.update(batch(seed=i, lengths=(12, 12, 9)), env_steps=5_000_000)
    after = moments(made)
    return [
        name for name, old in before.items() if not all((a != b).any() for a, b in zip(old, after[name], strict=True))
    ]


@pytest.mark.parametrize("change", [{}, {"mask_gru": True}, {"noise_anneal": False}])
def test_alpha_weights_and_patterns_move(change: dict[str, bool]) -> None:
    made = learner("k24", lr=0.01, **ALL_PARTS, **change)
    assert unmoved(made) == []


def test_patterns_move_by_learning_alone() -> None:
    """Without the mean magnitudes in the score, whose start alone moves some."""
    made = learner("k24", lr=0.01)
    assert unmoved(made) == [f"{name} EMA(|a|)" for name in LAYERS]


def test_a_dead_part_is_found() -> None:
    """The broken twins: without its part, each stands still and is named."""
    for name in ("alpha", "weight"):
        made = learner("k24", lr=0.01, **ALL_PARTS)
        made.optimizer.param_groups[0]["params"] = [
            p for p in made.optimizer.param_groups[0]["params"] if p is not getattr(made.net.fc3, name)
        ]
        assert unmoved(made)[0] == f"fc3 {'α' if name == 'alpha' else 'W'}"
    still = learner("k24", lr=1e-12)
    assert [name for name in unmoved(still) if "fc2" in name] == ["fc2 α", "fc2 W", "fc2 EMA(|a|)", "fc2 patterns"]
