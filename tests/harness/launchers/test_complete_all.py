"""Runs are given to workers by number, in a short form that these read back."""

from __future__ import annotations

import pytest

from harness.launchers.complete_all import compact
from harness.worker import ids_in


@pytest.mark.parametrize("ids", [[1], [1, 2, 3], [3, 7], [1, 2, 5, 6, 7, 9]])
def test_ids_are_compact_and_read_back(ids: list[int]) -> None:
    assert ids_in(compact(ids)) == set(ids)
    assert len(compact(range(1, 5000))) < 10
