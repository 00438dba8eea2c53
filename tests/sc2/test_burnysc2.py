"""Another client, python-sc2 (package burnysc2): its bots see the units, give orders and save a replay."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("s2clientprotocol", reason="the game's messages (package pys2clientprotocol) are not installed")
pytest.importorskip("websockets", reason="the websocket library (package websockets) is not installed")
if find_spec("sc2") is None:
    pytest.skip("the client python-sc2 (package burnysc2) is not installed", allow_module_level=True)

from envs.sc2.server.simulation import replay
from tests.programs import output_of

PROGRAM = Path(__file__).with_name("burny_game.py")


def test_a_bot_fights(stand_in: Path, tmp_path: Path) -> None:
    saved = tmp_path / "fight.SC2Replay"
    printed = output_of("-W", "ignore", str(PROGRAM), str(stand_in / "Maps" / "SMAC_Maps" / "3m.SC2Map"), str(saved))
    output = dict(line.split(" ", 1) for line in printed.splitlines() if line)
    assert output["map"] == "3m 32 32"
    assert output["units"] == "Marine_RL Marine_RL Marine_RL"
    before, after = map(float, output["health"].split())
    assert 0 < after < before == 135
    assert replay.read_replay(saved.read_bytes()).loops >= 60 * 4
