"""smacv2 from the checkout that SMACV2_SOURCE names, where it is not installed; an installed stand-in."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from envs.sc2.process import SOURCE

if os.environ.get(SOURCE):
    sys.path.append(os.environ[SOURCE])


def install_stand_in(folders: pytest.TempPathFactory) -> Path:
    """Install the stand-in game in a folder whose path has a space."""
    from envs.sc2.server.folder import install

    folder = folders.mktemp("games") / "stand in"
    install(folder)
    return folder


@pytest.fixture
def stand_in(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the stand-in game, which programs start instead of StarCraft II."""
    folder = install_stand_in(tmp_path_factory)
    monkeypatch.setenv("SC2PATH", str(folder))
    return folder
