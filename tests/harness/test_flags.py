"""What the flags become where they leave something open."""

from __future__ import annotations

import pytest

from harness.flags import read_flags
from studies.store import DEFAULT_STORAGE


@pytest.mark.parametrize(
    ("flags", "study"),
    [
        ([], "compare-quick"),
        (["--budget", "smoke"], "compare-smoke"),
        (["--env-steps", "700"], "compare-700-steps"),
        (["--budget", "quick", "--env-steps", "700"], "compare-700-steps"),
        (["--budget", "standard", "--env-steps", "700"], "compare-standard-700-steps"),
        (["--budget", "standard", "--env-steps", "700", "--study", "mine"], "mine"),
    ],
    ids=" ".join,
)
def test_the_study_is_named_by_budget_and_length(flags: list[str], study: str) -> None:
    request = read_flags(flags)
    assert request.study == study
    assert request.storage == DEFAULT_STORAGE


def test_a_scenario_spelt_otherwise_is_the_same_run() -> None:
    request = read_flags(["--scenarios", "3s6z,3m,3s5z_vs_3s6z"])
    assert request.scenarios == ("3s5z_vs_3s6z", "3m")
