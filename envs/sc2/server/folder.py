"""The files of an installation that clients name: maps and replays, each found by the game's own rules.

Any client may name any file, so only regular files of a bounded size are read, and what they hold
is given to no one: it is parsed, and refused where it is no map or replay of ours.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

MAP_ENDING = ".SC2Map"
LARGEST_MAP = 1 << 20
LARGEST_REPLAY = 1 << 28


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
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob(f"*{MAP_ENDING}"))

    def map(self, path: str) -> bytes:
        """A map by its path: absolute, or relative to ``Maps``, or else by its name in the root of ``Maps``.

        Raises:
            FileNotFoundError: there is none; the message says where it was looked for.
        """
        return self._find("Maps", path, LARGEST_MAP)

    def replay(self, path: str) -> bytes:
        """A replay by its path, by the same rules in ``Replays``.

        Raises:
            FileNotFoundError: there is none; the message says where it was looked for.
        """
        return self._find("Replays", path, LARGEST_REPLAY)

    def _find(self, kind: str, path: str, limit: int) -> bytes:
        places = [Path(path)] if PurePosixPath(path).is_absolute() else []
        if self._root is not None and not places:
            places = [self._root / kind / path, self._root / kind / PurePosixPath(path).name]
        for place in places:
            try:
                if place.is_file() and place.stat().st_size <= limit:
                    return place.read_bytes()
            except (OSError, ValueError):  # no such path can exist, or it may not be read
                continue
        where = " or ".join(map(str, dict.fromkeys(places))) or "no folder, since the game was started without -dataDir"
        raise FileNotFoundError(f"no readable file of at most {limit} bytes; looked at {where}")
