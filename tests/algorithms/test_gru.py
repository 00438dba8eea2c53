"""The packed GRU equals PyTorch's cell, forward and backward."""

import pytest
import torch
from torch import Tensor, nn

from algorithms.network.gru import SequenceGRU


def pair(size_in: int = 5, hidden: int = 4) -> tuple[SequenceGRU, nn.GRUCell]:
    gru = SequenceGRU(size_in, hidden, torch.Generator().manual_seed(0)).double()
    cell = nn.GRUCell(size_in, hidden, dtype=torch.float64)
    cell.load_state_dict(gru.state_dict())
    return gru, cell


def walk(cell: nn.GRUCell, x: Tensor, step_sizes: list[int], hidden: Tensor) -> Tensor:
    states = []
    for rows in x.split(step_sizes):
        hidden = cell(rows, hidden[: len(rows)])
        states.append(hidden)
    return torch.cat(states)


@pytest.mark.parametrize("step_sizes", [[3], [3, 3, 3], [6, 4, 4, 1], [2] * 9])
@pytest.mark.parametrize("with_hidden", [False, True])
def test_equals_the_cell(step_sizes: list[int], with_hidden: bool) -> None:
    gru, cell = pair()
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(sum(step_sizes), 5, generator=draw, dtype=torch.float64).requires_grad_()
    hidden = torch.randn(step_sizes[0], 4, generator=draw, dtype=torch.float64) * with_hidden
    weight = torch.randn(sum(step_sizes), 4, generator=draw, dtype=torch.float64)
    mine = gru(x, step_sizes, hidden if with_hidden else None)
    reference = walk(cell, x, step_sizes, hidden)
    torch.testing.assert_close(mine, reference)
    ours = torch.autograd.grad((mine * weight).sum(), [x, *gru.parameters()])
    theirs = torch.autograd.grad(
        (reference * weight).sum(), [x, *(cell.get_parameter(n) for n, _ in gru.named_parameters())]
    )
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b)


def test_gradient_by_finite_differences() -> None:
    gru, _ = pair(3, 2)
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: gru(x, [3, 2, 1]), [x])


def test_without_gradients_the_states_are_the_same() -> None:
    gru, _ = pair()
    x = torch.randn(11, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    with_graph = gru(x, [5, 4, 2])
    gru.requires_grad_(False)
    assert torch.equal(gru(x, [5, 4, 2]), with_graph)


def test_a_sequence_does_not_depend_on_its_neighbours() -> None:
    gru, _ = pair()
    draw = torch.Generator().manual_seed(4)
    x = torch.randn(4, 3, 5, generator=draw, dtype=torch.float64)  # 4 steps of 3 sequences
    together = gru(x.flatten(0, 1), [3] * 4).view(4, 3, -1)
    alone = gru(x[:, 1], [1] * 4)
    torch.testing.assert_close(together[:, 1], alone)
