"""What a learner reports goes into the curve, whatever it is called; without a loss the run ends with words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from algorithms.diagnostics import checked_diagnostics
from harness.cli.common import ALL_DONE, SOME_MISSING
from tests.harness.conftest import Compare, Printed, runs_of
from tests.harness.fake_algorithm import RuleAlgorithm

SHORT = ("--algos", "rule", "--env-steps", "200", "--study", "s")


def returning(**found: float) -> Any:
    """An update with these diagnostics."""
    return lambda self, batch, env_steps: found


def test_names_of_columns_stay_distinct(compare: Compare, storage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RuleAlgorithm, "update", returning(loss=0.5, win_rate=0.25, epsilon=7.0, drawn=3.0, self=4.0))
    assert compare(*SHORT) == ALL_DONE
    ((_, (*_, last)),) = runs_of(storage, "s")
    assert last.win_rate > 0.5, "that of the battles, not of the learner"
    assert 0 <= last.epsilon <= 1
    assert (last.extra["learner/win_rate"], last.extra["learner/epsilon"], last.extra["drawn"]) == (0.25, 7.0, 3.0)
    assert last.extra["self"] == 4.0, "a diagnostic has any name"
    assert last.loss == 0.5


def test_an_update_without_a_loss(compare: Compare, monkeypatch: pytest.MonkeyPatch, printed: Printed) -> None:
    monkeypatch.setattr(RuleAlgorithm, "update", returning(td_loss=0.5))
    assert compare(*SHORT) == SOME_MISSING
    output = printed()
    assert "algorithm rule: learn() returned td_loss without 'loss'; return at least" in " ".join(output.split())


def test_a_run_without_an_update_says_so(compare: Compare, monkeypatch: pytest.MonkeyPatch, printed: Printed) -> None:
    says = "it made no update: the policy is as it began"
    assert compare(*SHORT) == ALL_DONE
    assert says not in printed()
    monkeypatch.setattr(RuleAlgorithm, "learn", lambda self, env_steps: None)
    assert compare(*SHORT, "--seeds", "7,") == ALL_DONE
    assert says in " ".join(printed().split())


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3.0),
        (True, 1.0),
        (float("inf"), float("inf")),
        (np.float32(0.5), 0.5),
        (np.array(2), 2.0),
        (np.array([[2.5]]), 2.5),
        (torch.tensor([4.0]), 4.0),
    ],
)
def test_every_real_number_is_a_diagnostic(value: object, number: float) -> None:
    assert float(checked_diagnostics("a", "learn()", {"x": value})["x"]) == number


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("0.5", r"'0\.5' \(str\)"),
        (b"1", r"b'1' \(bytes\)"),
        (None, r"None \(NoneType\)"),
        (1j, r"1j \(complex\)"),
        (np.complex64(1), r"np\.complex64\(.*\) \(complex64\)"),
        ({"y": 1}, r"{'y': 1} \(dict\)"),
        (10**400, r"10{39}… \(int\)"),
        (10**5000, "a value of type int"),
        (np.zeros(3), r"a ndarray of shape \(3,\) and float64"),
        (np.zeros(1, complex), r"a ndarray of shape \(1,\) and complex128"),
        (torch.zeros(3), r"a Tensor of shape \(3,\) and torch\.float32"),
        (torch.zeros((), dtype=torch.complex64), r"a Tensor of shape \(\) and torch\.complex64"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_anything_else_is_refused_by_name(value: object, words: str) -> None:
    message = rf"algorithm a: learn\(\) returned {words} as diagnostic 'x'; it must be one real number"
    with pytest.raises(ValueError, match=message):
        checked_diagnostics("a", "learn()", {"loss": 1.0, "x": value})


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({3: 1.0}, r"named a diagnostic 3 \(int\); a name is a text"),
        ({None: 1.0}, r"named a diagnostic None \(NoneType\)"),
        ({"a\n": 1.0}, "named a diagnostic"),
        ([1], r"returned \[1\] \(list\); return a mapping"),
        (0.5, r"returned 0\.5 \(float\); return a mapping"),
    ],
)
def test_names_are_texts(found: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        checked_diagnostics("a", "learn()", found)


def ends_the_program(*_: object, **__: object) -> None:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("method", "replacement", "says"),
    [
        ("update", returning(loss="abc"), "learn() returned 'abc' (str) as diagnostic 'loss'; it must be one real"),
        ("update", returning(loss=0.5, x=None), "learn() returned None (NoneType) as diagnostic 'x'"),
        ("diagnostics", lambda self: {"y": "abc"}, "algorithm rule: diagnostics() returned 'abc' (str) as"),
        ("update", ends_the_program, "FAILED with SystemExit: 3 (it asks the whole program to end; raise another"),
        ("__init__", ends_the_program, "FAILED with SystemExit: 3 (it asks the whole program to end; raise another"),
        ("sparsity", ends_the_program, "FAILED with SystemExit: 3 (it asks the whole program to end; raise another"),
    ],
)
def test_a_run_fails_in_words_and_the_others_go_on(
    compare: Compare, monkeypatch: pytest.MonkeyPatch, printed: Printed, method: str, replacement: Any, says: str
) -> None:
    monkeypatch.setattr(RuleAlgorithm, method, replacement)
    assert compare(*SHORT, "--seeds", "2") == SOME_MISSING
    output = " ".join(printed().split())
    assert output.count(says) >= 2, "each seed on its own"
    assert output.count("the other runs go on") == 2
