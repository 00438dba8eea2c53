"""docs/sc2_protocol.md is true: its table is the session's, its code runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("s2clientprotocol", reason="the game's messages (package pys2clientprotocol) are not installed")

from s2clientprotocol import sc2api_pb2

from envs.sc2.server.messages import info
from envs.sc2.server.session import ALWAYS, MOST_LOOPS, POSSIBLE
from tests.programs import output_of

TEXT = (Path(__file__).parents[2] / "docs" / "sc2_protocol.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+)` \| ([\w, ]+) \| ", TEXT, flags=re.MULTILINE))


def test_the_table_names_every_request_and_when_it_is_answered() -> None:
    names = {status: name for name, status in sc2api_pb2.Status.items()}
    possible = {
        kind: "all" if when == ALWAYS else ", ".join(names[status] for status in sorted(when))
        for kind, when in POSSIBLE.items()
    }
    assert possible == ROWS


def test_numbers_and_names_are_those_of_the_code() -> None:
    assert f"up to {MOST_LOOPS:,} loops" in TEXT
    for ability in info.ABILITIES:
        assert re.search(rf"\b{ability.ability_id}\b", TEXT)
    for response in (sc2api_pb2.ResponseCreateGame, sc2api_pb2.ResponseStartReplay):
        assert {name for name, _ in response.Error.items() if f"`{name}`" not in TEXT} <= {"InvalidMapHandle"}


def test_its_code_runs(stand_in: Path) -> None:
    pytest.importorskip("websockets", reason="the websocket library (package websockets) is not installed")
    pytest.importorskip("pysc2.run_configs", reason="pysc2 or what it needs is not installed")
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    assert output_of("-W", "ignore", "-c", code).startswith(f"saved: {stand_in}/Replays/3m_")
