"""Masks as they are stored with a run, against numbers worked out by hand."""

import json
from pathlib import Path

import pytest
import torch

from harness.cli.console import make_console
from harness.flags.compare import read_flags
from harness.flags.planning import plan_runs
from harness.plots.masks import plot_masks
from harness.results.mask_tables import show
from harness.training.final_evaluation import describe_flops, describe_masks
from tests.algorithms.worlds import SPEC, learner
from tests.harness.conftest import Printed
from tests.harness.fake_algorithm import RuleAlgorithm, rule
from tests.harness.results.rows import run_row


def rule_with(weights: dict[str, torch.Tensor]) -> RuleAlgorithm:
    made = rule()
    made.masked_weights = lambda: weights  # type: ignore[method-assign]
    return made


def test_patterns_by_hand() -> None:
    first = [[1.0, 2, 0, 0, 0, 0, 3, 4], [1, 0, 2, 0, 1, 2, 0, 0]]
    second = [[1.0, 2, 0, 0, 0, 5, 6, 0], [0, 0, 1, 2, 1, 2, 0, 0]]
    found = describe_masks(rule_with({"fc": torch.tensor([first, second])}))
    assert found["groups"] == ("left", "right")
    layer = found["layers"]["fc"]
    assert layer["sparsity"] == [0.5, 0.5]
    assert layer["pattern_use"] == [[0.5, 0.25, 0, 0, 0, 0.25], [0.5, 0, 0, 0.25, 0, 0.25]]
    assert layer["agreement"] == [[1.0, 0.5], [0.5, 1.0]]
    json.dumps(found)


def test_masks_that_are_not_two_of_four() -> None:
    weights = torch.tensor([[[1.0, 2, 3, 0]], [[0, 2, 3, 4]]])
    layer = describe_masks(rule_with({"fc": weights}))["layers"]["fc"]
    assert layer == {"sparsity": [0.25, 0.25], "pattern_use": None, "agreement": [[1.0, 0.5], [0.5, 1.0]]}


def test_one_mask_for_all_has_one_name() -> None:
    assert describe_masks(learner("k24-magnitude"))["groups"] == ("all",)
    assert describe_masks(learner("k24"))["groups"] == SPEC.unit_types


def test_a_run_whose_last_layer_is_dense_is_shown(tmp_path: Path, printed: Printed) -> None:
    masks = describe_masks(learner("k24", mask_head=False))
    (plan,), _ = plan_runs(read_flags(["--algos", "k24", "--budget", "smoke"]))
    run = run_row(plan, 1, details={"masks": masks})
    show(make_console(), run)
    rows = [line.split() for line in printed().splitlines()]
    assert ["fc4", "marine", "0.0%", *["–"] * 6, "100.0%"] in rows
    (plot,) = plot_masks(tmp_path, "k24", "terran_5_vs_5", [run], 0)
    assert "fc3: " in plot.alt
    assert "fc4" not in plot.alt


def test_flops() -> None:
    found = describe_flops(learner("k24", mask_gru=True))
    assert found["dense"] == sum(layer["dense"] for layer in found["layers"].values())
    assert found["kept"] / found["dense"] == pytest.approx(0.5, abs=0.02)
    assert describe_flops(rule_with({})) == {}
