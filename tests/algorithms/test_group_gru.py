"""The GRU with a weight per mask group: every sequence equals PyTorch's own cell with its group's weights."""

import pytest
import torch

from algorithms.network.gru import unroll_groups
from algorithms.network.rows import RowPermutation, order_rows

SIZE, WIDTH = 5, 4
LENGTHS = torch.tensor([3, 1, 4])
GROUPS = torch.tensor([[0, 2], [2, 2], [2, 0]])
"""Of three groups the second is absent."""


def weights(n_groups: int, *, own_bias: bool) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(2)
    shapes = [(n_groups, 3 * SIZE, WIDTH), (n_groups, 3 * SIZE, SIZE)]
    shapes += [(n_groups, 3 * SIZE) if own_bias else (3 * SIZE,)] * 2
    return [torch.randn(shape, generator=draw, dtype=torch.float64).requires_grad_() for shape in shapes]


def made(order: RowPermutation) -> torch.Tensor:
    return torch.randn(order.rows.numel(), WIDTH, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def by_cell(
    order: RowPermutation, x: torch.Tensor, w: list[torch.Tensor], hidden: torch.Tensor
) -> dict[int, torch.Tensor]:
    """Flattened (episode, view, agent) index -> (state before, state after), one row at a time."""
    groups = torch.arange(len(order.group_sizes)).repeat_interleave(torch.tensor(order.group_sizes))
    rows = {row: (i, int(groups[i])) for i, row in enumerate(order.rows.tolist())}
    views = int(LENGTHS.max())
    found = {}
    first = order.to_time_order(order.rows)[: order.step_sizes[0]].tolist()  # whose states ``hidden`` holds
    start = {row // (views * 2) * 2 + row % 2: hidden[i] for i, row in enumerate(first)}
    for sequence, state in start.items():
        episode, agent = divmod(sequence, 2)
        for t in range(int(LENGTHS[episode])):
            row = (episode * views + t) * 2 + agent
            i, g = rows[row]
            biases = [b if b.dim() == 1 else b[g] for b in w[2:]]
            after = torch.gru_cell(x[i : i + 1], state[None], w[0][g], w[1][g], *biases)[0]
            found[i] = torch.stack([state, after])
            state = after
    return found


@pytest.mark.parametrize("n_groups", [1, 3])
@pytest.mark.parametrize("own_bias", [False, True])
@pytest.mark.parametrize("started", [False, True])
def test_equals_the_cell_row_by_row(n_groups: int, own_bias: bool, started: bool) -> None:
    order = order_rows(LENGTHS, GROUPS.clamp(max=n_groups - 1), n_groups, int(LENGTHS.max()))
    x, w = made(order), weights(n_groups, own_bias=own_bias)
    hidden = torch.zeros(6, SIZE, dtype=torch.float64)
    if started:
        hidden = torch.rand(6, SIZE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    after, before = unroll_groups(list(x.split(order.group_sizes)), *w, order, hidden if started else None)
    plain = by_cell(order, x, w, hidden)
    expected = torch.stack([plain[i] for i in range(len(x))])
    torch.testing.assert_close(torch.cat(before), expected[:, 0])
    torch.testing.assert_close(torch.cat(after), expected[:, 1])
    target = torch.randn(expected[:, 1].shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    mine = torch.autograd.grad((torch.cat(after) * target).sum(), w)
    for a, b in zip(mine, torch.autograd.grad((expected[:, 1] * target).sum(), w), strict=True):
        torch.testing.assert_close(a, b)


def test_steps_of_each_group() -> None:
    order = order_rows(LENGTHS, GROUPS, 3, 4)
    assert order.step_sizes == [6, 4, 4, 2]
    assert order.group_step_sizes == [[2, 2, 2, 1], [], [4, 2, 2, 1]]
