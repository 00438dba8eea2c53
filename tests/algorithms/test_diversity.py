"""Diversity measures and the adaptive coefficient on numbers worked out by hand."""

import pytest
import torch

from algorithms.sparsity.diversity import (
    AdaptiveCoefficient,
    mask_distance,
    pattern_orthogonality,
)


def certain(*patterns: int) -> torch.Tensor:
    """Logits of K groups at one place, each certain of its pattern."""
    return (torch.nn.functional.one_hot(torch.tensor(patterns), 6).double() * 1000).view(len(patterns), 1, 1, 6)


def test_mask_distance_by_hand() -> None:
    fc1 = torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]], [[1.0, 3.0]]])  # pair distances 1, 3, 4: mean 8/3
    fc2 = torch.tensor([[[2.0]], [[2.0]], [[0.0]]])  # 0, 2, 2: mean 4/3
    got = mask_distance([fc1, fc2], [1.0, 2.0])
    assert got.item() == pytest.approx((8 / 3 + 2 * 4 / 3) / 3)  # three maskable weights


def test_a_mean_over_no_pairs_is_zero() -> None:
    assert mask_distance([torch.ones(1, 2, 2)], [1.0]).item() == 0
    assert pattern_orthogonality([torch.randn(1, 2, 3, 6)]).item() == 0


def test_orthogonality_of_certain_choices() -> None:
    loss = pattern_orthogonality
    assert loss([certain(0, 1, 2)]).item() == pytest.approx(0)
    assert loss([certain(4, 4, 4)]).item() == pytest.approx(1)
    assert loss([certain(4, 4, 2)]).item() == pytest.approx(1 / 3)
    assert loss([certain(4, 4), certain(0, 1)]).item() == pytest.approx(1 / 2)


def test_orthogonality_equals_the_mean_over_pairs() -> None:
    logits = [torch.randn(4, 3, n, 6, generator=torch.Generator().manual_seed(n)).double() for n in (2, 5)]
    p = torch.cat([layer.softmax(-1).flatten(1, 2) for layer in logits], 1)
    pairs = [(p[k] * p[m]).sum(-1).mean() for k in range(4) for m in range(k)]
    torch.testing.assert_close(pattern_orthogonality(logits), torch.stack(pairs).mean())


def test_forbidden_patterns_are_no_obstacle() -> None:
    logits = torch.randn(2, 1, 1, 6, generator=torch.Generator().manual_seed(0))
    logits[..., 3:] = -torch.inf
    logits.requires_grad_()
    loss = pattern_orthogonality([logits])
    loss.backward()
    assert 0 < loss.item() < 1
    assert logits.grad.isfinite().all()


def test_minimising_parts_the_groups() -> None:
    logits = torch.randn(2, 4, 4, 6, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss = pattern_orthogonality
    before = loss([logits])
    (gradient,) = torch.autograd.grad(before, logits)
    assert loss([logits - 100 * gradient]) < before


def test_coefficient_follows_recent_losses() -> None:
    def ask(coefficient: AdaptiveCoefficient, td_loss: float, diversity: float) -> float:
        term, found = coefficient(torch.tensor(td_loss), torch.tensor(diversity))
        assert found["div_loss"] == diversity
        assert term == found["div_coef"] * diversity
        return float(found["div_coef"])

    coefficient = AdaptiveCoefficient(5.0, deque_len=2)
    assert ask(coefficient, 2.0, -4.0) == pytest.approx(5 * 2 / 4)
    assert ask(coefficient, 4.0, -8.0) == pytest.approx(5 * 3 / 6)
    assert ask(coefficient, 6.0, -2.0) == pytest.approx(5 * 5 / 5)  # the first is forgotten
    assert ask(AdaptiveCoefficient(0.1, 3), 1.0, 0.0) == pytest.approx(0.1)
    resumed = AdaptiveCoefficient(5.0, deque_len=2)
    resumed.load_state_dict(coefficient.state_dict())
    assert ask(resumed, 1.0, -1.0) == ask(coefficient, 1.0, -1.0)


def test_the_term_is_a_share_of_the_td_loss() -> None:
    logits = [torch.randn(3, 2, 2, 6)]
    term, seen = AdaptiveCoefficient(0.1, 100)(torch.tensor(3.0), pattern_orthogonality(logits))
    assert term.item() == pytest.approx(0.3, rel=1e-5)
    assert 0 < seen["div_loss"] < 1
