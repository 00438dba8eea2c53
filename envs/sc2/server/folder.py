"""The folder of an installation: laid out where clients look for the game, and the maps and replays that they name.

Any client may name any file, so only regular files of a bounded size are read, and what they hold
is given to no one: it is parsed, and refused where it is no map or replay of ours.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path, PurePosixPath
from typing import Any

from envs.sc2.installation import BUILD, MAPS, MARK, PROGRAM, VERSION
from envs.sc2.server.simulation import maps

VERSION_FIELDS: dict[str, Any] = dict(
    game_version=f"{VERSION}.0.{BUILD}", data_version="B89B5D6FA7CBF6452E721311BFBC6CB2", data_build=BUILD,
    base_build=BUILD,
)  # fmt: skip
"""Which game the stand-in says it is, as fields of responses; ``pysc2`` asks for the data by its hash.

Source: buildinfo/versions.json of Blizzard's s2client-proto.
"""
LARGEST = {"Maps": maps.LARGEST_MAP, "Replays": 1 << 28}
"""Bytes of a file that is read, by its folder."""
NOTICE = """This folder replaces StarCraft II {version}: Versions/…/{program} starts a program that
speaks Blizzard's SC2 API and plays battles with a built-in engine. Nothing here is Blizzard's.

Use it:     export SC2PATH={folder}
Renew it:   python -m envs.sc2.server install {folder}
Remove it:  delete the folder.
"""
LAUNCHER = """#!/bin/sh
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
    program = folder / "Versions" / f"Base{BUILD}" / PROGRAM
    for needed in (program.parent, folder / MAPS, folder / "Replays"):
        needed.mkdir(parents=True, exist_ok=True)
    quoted = shlex.quote(str(folder))
    notice = NOTICE.format(version=VERSION_FIELDS["game_version"], program=PROGRAM, folder=quoted)
    (folder / MARK).write_text(notice, encoding="utf-8")
    for stem in maps.names():
        (folder / MAPS / f"{stem}.SC2Map").write_bytes(maps.map_file(stem))
    root, python = shlex.quote(str(Path(__file__).parents[3])), shlex.quote(sys.executable)
    program.write_text(LAUNCHER.format(root=root, python=python), encoding="utf-8")
    program.chmod(0o755)
    return program


class GameFolder:
    """The folder that ``-dataDir`` names.

    Args:
        root: it holds ``Maps`` and ``Replays``; None: no file can be named.
    """

    def __init__(self, root: Path | None) -> None:
        self._root = root

    def maps(self) -> list[str]:
        """Paths of all maps, relative to ``Maps``, in alphabetical order."""
        if self._root is None:
            return []
        folder = self._root / "Maps"
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.SC2Map"))

    def read(self, kind: str, path: str) -> bytes:
        """A file in ``Maps`` or ``Replays``, by the game's own rules.

        Args:
            kind: the one or the other.
            path: absolute, or relative to the folder, or else the file's name in the folder itself.

        Raises:
            FileNotFoundError: there is none; the message says where it was looked for.
        """
        places = [Path(path)] if PurePosixPath(path).is_absolute() else []
        if self._root is not None and not places:
            places = [self._root / kind / path, self._root / kind / PurePosixPath(path).name]
        for place in places:
            try:
                if place.is_file() and place.stat().st_size <= LARGEST[kind]:
                    return place.read_bytes()
            except (OSError, ValueError):  # no such path can exist, or it may not be read
                continue
        where = " or ".join(map(str, dict.fromkeys(places))) or "no folder, since the game was started without -dataDir"
        raise FileNotFoundError(f"no readable file of at most {LARGEST[kind]} bytes; looked at {where}")
