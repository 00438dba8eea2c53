"""Matrix products over many rows, on the kernels that are fastest for them.

PyTorch's float32 products run on MKL, which reaches a third of an AMD processor's speed; oneDNN, which comes with
PyTorch too, reaches most of it. It is asked for by allowing it to round to bfloat16, which it does only where the
processor has matrix units for that (AMX); elsewhere it computes in float32. ``onednn_keeps_float32`` finds out, and
where it would round, MKL is used, so results are float32 on every machine.

oneDNN compiles a kernel for each shape it meets, about a millisecond each, and the number of real rows differs from
batch to batch. So rows are taken ``ROWS`` at a time, and the remainder goes to MKL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

ROWS = 2048
"""Rows of one product: enough to keep two cores busy, few enough for its operands to stay in the cache."""


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Give ``x Wᵀ + b``, differentiable: ``F.linear`` for (R, in), (out, in) and (out,)."""
    return _Linear.apply(x, weight, bias) if _in_pieces(x) else F.linear(x, weight, bias)


def chunked_matmul(x: Tensor, matrix: Tensor, bias: Tensor | None = None) -> Tensor:
    """Give ``x @ matrix + bias``, not differentiable.

    Args:
        x: (R, in).
        matrix: (in, out).
        bias: (out,), zeros when left out.
    """
    if not _in_pieces(x):
        return x @ matrix if bias is None else torch.addmm(bias, x, matrix)
    out = x.new_empty(len(x), matrix.shape[1])

    def multiply(rows: Tensor, result: Tensor) -> None:
        if bias is None:
            torch.mm(rows, matrix, out=result)
        else:
            torch.addmm(bias, rows, matrix, out=result)

    whole = len(x) - len(x) % ROWS
    with _onednn():
        for rows, result in zip(x[:whole].split(ROWS), out[:whole].split(ROWS), strict=True):
            multiply(rows, result)
    if whole < len(x):
        multiply(x[whole:], out[whole:])
    return out


def chunked_weight_grad(left: Tensor, right: Tensor) -> Tensor:
    """Give ``leftᵀ @ right``, a weight's gradient, for (R, out) and (R, in); not differentiable."""
    if not _in_pieces(left):
        return left.t() @ right
    whole = len(left) - len(left) % ROWS
    total = left[whole:].t() @ right[whole:]
    with _onednn():
        for a, b in zip(left[:whole].split(ROWS), right[:whole].split(ROWS), strict=True):
            total.addmm_(a.t(), b)
    return total


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return chunked_matmul(x, weight.t(), bias)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor]:
        x, weight = ctx.saved_tensors
        d_x = chunked_matmul(grads[0], weight) if ctx.needs_input_grad[0] else None
        d_weight = chunked_weight_grad(grads[0], x) if ctx.needs_input_grad[1] else None
        return d_x, d_weight, grads[0].sum(0)


def _in_pieces(x: Tensor) -> bool:
    fits = x.device.type == "cpu" and x.dtype == torch.float32 and x.dim() == 2 and len(x) >= ROWS
    return fits and onednn_keeps_float32()


@cache
def onednn_keeps_float32() -> bool:
    """Whether oneDNN computes float32 products in float32 even where it may round."""
    if not torch.backends.mkldnn.is_available():
        return False
    x = torch.full((ROWS, 64), 1 + 2**-12)  # bfloat16 has no number between 1 and 1 + 2^-7
    with _onednn():
        return torch.equal(x @ torch.eye(64), x)


@contextmanager
def _onednn() -> Iterator[None]:
    """Send float32 products to oneDNN, bfloat16 allowed."""
    backend = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]  # made at import, unknown to mypy
    before = backend.fp32_precision
    backend.fp32_precision = "bf16"
    try:
        yield
    finally:
        backend.fp32_precision = before
