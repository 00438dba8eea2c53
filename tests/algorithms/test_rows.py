"""Real rows in two orders: nothing lost, nothing doubled, groups contiguous, steps shrinking."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithms.network.rows import order_rows


@settings(max_examples=60, deadline=None)
@given(data=st.data(), n_groups=st.integers(1, 4), n_agents=st.integers(1, 4), padded=st.integers(1, 6))
def test_orders_are_permutations_of_the_real_rows(
    data: st.DataObject, n_groups: int, n_agents: int, padded: int
) -> None:
    lengths = torch.tensor(data.draw(st.lists(st.integers(1, padded), min_size=1, max_size=5)))
    of_episode = st.lists(st.integers(0, n_groups - 1), min_size=n_agents, max_size=n_agents)
    groups = torch.tensor(data.draw(st.lists(of_episode, min_size=len(lengths), max_size=len(lengths))))
    order = order_rows(lengths, groups, n_groups, padded)
    real = (torch.arange(padded) < lengths[:, None]).flatten().nonzero().flatten()
    assert sorted(order.views.tolist()) == real.tolist()
    rows = [v * n_agents + n for v in real.tolist() for n in range(n_agents)]
    assert sorted(order.rows.tolist()) == rows
    assert sum(order.group_sizes) == sum(order.step_sizes) == len(rows)
    assert order.step_sizes == sorted(order.step_sizes, reverse=True)
    of_row = groups[:, None].expand(-1, padded, -1).flatten()[order.rows]
    assert of_row.tolist() == sorted(of_row.tolist())
    assert torch.bincount(of_row, minlength=n_groups).tolist() == order.group_sizes
    in_time = (order.views[:, None] * n_agents + torch.arange(n_agents)).flatten()
    assert torch.equal(order.to_group_order(in_time), order.rows)
    assert torch.equal(order.to_time_order(order.rows), in_time)


def test_gradient_of_reordering_is_the_inverse_permutation() -> None:
    order = order_rows(torch.tensor([2, 3]), torch.tensor([[1, 0], [0, 1]]), 2, 3)
    x = torch.randn(10, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: (order.to_group_order(x) ** 2, order.to_time_order(x)), [x])
