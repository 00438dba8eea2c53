"""Arguments of public functions: what their annotations allow reaches them, all else is refused by name."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, List  # noqa: UP035

import numpy as np
import pytest

from common.values import checked


@checked()
def takes(
    names: Sequence[str] = (),
    *,
    count: int = 1,
    rate: float | None = None,
    seeds: int | Sequence[int] | None = None,
    cells: Collection[int] = (),
    point: tuple[float, float] = (0.0, 0.0),
    weights: list[float] | None = None,
    anything: List = (),  # type: ignore[assignment]  # noqa: UP006 - as users write it
    settings: Mapping[str, Any] | None = None,
    out: str | Path = "runs",
    loud: bool = False,
    **others: Any,
) -> dict[str, Any]:
    """Return what arrived."""
    return locals()


@pytest.mark.parametrize(
    ("given", "arrives"),
    [
        (dict(names=["a", "b"]), ("a", "b")),
        (dict(names="a,b"), "a,b"),
        (dict(count=np.int64(3)), 3),
        (dict(rate=2), 2.0),
        (dict(rate=None), None),
        (dict(seeds=np.array([0, 4])), (0, 4)),
        (dict(seeds=range(2)), (0, 1)),
        (dict(cells={7}), (7,)),
        (dict(names={"a": 1}.keys()), ("a",)),
        (dict(names=deque("ab")), ("a", "b")),
        (dict(weights=(1, 2)), [1.0, 2.0]),
        (dict(point=[1, 2.5]), (1.0, 2.5)),
        (dict(settings={"k24.lr": [1, None]}), {"k24.lr": [1, None]}),
        (dict(out=Path("x")), Path("x")),
        (dict(anything=7), 7),
        (dict(loud=np.bool_(True)), True),
        (dict(nobody_knows="x"), None),
    ],
)
def test_what_is_allowed_arrives_as_python_s_own(given: dict[str, Any], arrives: Any) -> None:
    found = takes(**given)
    if "nobody_knows" in given:
        assert found["others"] == given, "checked by whom they are handed on to"
    else:
        value = found[next(iter(given))]
        assert (value, type(value)) == (arrives, type(arrives))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (dict(names=3), "takes: names is 3, it must be a list"),
        (dict(names=["a", 3]), "takes: names is ['a', 3], it must be a list in which each is a string"),
        (dict(count="4"), "takes: count is '4', it must be a whole number"),
        (dict(count=1.5), "takes: count is 1.5, it must be a whole number"),
        (dict(count=True), "takes: count is True, it must be a whole number"),
        (dict(rate=float("nan")), "takes: rate is nan, it must be a finite number or None"),
        (dict(seeds=1.5), "takes: seeds is 1.5, it must be a whole number or a list or None"),
        (dict(seeds=[0, "1"]), "it must be a whole number or a list in which each is a whole number or None"),
        (dict(cells="ab"), "takes: cells is 'ab', it must be a list"),
        (dict(point=(1,)), "takes: point is (1,), it must be a list of 2"),
        (dict(settings=[("a", 1)]), "it must be a dictionary or None"),
        (dict(settings={3: 4}), "it must be a dictionary; of a key or value in it: it must be a string or None"),
        (dict(out=3), "takes: out is 3, it must be a string or of type Path"),
        (dict(loud="no"), "takes: loud is 'no', it must be True or False"),
        (dict(names=["x" * 500, 3]), "…, it must be a list"),
    ],
)
def test_anything_else_is_refused_by_name(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)) as refused:
        takes(**given)
    assert len(str(refused.value)) < 200


def test_the_error_can_be_another_kind() -> None:
    class OwnError(ValueError):
        pass

    @checked(OwnError)
    def double(number: int) -> int:
        return 2 * number

    assert double(np.int32(4)) == 8
    with pytest.raises(OwnError, match=r"double: number is 'x'"):
        double("x")  # type: ignore[arg-type]


def test_a_call_that_does_not_fit_names_the_function() -> None:
    with pytest.raises(TypeError, match=r"takes\(\) too many positional arguments"):
        takes((), 3)  # type: ignore[misc]
