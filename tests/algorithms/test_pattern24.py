"""Exactly 2 of 4, by construction: patterns, padding, Gumbel draws, the checker and its broken twins."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithms.sparsity.pattern24 import Pattern24Matrix, gumbel_noise, is_24
from algorithms.sparsity.tracker import LayerPatternTracker
from tests.algorithms.worlds import check_mask24


def scores_for(seed: int, in_features: int, n_groups: int = 2, out_features: int = 3) -> torch.Tensor:
    return torch.rand(n_groups, out_features, in_features, generator=torch.Generator().manual_seed(seed))


def test_the_six_patterns() -> None:
    patterns = Pattern24Matrix(8).patterns
    assert patterns.shape == (6, 4)
    assert patterns.sum(1).tolist() == [2.0] * 6
    assert len({tuple(row) for row in patterns.tolist()}) == 6


def test_hard_keeps_the_two_largest_scores() -> None:
    mask = Pattern24Matrix(8).hard(Pattern24Matrix(8).logits(torch.tensor([[[1.0, 5, 2, 4, 9, 8, 7, 1e-3]]])))
    assert mask.tolist() == [[[0.0, 1, 0, 1, 1, 1, 0, 0]]]


def noise_for(logits: torch.Tensor, seed: int) -> torch.Tensor:
    return gumbel_noise(logits, torch.Generator().manual_seed(seed))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 9999), in_features=st.integers(1, 19), scale=st.sampled_from([0.0, 1e-8, 1e-3, 1.0, 1e6]),
    temperature=st.sampled_from([0.05, 0.2, 1.0, 5.0, 100.0]),
)  # fmt: skip
def test_every_mask_keeps_exactly_two_of_four(seed: int, in_features: int, scale: float, temperature: float) -> None:
    pattern = Pattern24Matrix(in_features)
    logits = pattern.logits(scores_for(seed, in_features) * scale)
    assert not logits.isnan().any()
    check_mask24(pattern.hard(logits))
    check_mask24(pattern.sample(logits, temperature, noise_for(logits, seed)))


@pytest.mark.parametrize(("in_features", "kept"), [(4, 2), (5, 3), (6, 4), (7, 4), (8, 4), (1, 1), (2, 2), (3, 2)])
def test_padding_never_displaces_a_real_weight(in_features: int, kept: int) -> None:
    """A group with r real entries keeps min(2, r), even where they score zero."""
    pattern = Pattern24Matrix(in_features)
    for scores in (scores_for(1, in_features), torch.zeros(2, 3, in_features)):
        logits = pattern.logits(scores)
        assert (pattern.hard(logits).sum(-1) == kept).all()
        for seed in range(5):
            assert (pattern.sample(logits, 5.0, noise_for(logits, seed)).sum(-1) == kept).all()


def test_logits_do_not_depend_on_the_scale_of_the_scores() -> None:
    pattern, scores = Pattern24Matrix(8), scores_for(0, 8)
    torch.testing.assert_close(pattern.logits(scores), pattern.logits(scores * 1e-4), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("temperature", [0.2, 5.0])
def test_gumbel_draws_follow_the_softmax_of_the_logits_at_any_temperature(temperature: float) -> None:
    pattern = Pattern24Matrix(4)
    logits = torch.tensor([1.5, 0.5, 0.0, 0.0, -0.5, -1.5]).expand(1, 20_000, 1, 6)
    mask = pattern.sample(logits, temperature, noise_for(logits, 0))
    drawn = (mask.view(-1, 1, 4) == pattern.patterns).all(-1).float().mean(0)
    torch.testing.assert_close(drawn, logits[0, 0, 0].softmax(-1), atol=0.015, rtol=0)


def test_without_noise_the_best_pattern_is_drawn() -> None:
    pattern = Pattern24Matrix(10)
    logits = pattern.logits(scores_for(3, 10))
    assert torch.equal(pattern.sample(logits, 1.0, torch.zeros_like(logits)), pattern.hard(logits))


def test_the_check_of_masks_accepts_good_and_names_bad_ones() -> None:
    good = Pattern24Matrix(10).hard(Pattern24Matrix(10).logits(scores_for(0, 10)))
    check_mask24(good)
    for change in (1.0, 0.0):
        bad = good.clone()
        row = bad[1, 2, 4:8]
        row[(row != change).nonzero()[0]] = change
        with pytest.raises(AssertionError, match=r"fc2 does not keep two of four: \[\[1, 2, 1\]\]"):
            check_mask24(bad, "fc2")
    short = good.clone()
    short[0, 0, 8] = 0
    with pytest.raises(AssertionError, match=r"mask does not keep two of four: \[\[0, 0, 2\]\]"):
        check_mask24(short)
    with pytest.raises(AssertionError, match="values other than 0 and 1"):
        check_mask24(good * 0.5)


def test_a_24_weight_may_hold_zeros_but_no_third_number() -> None:
    assert is_24(torch.tensor([[0.0, 0.3, 0.0, 0.0, -1.0, 2.0, 0.0, 0.0]]))
    assert not is_24(torch.tensor([[0.1, 0.3, 0.2, 0.0]]))
    assert not is_24(torch.ones(2, 8))
    for width in range(1, 8):  # the last group of four is filled up with zeros
        assert is_24(torch.ones(3, width)) is (width <= 2)
        assert is_24(torch.cat([torch.zeros(3, 4), torch.ones(3, width)], 1)) is (width <= 2)


def test_tracker_counts_use_overlap_and_churn() -> None:
    tracker = LayerPatternTracker()
    groups = ("a", "b", "c")
    first = tracker.record({"fc1": torch.tensor([[[0, 1]], [[0, 0]], [[3, 5]]])}, groups)
    used = {name: share for name, share in first.items() if share and name.startswith("pattern_use")}
    assert used == {
        **{"pattern_use/fc1/a/1100": 0.5, "pattern_use/fc1/a/1010": 0.5, "pattern_use/fc1/b/1100": 1.0},
        **{"pattern_use/fc1/c/0110": 0.5, "pattern_use/fc1/c/0011": 0.5},
    }
    assert sum(name.startswith("pattern_use") for name in first) == 3 * 6
    assert first["pattern_entropy/fc1"] == pytest.approx(2 / 3 * 0.386853, abs=1e-5)  # ln 2 / ln 6, in two of three
    assert first["pattern_overlap/fc1"] == pytest.approx(1 / 6)  # one of three pairs at the first place, none beside
    assert first["pattern_churn/fc1"] == 0
    both = {"fc1": torch.tensor([[[0, 1]], [[1, 0]], [[3, 5]]]), "fc2": torch.tensor([[[4]], [[4]], [[4]]])}
    second = tracker.record(both, groups)
    assert second["pattern_churn/fc1"] == pytest.approx(1 / 6)
    assert second["pattern_churn"] == pytest.approx(1 / 12)
    assert second["pattern_overlap/fc2"] == 1
    assert LayerPatternTracker().record({"fc2": torch.tensor([[[4]]])}, ["all"])["pattern_overlap/fc2"] == 0


def test_chosen_patterns_are_read_back_from_the_mask() -> None:
    pattern = Pattern24Matrix(9)  # the last group holds one real entry, which three patterns keep
    draw = torch.Generator().manual_seed(0)
    logits = pattern.logits(torch.rand(2, 5, 9, generator=draw))
    mask = pattern.hard(logits)
    chosen = pattern.chosen(mask)
    assert torch.equal(chosen[..., :2], logits[..., :2, :].argmax(-1))
    assert (chosen[..., 2] == chosen[0, 0, 2]).all()
    assert torch.equal(pattern.chosen(mask.bool()), chosen)
