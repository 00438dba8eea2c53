"""smacv2 from the checkout that SMACV2_SOURCE names, where it is not installed; an installed stand-in."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from envs.sc2.process import SOURCE

if os.environ.get(SOURCE):
    sys.path.append(os.environ[SOURCE])


@pytest.fixture
def stand_in(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the stand-in game, which programs start instead of StarCraft II. Its path has a space."""
    from envs.sc2.server.folder import install

    folder = tmp_path_factory.mktemp("games") / "stand in"
    install(folder)
    monkeypatch.setenv("SC2PATH", str(folder))
    return folder
