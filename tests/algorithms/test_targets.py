"""TD(λ) targets against numbers worked out by hand; ``test_published_qmix.py`` compares them with n-step returns."""

import pytest
import torch

from algorithms.q_learning.targets import td_lambda_targets

# γ = 0.5 and λ = 0.5 keep the arithmetic exact: G = r + 0.5 (0.5 V' + 0.5 G') = r + 0.25 V' + 0.25 G'
TABLE = {
    # rewards, next values, ended at the last step, expected
    "one terminal step": ([1.0], [100.0], True, [1.0]),
    "one cut step bootstraps": ([1.0], [100.0], False, [51.0]),
    "two steps": ([1.0, 2.0], [8.0, 100.0], True, [1 + 2 + 0.5, 2.0]),
    "three steps": ([1.0, 2.0, 4.0], [8.0, 16.0, 100.0], True, [1 + 2 + 7 / 4, 2 + 4 + 1.0, 4.0]),
    "three steps, cut": ([1.0, 2.0, 4.0], [8.0, 16.0, 32.0], False, [1 + 2 + 11 / 4, 2 + 4 + 20 / 4, 4 + 16.0]),
}


@pytest.mark.parametrize("case", TABLE)
@pytest.mark.parametrize("padding", [0, 2])
def test_hand_computed(case: str, padding: int) -> None:
    rewards, values, ends, expected = TABLE[case]
    length = len(rewards)
    # what lies in the padding must not matter
    reward = torch.tensor([rewards + [7.0] * padding])
    value = torch.tensor([values + [9.0] * padding])
    filled = torch.arange(length + padding)[None] < length
    ended = (torch.arange(length + padding)[None] == length - 1) & torch.tensor(ends)
    got = td_lambda_targets(reward, value, ended, filled, gamma=0.5, td_lambda=0.5)
    assert got[0, :length].tolist() == expected
    assert got[0, length:].tolist() == [0.0] * padding


def test_lambda_zero_is_one_step_and_lambda_one_is_monte_carlo() -> None:
    reward, value = torch.tensor([[1.0, 2.0, 4.0]]), torch.tensor([[8.0, 16.0, 32.0]])
    filled, ended = torch.ones(1, 3, dtype=torch.bool), torch.tensor([[False, False, True]])
    one_step = td_lambda_targets(reward, value, ended, filled, gamma=0.5, td_lambda=0.0)
    assert one_step.tolist() == [[1 + 4.0, 2 + 8.0, 4.0]]
    monte_carlo = td_lambda_targets(reward, value, ended, filled, gamma=0.5, td_lambda=1.0)
    assert monte_carlo.tolist() == [[1 + 0.5 * (2 + 0.5 * 4), 2 + 0.5 * 4, 4.0]]
