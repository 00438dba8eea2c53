"""Check what StarCraft II needs, without importing any of it, and name the next command where something is missing.

``harness.doctor`` goes through the same steps and then starts a game.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from envs.battle.scenarios import Scenario
from envs.sc2.options import Sc2Options, map_file, map_name
from envs.sc2.process import ROOT, SOURCE, environment

VERSION, BUILD = "4.10", 75689
"""The release that SMAC and SMACv2 were measured on; results of others differ."""
GAME_PAGE = "https://github.com/Blizzard/s2client-proto#linux-packages"
MAPS_PAGE = "https://github.com/oxwhirl/smacv2/releases"
PROGRAM = "SC2.app/Contents/MacOS/SC2" if sys.platform == "darwin" else "SC2_x64"
"""The program, below ``Versions/Base…`` of the game's folder."""
MAPS = Path("Maps", "SMAC_Maps")
"""The folder of the benchmark's maps, in the game's."""
STANDS_IN = "stand-in"
MARK = "STAND-IN.txt"
"""The file that marks the folder of a stand-in, as opposed to the game's own."""
STAND_IN = "python -m envs.sc2.server install ~/sc2-stand-in; export SC2PATH=~/sc2-stand-in"
INSTALL_MESSAGES = "pip install -e '.[sc2]'"
PYSC2_IMPORTS = ("absl", "portpicker", "websocket")
"""Modules of other packages, which the extra brings: pysc2 is installed without what it asks for."""
INSTALL_PYSC2 = f"{INSTALL_MESSAGES} && pip install --no-deps pysc2"  # its own list asks for clashing packages
INSTALL_SMACV2 = (
    f"pip install --no-deps git+https://github.com/oxwhirl/smacv2 (or name a checkout: export {SOURCE}=FOLDER)"
)


class Missing(ValueError):
    """Something that the game needs is not there; the text names the next command."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that has to be there."""

    name: str
    """Format for people."""
    check: Callable[[], str]
    """Returns what was found, or raises ``Missing``."""
    needs: tuple[str, ...] = ()
    """Steps that must have been ok."""


def steps(map_files: list[str], game_version: str) -> list[Step]:
    """Everything to check before a game is started, in the order in which one would install it."""
    found = [
        Step(name="system", check=check_system),
        Step(name="pysc2", check=lambda: check_package("pysc2", INSTALL_PYSC2)),
        Step(name="pysc2's needs", check=check_needs),
        Step(name="s2clientprotocol", check=lambda: check_package("s2clientprotocol", INSTALL_MESSAGES)),
        Step(name="smacv2", check=check_smacv2),
        Step(name="game", check=lambda: f"{game_name()} in {game_folder()}"),
        Step(name="game version", check=lambda: check_version(game_version), needs=("game",)),
    ]
    return found + [Step(name=f"map {name}", check=partial(check_map, name), needs=("game",)) for name in map_files]


def require_for(id: str, scenario: Scenario, options: Sc2Options) -> None:
    """Check that a scenario can be played.

    Raises:
        ValueError: the package cannot play it, or something is missing.
    """
    require(map_file(map_name(id, scenario, options)), options.game_version)


def require(file: str, game_version: str) -> str | None:
    """Check that a game can be started on a map.

    Args:
        file: the map's, without folder and ending.
        game_version: ``4.10`` or ``latest``.

    Returns:
        The version to ask pysc2 for; None: its own choice, the newest.

    Raises:
        Missing: the first thing that is not there.
    """
    for step in steps([file], game_version):
        step.check()
    return None if game_version == "latest" or max(builds()) == BUILD else game_version


def check_system() -> str:
    """pysc2 runs on Windows too, but there files cannot be inherited by number."""
    if sys.platform not in ("linux", "darwin"):
        raise Missing(f"backend sc2 runs on Linux and macOS, this is {sys.platform}; next: use backend battle")
    return sys.platform


