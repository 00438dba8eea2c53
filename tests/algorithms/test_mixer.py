"""The mixer never decreases in any agent's value; ``test_published_qmix.py`` compares it with the paper's formula."""

import pytest
import torch
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


def gradient() -> torch.Tensor:
    """(64, 3) of the joint value in each agent's."""
    mixer, draw = make(3), torch.Generator().manual_seed(4)
    q = torch.randn(64, 3, generator=draw, dtype=torch.float64).requires_grad_()
    return torch.autograd.grad(mixer(q, torch.randn(64, 5, generator=draw, dtype=torch.float64)).sum(), q)[0]


def test_gradient_in_each_agent_is_not_negative_and_somewhere_positive() -> None:
    assert (gradient() >= 0).all()
    assert (gradient() > 0).any()


def test_a_mixer_without_abs_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken twin: signed weights do decrease somewhere."""
    monkeypatch.setattr(torch.Tensor, "abs", lambda x: x)
    assert (gradient() < 0).any()
