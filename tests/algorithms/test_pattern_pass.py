"""The compiled choice among patterns equals its definition in PyTorch, values and gradients, to float32 rounding.

Doubles take the definition, floats the compiled passes: so one call of each with the same numbers compares the two.
"""

import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from algorithms.kernels.compiled import compiled_for
from algorithms.sparsity.diversity import pattern_orthogonality
from algorithms.sparsity.pattern24 import Pattern24Matrix

SHAPES = {"in_features": st.integers(1, 19), "seed": st.integers(0, 9999)}


def twins(*shape: int, seed: int) -> tuple[Tensor, Tensor]:
    """The same numbers from 0 to 1 as floats and as doubles, with gradients."""
    numbers = torch.rand(*shape, generator=torch.Generator().manual_seed(seed))
    return numbers.clone().requires_grad_(), numbers.double().requires_grad_()


def finite(x: Tensor) -> Tensor:
    return x.masked_fill(x.isinf(), -1e3).double()


def test_floats_of_processors_are_compiled_and_doubles_are_not() -> None:
    assert compiled_for(torch.zeros(1))
    assert not compiled_for(torch.zeros(1).double())
    assert not compiled_for(torch.zeros(1, device="meta"))


@settings(max_examples=60, deadline=None)
@given(scale=st.sampled_from([0.0, 1e-3, 1.0, 1e6]), **SHAPES)
def test_logits(in_features: int, seed: int, scale: float) -> None:
    pattern, defined = Pattern24Matrix(in_features), Pattern24Matrix(in_features).double()
    scores = twins(2, 3, in_features, seed=seed)
    logits = [pattern.logits(scale * scores[0]), defined.logits(scale * scores[1])]
    torch.testing.assert_close(finite(logits[0]), finite(logits[1]), rtol=1e-3, atol=1e-3)
    assert torch.equal(logits[0].isinf(), logits[1].isinf())
    weights = torch.rand(logits[0].shape, generator=torch.Generator().manual_seed(seed + 1))
    for each in logits:
        (each.masked_fill(each.isinf(), 0) * weights).sum().backward()
    torch.testing.assert_close(scores[0].grad.double(), scores[1].grad, rtol=5e-3, atol=5e-3)


@settings(max_examples=60, deadline=None)
@given(temperature=st.sampled_from([0.05, 0.5, 5.0]), noisy=st.booleans(), holding=st.booleans(), **SHAPES)
def test_choice(in_features: int, seed: int, temperature: float, noisy: bool, holding: bool) -> None:
    pattern, defined = Pattern24Matrix(in_features), Pattern24Matrix(in_features).double()
    logits = twins(2, 3, len(pattern.allowed), 6, seed=seed)
    allowed = [each.masked_fill(~pattern.allowed, -torch.inf) for each in logits]
    noise = torch.rand(allowed[0].shape, generator=torch.Generator().manual_seed(seed + 1)) if noisy else None
    held = allowed[0].argmin(-1) if holding else None
    gates = [
        pattern.sample(allowed[0], temperature, noise, held),
        defined.sample(allowed[1], temperature, None if noise is None else noise.double(), held),
    ]
    assert torch.equal(gates[0].double(), gates[1])
    weights = torch.rand(gates[0].shape, generator=torch.Generator().manual_seed(seed + 2))
    for each in gates:
        (each * weights).sum().backward()
    torch.testing.assert_close(logits[0].grad.double(), logits[1].grad, rtol=1e-3, atol=1e-5)
    assert torch.equal(pattern.hard(allowed[0]).double(), defined.hard(allowed[1]))


def test_the_first_of_equal_patterns_is_chosen_by_both() -> None:
    even = torch.zeros(1, 1, 2, 6)
    pattern, defined = Pattern24Matrix(8), Pattern24Matrix(8).double()
    assert torch.equal(pattern.hard(even).double(), defined.hard(even.double()))
    assert torch.equal(pattern.sample(even, 1.0, None).double(), defined.sample(even.double(), 1.0, None))


@pytest.mark.parametrize("n_groups", [1, 2, 5])
def test_agreement_of_mask_groups(n_groups: int) -> None:
    layers = [twins(n_groups, 3, places, 6, seed=places) for places in (2, 5)]
    losses = [pattern_orthogonality([layer[precision] for layer in layers]) for precision in (0, 1)]
    torch.testing.assert_close(losses[0].double(), losses[1], rtol=1e-5, atol=1e-6)
    for loss in losses:
        loss.backward()
    for single, double in layers:
        torch.testing.assert_close(single.grad.double(), double.grad, rtol=1e-4, atol=1e-6)


def test_views_that_do_not_lie_in_one_piece_are_read_right() -> None:
    scores = twins(3, 8, 2, seed=0)
    turned = [each.transpose(1, 2) for each in scores]
    got, want = (Pattern24Matrix(8).to(each.dtype).logits(each) for each in turned)
    torch.testing.assert_close(got.double(), want, rtol=1e-4, atol=1e-4)


FIRST_UPDATE = """
import sys
from algorithms.kernels import pattern_pass
from tests.algorithms.worlds import batch, learner
passes = [each for name, each in vars(pattern_pass).items() if hasattr(each, "signatures") and name[0] != "_"]
made = learner("k24")
made.compile()
before = [len(each.signatures) for each in passes]
made.update(batch(), 0)
sys.exit(before != [len(each.signatures) for each in passes] or 0 in before)
"""


def test_compiling_is_booked_to_no_update() -> None:
    assert subprocess.run([sys.executable, "-c", FIRST_UPDATE], check=False).returncode == 0