def check_package(name: str, install: str) -> str:
    """Return the place of a package."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:  # the latter of a folder of this name that happens to lie here
        raise Missing(f"the Python package {name} is not installed; next: {install}")
    return spec.origin


def check_needs() -> str:
    """The modules of other packages that pysc2 imports."""
    for name in PYSC2_IMPORTS:
        check_package(name, INSTALL_MESSAGES)
    return ", ".join(PYSC2_IMPORTS)


def check_smacv2() -> str:
    """Return the place of smacv2: the checkout that an environment variable names, or the installed package."""
    checkout = os.environ.get(SOURCE)
    if not checkout:
        return check_package("smacv2", INSTALL_SMACV2)
    if not (Path(checkout) / "smacv2" / "env" / "starcraft2" / "wrapper.py").is_file():
        raise Missing(
            f"{SOURCE}={checkout} is no checkout of smacv2; next: git clone https://github.com/oxwhirl/smacv2 "
            f"{checkout}, or unset {SOURCE}"
        )
    return checkout


def check_protocol() -> str:
    """Whether the messages can be used with the protobuf that is there; slow, in a process of its own."""
    code = "import google.protobuf as p; from s2clientprotocol import sc2api_pb2; print('protobuf', p.__version__)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), cwd=ROOT, check=False
    )
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
        raise Missing(
            f"the messages of s2clientprotocol do not fit this protobuf ({reason}); next: "
            "pip uninstall -y s2clientprotocol && pip install pys2clientprotocol"
        )
    return done.stdout.strip()


def look_for_game() -> Path:
    """Return the folder in which pysc2 looks, whether it exists or not."""
    usual = "/Applications/StarCraft II" if sys.platform == "darwin" else "~/StarCraftII"
    return Path(os.environ.get("SC2PATH") or usual).expanduser()


def game_folder() -> Path:
    """The game's folder.

    Raises:
        Missing: no game in it.
    """
    folder = look_for_game()
    if not builds():
        how = "where SC2PATH points" if os.environ.get("SC2PATH") else "the usual place, since SC2PATH is not set"
        raise Missing(
            f"StarCraft II is not in {folder}, {how}; next: unpack version {VERSION} there ({GAME_PAGE}), or point "
            f"SC2PATH to where it is; without the game, its stand-in: {STAND_IN}"
        )
    return folder


def game_name() -> str:
    """``StarCraft II``, or ``STANDS_IN`` where the folder holds this project's own program in its place."""
    return STANDS_IN if (look_for_game() / MARK).exists() else "StarCraft II"


def builds() -> list[int]:
    """Numbers of the releases that are installed and have a program."""
    folders = look_for_game().glob("Versions/Base*")
    numbers = (re.fullmatch(r"Base(\d+)", folder.name) for folder in folders if os.access(folder / PROGRAM, os.X_OK))
    return sorted(int(number[1]) for number in numbers if number)


def check_version(wanted: str) -> str:
    """Whether the release that is asked for is among those installed."""
    folder, there = game_folder(), builds()
    if wanted == VERSION and BUILD not in there:
        raise Missing(
            f"{folder} has build {', '.join(map(str, there))} of StarCraft II, not {BUILD} (version {VERSION}), on "
            f"which results were published; next: unpack version {VERSION} ({GAME_PAGE}), or play what is there: "
            "game_version=latest (--set env.game_version=latest)"
        )
    return f"{VERSION}, build {BUILD}" if BUILD in there else f"build {max(there)}"


def check_map(name: str) -> str:
    """Return the place of a map's file."""
    file = game_folder() / MAPS / f"{name}.SC2Map"
    if not file.is_file():
        if game_name() == STANDS_IN:
            how = f"python -m envs.sc2.server install {shlex.quote(str(look_for_game()))}"
        else:  # the archive holds the files without a folder
            how = (
                f"download SMAC_Maps.zip ({MAPS_PAGE}), then: unzip -j SMAC_Maps.zip -d {shlex.quote(str(file.parent))}"
            )
        raise Missing(f"the map {name} is not at {file}; next: {how}")
    return str(file)
