"""``harness.watch --replay``: games of the stand-in for StarCraft II become videos; other files are refused."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("s2clientprotocol", reason="the game's messages (package pys2clientprotocol) are not installed")

from PIL import Image
from s2clientprotocol import debug_pb2, sc2api_pb2

from envs.sc2.server.folder import GameFolder
from envs.sc2.server.session import Session
from envs.sc2.server.simulation.recording import ReplayRecording
from envs.sc2.server.simulation.replay import engine_version, read_replay
from envs.sc2.server.simulation.world import World
from harness.cli.common import ALL_DONE
from harness.video.battles import pictures
from harness.watch import main
from tests.harness.conftest import ErrorOf, Printed
from tests.sc2.client import Client, spawn

MARINES = 1970 + 4  # the agents' copies on the map of all random teams follow the game's own types


def save(folder: Path, *, battles: int, enemies: tuple[int, ...] = (1, 1)) -> Path:
    """A game of two marines against one, killed and made again."""
    client = Client(Session(GameFolder(None), World))
    client.play("32x32_flat")
    for _, count in zip(range(battles), enemies, strict=False):
        fighters = [spawn(MARINES, x=12), spawn(MARINES, x=13), *(spawn(48, owner=2, x=20 + i) for i in range(count))]
        client.ask(debug=sc2api_pb2.RequestDebug(debug=fighters))
        client.ask(step=sc2api_pb2.RequestStep(count=24))
        units = client.ask(observation=sc2api_pb2.RequestObservation()).observation.raw_data.units
        for doomed in ([unit.tag for unit in units if unit.owner == 2], [unit.tag for unit in units]):
            kill = debug_pb2.DebugCommand(kill_unit=debug_pb2.DebugKillUnit(tag=doomed))
            client.ask(debug=sc2api_pb2.RequestDebug(debug=[kill]))
            client.ask(step=sc2api_pb2.RequestStep(count=2))
    path = folder / "game.SC2Replay"
    path.write_bytes(client.ask(save_replay=sc2api_pb2.RequestSaveReplay()).data)
    return path


def watch(replay: Path, *flags: str) -> int:
    return main(["--replay", str(replay), "--size", "240", "--every", "8", *flags])


def test_all_battles_of_a_replay(tmp_path: Path, printed: Printed) -> None:
    path = save(tmp_path, battles=2)
    assert watch(path, "--out", str(tmp_path / "a.gif")) == ALL_DONE
    said = printed()
    assert "battle 1: won by loop 26\nbattle 2: won by loop 54\n" in said
    with Image.open(tmp_path / "a.gif") as video:
        assert video.size == (240, 274)
        assert video.n_frames >= 6  # type: ignore[attr-defined]
    assert watch(path, "--episodes", "1", "--out", str(tmp_path / "b.gif")) == ALL_DONE
    assert "battle 2" not in printed()


def test_a_replay_brings_its_world_along(tmp_path: Path, error_of: ErrorOf) -> None:
    error = error_of(main, "--replay", "any", "--scenario", "3m", "--fov", "all", "--out", str(tmp_path / "a.gif"))
    assert "error: --scenario, --fov: --replay shows a game as it was played" in error


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: b"MPQ\x1b" + data, "StarCraft II's own replays can only be played by StarCraft II"),
        (
            lambda data: data.replace(engine_version().encode(), b"f" * 16),
            "made by version ffffffffffffffff of the engine",
        ),
    ],
)
def test_files_that_cannot_be_shown(
    tmp_path: Path, error_of: ErrorOf, change: Callable[[bytes], bytes], says: str
) -> None:
    path = save(tmp_path, battles=1)
    path.write_bytes(change(path.read_bytes()))
    error = error_of(main, "--replay", str(path), "--out", str(tmp_path / "a.gif"))
    assert error.startswith(f"error: --replay {path}: ")
    assert says in error


def test_games_that_show_nothing(tmp_path: Path, error_of: ErrorOf) -> None:
    out = tmp_path / "a.gif"
    assert "No such file" in error_of(main, "--replay", str(tmp_path / "none"), "--out", str(out))
    path = save(tmp_path, battles=0)
    assert "no unit appears in this game" in error_of(main, "--replay", str(path), "--out", str(out))
    assert not out.exists()


def test_the_end_of_a_battle_is_drawn_with_its_own_teams(tmp_path: Path) -> None:
    """Two against one, then one against three: the held picture of the first must not count as the second."""
    path = save(tmp_path, battles=2, enemies=(1, 3))
    recording = ReplayRecording(read_replay(path.read_bytes()))
    drawn: list[tuple[str, int, int]] = []

    class Counting:
        def draw(self, frame: object, *, caption: str, outcome: str = "") -> str:
            setup = recording.setup
            drawn.append((caption, int(setup["n_agents"][0]), int(setup["n_enemies"][0])))
            return caption

    flags = argparse.Namespace(episodes=None, every=1, replay=path)
    made = list(pictures(recording, Counting(), flags, 3, lambda *_: None))  # type: ignore[arg-type]
    assert len(made) == len(drawn) + 4, "each end is drawn once and held for three pictures"
    assert set(drawn) == {("battle 1", 2, 1), ("battle 2", 2, 3)}


def test_units_that_join_a_battle_are_counted(tmp_path: Path) -> None:
    client = Client(Session(GameFolder(None), World))
    client.play("32x32_flat")
    for fighters in ([spawn(MARINES, x=12), spawn(48, owner=2, x=20)], [spawn(48, owner=2, x=22)]):
        client.ask(debug=sc2api_pb2.RequestDebug(debug=fighters))
        client.ask(step=sc2api_pb2.RequestStep(count=4))
    recording = ReplayRecording(read_replay(client.ask(save_replay=sc2api_pb2.RequestSaveReplay()).data))
    counts = [int(recording.setup["n_enemies"][0]) for _ in recording.frames()]
    assert (counts[0], counts[-1]) == (1, 2)
