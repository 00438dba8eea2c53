"""The mixer never decreases in any agent's value, and mixes as the paper's formula says."""

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithms.q_learning.mixer import QMixer


def make(seed: int, n_agents: int = 3, state_size: int = 5) -> QMixer:
    return QMixer(n_agents, state_size, embed=4, hypernet=6, generator=torch.Generator().manual_seed(seed)).double()


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), agent=st.integers(0, 2), step=st.floats(0.0, 10.0), scale=st.floats(0.01, 100.0))
def test_monotone_in_every_agent(seed: int, agent: int, step: float, scale: float) -> None:
    mixer = make(seed)
    draw = torch.Generator().manual_seed(seed + 1)
    q = torch.randn(16, 3, generator=draw, dtype=torch.float64) * scale
    state = torch.randn(16, 5, generator=draw, dtype=torch.float64) * scale
    raised = q.clone()
    raised[:, agent] += step
    with torch.no_grad():
        assert (mixer(raised, state) >= mixer(q, state) - 1e-9 * scale).all()


def test_gradient_in_each_agent_is_not_negative_and_somewhere_positive() -> None:
    mixer = make(3)
    draw = torch.Generator().manual_seed(4)
    q = torch.randn(64, 3, generator=draw, dtype=torch.float64).requires_grad_()
    mixer(q, torch.randn(64, 5, generator=draw, dtype=torch.float64)).sum().backward()
    assert q.grad is not None
    assert (q.grad >= 0).all()
    assert (q.grad > 0).any()


def test_a_mixer_without_abs_would_be_caught() -> None:
    """The broken twin: signed weights do decrease somewhere."""
    mixer = make(3)
    draw = torch.Generator().manual_seed(4)
    q = torch.randn(64, 3, generator=draw, dtype=torch.float64).requires_grad_()
    state = torch.randn(64, 5, generator=draw, dtype=torch.float64)
    mix_plainly(mixer, q, state, signed=True).sum().backward()
    assert q.grad is not None
    assert (q.grad < 0).any()


def test_equals_the_formula_row_by_row() -> None:
    mixer = make(5)
    draw = torch.Generator().manual_seed(6)
    q = torch.randn(7, 3, generator=draw, dtype=torch.float64)
    state = torch.randn(7, 5, generator=draw, dtype=torch.float64)
    torch.testing.assert_close(mixer(q, state), mix_plainly(mixer, q, state))


def mix_plainly(mixer: QMixer, q: torch.Tensor, state: torch.Tensor, *, signed: bool = False) -> torch.Tensor:
    """``w2 · elu(w1ᵀ q + b1) + b2`` for one row at a time."""
    mixed = []
    for row, s in zip(q, state, strict=True):
        h1, h2, b1, h3 = (mixer.first.weight @ s + mixer.first.bias).split(mixer.split)
        w1 = (mixer.w1.weight @ F.relu(h1) + mixer.w1.bias).view(mixer.n_agents, mixer.embed)
        w2 = mixer.w2.weight @ F.relu(h2) + mixer.w2.bias
        b2 = mixer.b2.weight @ F.relu(h3) + mixer.b2.bias
        if not signed:
            w1, w2 = w1.abs(), w2.abs()
        mixed.append(w2 @ F.elu(row @ w1 + b1) + b2[0])
    return torch.stack(mixed)
