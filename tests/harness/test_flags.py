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
