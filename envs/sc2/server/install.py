"""An installation of the stand-in: the folders in which clients of StarCraft II look for the game."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from envs.sc2.server import version
from envs.sc2.server.simulation import maps

EXECUTABLES = {"darwin": "SC2.app/Contents/MacOS/SC2"}
"""Where a platform's clients look for the program, below ``Versions/Base…``."""
DEFAULT_EXECUTABLE = "SC2_x64"
MARK = "STAND-IN.txt"
"""The file that marks an installation of ours, as opposed to the game itself."""
NOTICE = """This folder replaces StarCraft II {version}: Versions/…/{program} starts a program that
speaks Blizzard's SC2 API and plays battles with a built-in engine. Nothing here is Blizzard's.

Use it:     export SC2PATH={folder}
Renew it:   python -m envs.sc2.server install {folder}
Remove it:  delete the folder.
"""
PROGRAM = """#!/bin/sh
# Started by clients of StarCraft II: the stand-in game, run by the Python that installed it.
PYTHONPATH={root}${{PYTHONPATH:+:$PYTHONPATH}} exec {python} -P -m envs.sc2.server -parent "$PPID" "$@"
"""


def install(folder: Path) -> Path:
    """Lay out an installation, or renew one.

    Args:
        folder: absent, empty, or an installation of ours.

    Returns:
        The program that clients start.

    Raises:
        ValueError: the folder holds something else.
        OSError: it cannot be written to.
    """
    folder = folder.expanduser().resolve()
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; name a folder that is empty or does not exist yet")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise ValueError(
            f"{folder} is not empty and holds no stand-in game, perhaps StarCraft II itself; "
            "name a folder that is empty or does not exist yet"
        )
    name = EXECUTABLES.get(sys.platform, DEFAULT_EXECUTABLE)
    program = folder / "Versions" / f"Base{version.BASE_BUILD}" / name
    maps_folder = folder / "Maps" / "SMAC_Maps"
    for needed in (program.parent, maps_folder, folder / "Replays"):
        needed.mkdir(parents=True, exist_ok=True)
    notice = NOTICE.format(version=version.GAME_VERSION, program=name, folder=shlex.quote(str(folder)))
    (folder / MARK).write_text(notice, encoding="utf-8")
    for stem in maps.names():
        (maps_folder / f"{stem}.SC2Map").write_bytes(maps.map_file(stem))
    root = Path(__file__).parents[3]
    program.write_text(
        PROGRAM.format(root=shlex.quote(str(root)), python=shlex.quote(sys.executable)), encoding="utf-8"
    )
    program.chmod(0o755)
    return program
