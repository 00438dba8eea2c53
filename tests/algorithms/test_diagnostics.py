"""Numbers beside each evaluation: they say what the tensors show, and asking for them changes nothing."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from tests.algorithms.worlds import Q_LEARNERS, RUN, SINGLE_TYPE, SPEC, batch, k24, learner, same_parameters, train


@pytest.mark.parametrize("id", Q_LEARNERS)
def test_numbers_are_finite_and_asking_changes_nothing(id: str) -> None:
    asked, left_alone = (learner(id, total_env_steps=RUN) for _ in range(2))
    for i, env_steps in enumerate((0, 100, 300, 700, 810, 900)):
        for made in (asked, left_alone):
            made.advance(env_steps)
        assert asked.update(batch(seed=i), env_steps) == left_alone.update(batch(seed=i), env_steps)
        assert all(math.isfinite(value) for value in asked.diagnostics().values())
    assert same_parameters(asked, left_alone)
    mine, other = asked.state_dict(), left_alone.state_dict()
    for stream in {"explore", "masks"} & mine.keys():
        assert torch.equal(mine[stream], other[stream])


def test_a_dense_learner_tells_how_it_explores() -> None:
    made = learner("qmix", total_env_steps=RUN)
    found = []
    for env_steps in (0, RUN // 4, RUN):
        made.advance(env_steps)
        found.append(made.diagnostics())
    assert [round(each["epsilon"], 2) for each in found] == [1.0, 0.53, 0.05]
    assert all(each.keys() == {"epsilon"} for each in found)


def test_k24_before_any_update() -> None:
    made = k24()
    found = made.diagnostics()
    assert list(found)[:4] == ["epsilon", "pattern_entropy", "pattern_overlap", "pattern_churn"]
    assert (found["temperature"], found["pattern_churn"]) == (5.0, 0.0)
    assert {name[-3:] for name in found if name.startswith("pattern_churn/")} == {"fc1", "fc2", "fc3", "fc4"}
    assert found["pattern_entropy"] > 0.9  # patterns drawn by chance use all six about alike
    masks = made.layers()["fc2"].masks().unflatten(-1, (-1, 4))  # full groups: same mask, same pattern
    pairs = [(0, 1), (0, 2), (1, 2)]
    by_hand = sum((masks[a] == masks[b]).all(-1).float().mean().item() for a, b in pairs) / 3
    assert found["pattern_overlap/fc2"] == pytest.approx(by_hand)


def test_k24_churn_is_counted_from_call_to_call() -> None:
    made = k24()
    made.diagnostics()
    before = made.layers()["fc3"].chosen_patterns()
    train(made, 4)
    changed = (made.layers()["fc3"].chosen_patterns() != before).float().mean().item()
    assert made.diagnostics()["pattern_churn/fc3"] == pytest.approx(changed) != 0
    assert made.diagnostics()["pattern_churn"] == 0  # nothing moved since


def test_k24_temperature_follows_the_run() -> None:
    made = k24()
    made.advance(402)
    assert made.diagnostics()["temperature"] == pytest.approx(2.6)


def test_k24_churn_survives_a_checkpoint() -> None:
    made = k24()
    made.diagnostics()
    train(made, 3)
    resumed = k24(seed=1)
    resumed.load_state_dict(made.state_dict())
    found = made.diagnostics()
    assert found == resumed.diagnostics()
    assert found["pattern_churn"] > 0


def test_k24_frozen_masks_stand_still_though_weights_move() -> None:
    made = k24()
    made.diagnostics()
    train(made, 3)
    made.advance(804)
    at_freeze = made.diagnostics()
    assert at_freeze["pattern_churn"] > 0  # the freeze did not swallow what changed before it
    scores = made.layers()["fc2"].scores().detach().clone()
    train(made, 3, 900)
    assert not torch.equal(made.layers()["fc2"].scores(), scores)
    later = made.diagnostics()
    assert later["pattern_churn"] == 0
    assert later["pattern_overlap"] == at_freeze["pattern_overlap"]


def test_kalei_counts_masks() -> None:
    made = learner("kalei")
    with torch.no_grad():
        for layer in made.layers().values():
            layer.weight.fill_(1.0)
            layer.thresholds.fill_(-9.0)
            layer.thresholds[0] = 99.0  # sigmoid 1: the first type loses every weight, and agrees with nobody
    found = made.diagnostics()
    assert list(found)[:3] == ["epsilon", "mask_sparsity", "mask_overlap"]
    assert (found["mask_sparsity"], found["mask_overlap"]) == pytest.approx((1 / 3, 1 / 3))
    assert found["mask_sparsity/fc2"] == pytest.approx(1 / 3)
    assert [found[f"mask_sparsity/fc2/{name}"] for name in SPEC.unit_types] == [1.0, 0.0, 0.0]
    assert made.diagnostics()["mask_sparsity"] == pytest.approx(made.sparsity().masked_layers)


@pytest.mark.parametrize(("id", "key"), [("k24", "pattern_overlap"), ("kalei", "mask_overlap")])
def test_no_pairs_no_overlap(id: str, key: str) -> None:
    alone = learner(id, dataclasses.replace(SINGLE_TYPE, n_agents=1))
    assert alone.diagnostics()[key] == 0
    assert learner(id, SPEC).diagnostics()[key] > 0
