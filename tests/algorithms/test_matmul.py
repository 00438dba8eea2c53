"""Products in pieces equal PyTorch's own, in value and gradient, whatever the number of rows."""

import pytest
import torch
import torch.nn.functional as F

from algorithms.kernels import matmul
from algorithms.kernels.matmul import ROWS, chunked_matmul, chunked_weight_grad, linear, onednn_keeps_float32


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("rows", [1, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS, 3 * ROWS + 77])
def test_equals_plain_products(rows: int) -> None:
    x, weight, bias, grad = drawn(rows, 30), drawn(12, 30), drawn(12), drawn(rows, 12)
    exact = x.double() @ weight.t().double()
    scale = exact.abs().max().item()
    for mine, expected in (
        (chunked_matmul(x, weight.t()), exact),
        (chunked_matmul(x, weight.t(), bias), exact + bias),
        (linear(x, weight, bias), exact + bias),
    ):
        assert (mine - expected).abs().max().item() < 2e-6 * scale, "float32 throughout: bfloat16 would err by 1e-3"
    gradient = grad.t().double() @ x.double()
    assert (chunked_weight_grad(grad, x) - gradient).abs().max().item() < 2e-6 * gradient.abs().max().item()


@pytest.mark.parametrize("rows", [10, 2 * ROWS + 10])
def test_gradients_equal_those_of_a_plain_layer(rows: int) -> None:
    leaves = [drawn(rows, 6).requires_grad_(), drawn(4, 6).requires_grad_(), drawn(4).requires_grad_()]
    grad = drawn(rows, 4)
    mine = torch.autograd.grad(linear(*leaves), leaves, grad)
    for a, b in zip(mine, torch.autograd.grad(F.linear(*leaves), leaves, grad), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_an_input_without_gradient_gets_none() -> None:
    x, weight, bias = drawn(ROWS + 3, 6), drawn(4, 6).requires_grad_(), drawn(4).requires_grad_()
    linear(x, weight, bias).sum().backward()
    assert x.grad is None
    torch.testing.assert_close(weight.grad, x.sum(0).expand(4, -1), rtol=1e-4, atol=1e-3)
    assert bias.grad is not None
    assert (bias.grad == ROWS + 3).all()


def test_the_users_precision_is_left_as_it_was() -> None:
    before = torch.backends.mkldnn.matmul.fp32_precision  # type: ignore[attr-defined]
    linear(drawn(ROWS, 6), drawn(4, 6), drawn(4))
    assert torch.backends.mkldnn.matmul.fp32_precision == before  # type: ignore[attr-defined]


def test_where_onednn_would_round_it_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    x, weight, bias = drawn(2 * ROWS, 6), drawn(4, 6), drawn(4)
    monkeypatch.setattr(matmul, "onednn_keeps_float32", lambda: False)
    assert torch.equal(linear(x, weight, bias), F.linear(x, weight, bias))


def test_the_probe_tells_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    matmul = torch.Tensor.__matmul__
    monkeypatch.setattr(torch.Tensor, "__matmul__", lambda a, b: matmul(a.bfloat16(), b.bfloat16()).float())
    assert not onednn_keeps_float32.__wrapped__()
    monkeypatch.setattr(torch.Tensor, "__matmul__", lambda a, b: matmul(a.double(), b.double()).float())
    assert onednn_keeps_float32.__wrapped__() is torch.backends.mkldnn.is_available()
