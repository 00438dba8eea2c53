"""Map files come from clients: whatever they hold, they are read or refused by a ``ValueError``."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

pytest.importorskip("s2clientprotocol", reason="the game's messages (package pys2clientprotocol) are not installed")

from hypothesis import example, given, settings
from hypothesis import strategies as st

from envs.sc2.server.simulation.maps import map_file, read_map

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}),
    st.lists(st.integers(), max_size=3), st.lists(st.lists(st.floats(), max_size=5), max_size=3), st.just(["marine"]),
)  # fmt: skip


NESTED = b"[" * 100_000


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to everything inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, below in inner for place in places(below, (*path, key)))]


@settings(max_examples=300, deadline=None)
@given(data=st.data(), name=st.sampled_from(["32x32_flat", "MMM", "2c_vs_64zg", "corridor"]), value=VALUES)
def test_a_changed_map_file_is_read_or_refused(data: st.DataObject, name: str, value: Any) -> None:
    content = json.loads(map_file(name))
    path = data.draw(st.sampled_from(places(content)[1:]))
    changed = copy.deepcopy(content)
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    try:
        battlefield = read_map(json.dumps(changed).encode())
    except ValueError:
        return
    assert isinstance(battlefield.name, str)


@given(st.binary(max_size=200))
@example(NESTED)
@example(b"1" * 10_000)
def test_any_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="map"):
        read_map(content)
