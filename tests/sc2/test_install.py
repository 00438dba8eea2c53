"""The installation, the command line, and that a game ends with its parent."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("s2clientprotocol", reason="the game's messages (package pys2clientprotocol) are not installed")

from envs.sc2.installation import MARK
from envs.sc2.server import __main__
from envs.sc2.server.folder import install
from envs.sc2.server.simulation import maps
from tests.programs import started
from tests.sc2.fake_game import is_running, wait_for_end

PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())])
print(child.pid, flush=True)
time.sleep(60)
"""
CHILD = """
import os, sys, time
from envs.sc2.tether import call_when_orphaned
call_when_orphaned(int(sys.argv[1]), lambda: os._exit(0))
time.sleep(60)
"""


def test_the_tree(tmp_path: Path) -> None:
    folder = tmp_path / "a folder's name"
    program = install(folder)
    assert program.is_relative_to(folder / "Versions" / "Base75689")
    assert os.access(program, os.X_OK)
    found = {path.stem for path in (folder / "Maps" / "SMAC_Maps").glob("*.SC2Map")}
    assert found == set(maps.names())
    assert (folder / "Replays").is_dir()
    assert "Nothing here is Blizzard's" in (folder / MARK).read_text()


def test_a_tree_of_ours_is_renewed(tmp_path: Path) -> None:
    program = install(tmp_path)
    program.write_text("old")
    assert install(tmp_path) == program
    assert sys.executable in program.read_text()


def test_nothing_else_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "Versions").mkdir()
    with pytest.raises(ValueError, match="is not empty and holds no stand-in game, perhaps StarCraft II itself"):
        install(tmp_path)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ValueError, match="is a file; name a folder"):
        install(file)


def test_the_command_says_what_to_type_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "stand in"
    assert __main__.main(["install", str(folder)]) == 0
    assert f"export SC2PATH='{folder}'" in capsys.readouterr().out
    (folder / MARK).unlink()
    assert __main__.main(["install", str(folder)]) == 2
    assert "error: " in capsys.readouterr().err


def test_flags_of_the_game_are_read_and_others_ignored() -> None:
    """pysc2 passes the last one on machines without a renderer."""
    given = (
        "-port 5000 -dataDir /x/ -tempDir /tmp/ -dataVersion B89B -displayMode 0 -verbose -parent 7 -headlessNoRender"
    )
    flags = __main__.read_flags(given.split())
    assert (flags.listen, flags.port, flags.dataDir, flags.parent) == ("127.0.0.1", 5000, Path("/x/"), 7)
    assert __main__.read_flags(["-listen", "::1", "-port", "0"]).listen == "::1"


def test_an_address_for_all_the_world_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    try:
        assert __main__.main(["-listen", "0.0.0.0", "-port", "0"]) == 2
    finally:
        signal.signal(signal.SIGINT, before)
    assert "can only be reached from this machine" in capsys.readouterr().err


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(__main__, "NEEDED", {"no_such_module": "no-such-package"})
    assert __main__.main(["install", "x"]) == 2
    assert "the game needs no-such-package: pip install -e '.[sc2]'" in capsys.readouterr().err


@pytest.mark.parametrize("patience", [0.0, 1.0], ids=["at once", "later"])
def test_a_game_ends_with_its_parent(patience: float) -> None:
    """Also when the parent dies before the game has looked at it for the first time."""
    with started("-c", PARENT, CHILD) as (_, (child,)):
        time.sleep(patience)
        assert is_running(int(child))
    assert wait_for_end(int(child))
