"""The doctor names what is there, what is missing and what to type next."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from envs.battle.scenarios import fixed_scenarios
from envs.sc2 import installation
from envs.sc2.installation import Step
from harness.cli.common import ALL_DONE, SOME_MISSING
from harness.doctor import main, run_checks
from tests.harness.conftest import ErrorOf, Printed
from tests.sc2.fake_game import use_fake


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Everything is there; of the packages, only the fake ones need to be."""
    use_fake(monkeypatch, tmp_path, maps=tuple(fixed_scenarios("smac.json")))
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: importlib.machinery.ModuleSpec(name, None, origin="there")
    )
    monkeypatch.setattr(installation, "check_protocol", lambda: "protobuf 7")


def test_all_is_well_and_a_battle_is_played(printed: Printed) -> None:
    assert main([]) == ALL_DONE
    *lines, last = printed().splitlines()
    assert all(line.startswith("ok ") for line in lines)
    assert len(lines) == 12 + 23 + 1
    assert "version 4.10.0.0 answers; one reset and one step of terran_5_vs_5 were played" in lines[-1]
    assert last == "StarCraft II can be played: python -m harness.compare --backend sc2"


def test_no_game(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, printed: Printed) -> None:
    monkeypatch.setenv("SC2PATH", str(tmp_path / "nothing"))
    assert main(["--json"]) == SOME_MISSING
    report = json.loads(printed())
    found = {step["step"]: step["state"] for step in report["steps"]}
    assert (report["ok"], found["smacv2"], found["game"]) == (False, "ok", "missing")
    assert found["game version"] == found["map MMM2"] == found["first battle"] == "left out"
    assert main([]) == SOME_MISSING
    assert "without the game, its stand-in: python -m envs.sc2.server install" in printed()


def test_one_map_is_missing(tmp_path: Path, printed: Printed) -> None:
    (tmp_path / "game" / "Maps" / "SMAC_Maps" / "MMM2.SC2Map").unlink()
    assert main(["--no-game"]) == SOME_MISSING
    (line,) = (line for line in printed().splitlines() if not line.startswith(("ok", "without")))
    assert line.startswith("missing  map MMM2")
    assert "next: download SMAC_Maps.zip" in line


def test_the_last_line_speaks_of_what_is_there(tmp_path: Path, printed: Printed) -> None:
    assert main(["--no-game"]) == ALL_DONE
    assert printed().endswith("all files of StarCraft II are there; whether it starts: python -m harness.doctor\n")
    game = tmp_path / "game"
    (game / "STAND-IN.txt").touch()
    assert main([]) == ALL_DONE
    assert "\nstand-in can be played: python -m harness.compare --backend sc2" in printed()
    (game / "Maps" / "SMAC_Maps" / "MMM2.SC2Map").unlink()
    assert main(["--no-game"]) == SOME_MISSING
    *_, last = printed().splitlines()
    assert last == "what is missing stands above, each with the next command"


@pytest.mark.parametrize("fault", ["crash:*:launch", "crash:*:1"])
def test_a_game_that_does_not_work(fault: str, monkeypatch: pytest.MonkeyPatch, printed: Printed) -> None:
    monkeypatch.setenv("FAKE_SC2", fault)
    assert main(["--json"]) == SOME_MISSING
    last = json.loads(printed())["steps"][-1]
    assert (last["step"], last["state"]) == ("first battle", "missing")
    assert "failed once: GameCrashed" in last["text"]
    assert "harness.doctor" not in last["text"], "it runs already"


def test_a_game_of_another_build(monkeypatch: pytest.MonkeyPatch, printed: Printed) -> None:
    monkeypatch.setenv("FAKE_SC2_BUILD", "80949")
    assert main([]) == SOME_MISSING
    assert "the game says that it is build 80949, not 75689; next: unpack version 4.10" in printed()
    assert main(["--game-version", "latest"]) == ALL_DONE


def test_whatever_a_check_raises_is_a_finding() -> None:
    def broken() -> str:
        raise ZeroDivisionError("no reason")

    checks = [
        Step(name="a", check=broken),
        Step(name="b", check=lambda: "there"),
        Step(name="c", check=broken, needs=("a",)),
    ]
    assert [(found.state, found.text) for found in run_checks(checks)] == [
        ("missing", "ZeroDivisionError: no reason"),
        ("ok", "there"),
        ("left out", "needs a"),
    ]


def test_wrong_use(error_of: ErrorOf) -> None:
    assert "all flags: python -m harness.doctor --help" in error_of(main, "--jason")
