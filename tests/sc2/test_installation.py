"""What is missing is named with the next command; one text for each thing that can be missing."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

import envs
from envs.sc2 import installation
from envs.sc2.installation import PYSC2_IMPORTS, Missing
from tests.sc2.fake_game import FAKE, game_tree


def install_all_but(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every package seem to be installed but this one."""
    found = importlib.machinery.ModuleSpec("any", None, origin="there")
    monkeypatch.setattr(importlib.util, "find_spec", lambda asked: None if asked == name else found)


@pytest.fixture(autouse=True)
def _game(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SC2PATH", str(tmp_path))
    monkeypatch.setenv("SMACV2_SOURCE", str(FAKE))
    install_all_but("", monkeypatch)


def refused(id: str = "terran_5_vs_5", **options: str) -> str:
    with pytest.raises(Missing) as raised:
        envs.make(id, backend="sc2", **options)
    return str(raised.value)


def test_everything_is_there(tmp_path: Path) -> None:
    game_tree(tmp_path)
    assert installation.require("32x32_flat", "4.10") is None


@pytest.mark.parametrize(
    ("name", "more"),
    [("pysc2", " && pip install --no-deps pysc2"), *((name, "") for name in (*PYSC2_IMPORTS, "s2clientprotocol"))],
)
def test_no_package(name: str, more: str, monkeypatch: pytest.MonkeyPatch) -> None:
    install_all_but(name, monkeypatch)
    assert refused() == f"the Python package {name} is not installed; next: pip install -e '.[sc2]'{more}"


def test_no_smacv2(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SMACV2_SOURCE", str(tmp_path))
    assert f"SMACV2_SOURCE={tmp_path} is no checkout of smacv2; next: git clone" in refused()
    monkeypatch.delenv("SMACV2_SOURCE")
    install_all_but("smacv2", monkeypatch)
    text = refused()
    assert "package smacv2 is not installed; next: pip install --no-deps git+https://github.com/oxwhirl/smacv2" in text
    assert "export SMACV2_SOURCE=FOLDER" in text


def test_a_folder_of_that_name_is_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh checkout in the working directory holds one; workers do not look there."""
    monkeypatch.delenv("SMACV2_SOURCE", raising=False)
    folder = importlib.machinery.ModuleSpec("smacv2", None, is_package=True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: folder)
    with pytest.raises(installation.Missing, match="package smacv2 is not installed"):
        installation.check_smacv2()


def test_no_game(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = refused()
    assert f"StarCraft II is not in {tmp_path}, where SC2PATH points; next: unpack version 4.10 there" in text
    assert "its stand-in: python -m envs.sc2.server install" in text
    monkeypatch.delenv("SC2PATH")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "the usual place, since SC2PATH is not set" in refused()


def test_no_program(tmp_path: Path) -> None:
    """A folder of a release without a program that can be run is no release."""
    tree = game_tree(tmp_path)
    (tree / "Versions" / "Base75689" / "SC2_x64").chmod(0o644)
    assert "StarCraft II is not in" in refused()


def test_wrong_version(tmp_path: Path) -> None:
    game_tree(tmp_path, build=80949)
    text = refused()
    assert "has build 80949 of StarCraft II, not 75689 (version 4.10)" in text
    assert "--set env.game_version=latest" in text
    assert installation.require("32x32_flat", "latest") is None


def test_the_right_version_among_others(tmp_path: Path) -> None:
    game_tree(tmp_path)
    game_tree(tmp_path / "other", build=80949)
    (tmp_path / "other" / "Versions" / "Base80949").rename(tmp_path / "Versions" / "Base80949")
    assert installation.require("32x32_flat", "4.10") == "4.10", "pysc2 alone would take the newest"
    assert installation.require("32x32_flat", "latest") is None


def test_no_map(tmp_path: Path) -> None:
    game_tree(tmp_path)
    text = refused("MMM2")
    assert f"the map MMM2 is not at {tmp_path}/Maps/SMAC_Maps/MMM2.SC2Map; next: download SMAC_Maps.zip" in text
    assert text.endswith(f"unzip -j SMAC_Maps.zip -d {tmp_path}/Maps/SMAC_Maps"), "the archive has no folder of its own"
    (tmp_path / "STAND-IN.txt").touch()
    assert refused("MMM2").endswith(f"MMM2.SC2Map; next: python -m envs.sc2.server install {tmp_path}")


def test_another_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    assert "backend sc2 runs on Linux and macOS, this is win32" in refused()
