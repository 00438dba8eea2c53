"""The bench that lays the engine's battles beside the game's, and the one that tries every undocumented rule."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from benchmarks.fidelity import sensitivity
from benchmarks.fidelity.__main__ import main
from benchmarks.fidelity.battles import STATISTICS, parse_options, play_battles
from benchmarks.fidelity.checks import Check, default_scenarios, random_play
from benchmarks.fidelity.judge import commands
from benchmarks.fidelity.page import page, rank_correlation
from benchmarks.fidelity.reference import RACES, Estimate, curve_at, first_rounds, trained_length
from envs.battle.readings import CHOICES, Readings
from tests.conftest import Printed


def check(engine: float, game: float | None, *, error: float = 0.01, group: str = "a group") -> Check:
    known = None if game is None else Estimate(game, 0.01)
    return Check(group=group, scenario="3m", engine=Estimate(engine, error), game=known, mark=0.1)


def test_battles_are_the_same_again_and_begin_alike_under_other_options() -> None:
    first = play_battles("3s_vs_5z", "random", 8, seed=3)
    again = play_battles("3s_vs_5z", "random", 8, seed=3)
    other = play_battles("3s_vs_5z", "random", 8, seed=4)
    assert all(np.array_equal(first[name], again[name]) and first[name].shape == (8,) for name in STATISTICS)
    assert not np.array_equal(first["length"], other["length"])
    assert (first["dead_allies"] + first["dead_enemies"] > 0).all()


def test_scripted_battles_follow_the_options() -> None:
    plain = play_battles("zerg_5_vs_5", "scripted", 64)
    restarting = play_battles("zerg_5_vs_5", "scripted", 64, same_attack="restarts")
    assert not np.array_equal(plain["return"], restarting["return"])


def test_options_are_read_by_their_type() -> None:
    assert parse_options(["acquire_period=8", "spawn_spread=0.5", "conic_fov=true", "turning=first"]) == dict(
        acquire_period=8, spawn_spread=0.5, conic_fov=True, turning="first"
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("acquire_perod=8", "unknown setting of env 'acquire_perod'; did you mean acquire_period"),
        ("acquire_period=often", "env.acquire_period is 'often', it must be a whole number"),
        ("conic_fov=maybe", "env.conic_fov is 'maybe', it must be true or false"),
        ("turning=never", "option turning is 'never', allowed: walking, first"),
    ],
)
def test_wrong_options_are_refused(given: str, says: str) -> None:
    with pytest.raises(SystemExit, match=says):
        parse_options([given])


def test_a_score_is_the_difference_in_marks() -> None:
    assert check(0.25, 0.2).score == pytest.approx(0.5)
    found = check(0.25, 0.2), check(0.4, 0.2), check(0.4, 0.2, error=0.2), check(0.4, None)
    assert [each.verdict for each in found] == ["within", "off", "open", "no reference"]
    assert check(0.4, 0.2).noise == pytest.approx(2 * np.hypot(0.01, 0.01) / 0.1)


def test_the_page_shows_every_check_once() -> None:
    text = page([check(0.25, 0.2), check(0.4, None, group="another")], {"turning": "first"}, "a command")
    assert "turning=first" in text
    assert "| 3m | 0.200 ± 0.010 | 0.250 ± 0.010 | 0.50 | 0.28 | within |" in text
    assert "| 3m | – | 0.400 ± 0.010 | – | – | no reference |" in text
    assert "no reference: 1, within: 1" in text


def test_rank_correlation() -> None:
    assert rank_correlation([check(a, b) for a, b in ((0.1, 0.2), (0.2, 0.3), (0.9, 0.8))]) == pytest.approx(1.0)
    assert rank_correlation([check(a, b) for a, b in ((0.9, 0.2), (0.2, 0.3), (0.1, 0.8))]) == pytest.approx(-1.0)
    assert rank_correlation([check(0.1, 0.2), check(0.2, 0.3)]) is None
    assert rank_correlation([check(0.5, 0.1 * i) for i in range(4)]) is None


def test_what_is_known_of_the_game() -> None:
    terran = first_rounds("terran_5_vs_5", spread=12.0)
    assert terran is not None
    assert (terran.mean, terran.error) == pytest.approx(((4060 + 4096 + 287) / 216, 12 / np.sqrt(216)))
    assert first_rounds("terran_10_vs_10", spread=12.0) is None
    for race in RACES:
        wins = curve_at(race, "win_rate", 1_000_000, 100_000)
        length = trained_length(race, 800_000, 2_000_000, spread=10.0)
        assert 0.2 < wins.mean < 0.7
        assert 25 < length.mean < 70
    assert curve_at("3m", "win_rate", 1_000_000, 100_000) is None
    assert trained_length("3m", 0, 2_000_000, spread=10.0) is None


@pytest.mark.parametrize("race", RACES)
def test_random_play_lasts_about_as_long_as_on_the_game(race: str) -> None:
    length, kills = random_play(race, 256, seed=0, options={})
    assert length.game is not None
    assert length.engine.mean == pytest.approx(length.game.mean, rel=0.1)
    assert kills.game is not None
    assert kills.group == "enemies killed by random play"
    if race != "protoss_5_vs_5":  # there the engine's agents are known to kill too few
        assert kills.verdict == "within"


def test_every_scenario_is_looked_at() -> None:
    names = default_scenarios()
    assert len(names) == 15 + 23
    assert {"terran_20_vs_23", "3s5z", "27m_vs_30m"} <= set(names)


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    out = tmp_path / "page.md"
    main(["--scenarios", "zerg_5_vs_5,3s_vs_5z", "--battles", "16", "--options", "turning=first", "--out", str(out)])
    text = out.read_text()
    assert text.count("| zerg_5_vs_5 |") == 3  # length and kills of random play, scripted
    assert text.count("| 3s_vs_5z |") == 1
    assert "turning=first" in text


def test_judging_is_a_list_of_resumable_comparisons(printed: Printed) -> None:
    main(["judge", "--study", "mine", "--dry-run", "--options", "turning=first"])
    said = printed()
    assert said.count("harness.compare") == said.count("--set env.rules=2023 --set env.turning=first") == 2
    assert "zerg_10_vs_10" in said
    last = commands("mine", 5, 2, "sqlite:///x.db", {})[0][-4:]
    assert last == ["--storage", "sqlite:///x.db", "--set", "env.rules=2023"]
    with pytest.raises(SystemExit, match="name it: --study"):
        main(["judge"])


def test_every_reading_is_tried() -> None:
    tried = {name for reading in sensitivity.single_readings() for name, _ in reading}
    assert tried == {field.name for field in dataclasses.fields(Readings)}
    defaults = Readings()
    assert all(getattr(defaults, name) != value for reading in sensitivity.single_readings() for name, value in reading)
    assert {name for pair in sensitivity.PAIRS for name in pair} <= tried
    assert set(CHOICES) < tried


def test_sensitivity_ranks_what_is_certain() -> None:
    def effect(name: str, marks: float, sigmas: float) -> sensitivity.Effect:
        where = dict(reading=((name, 1),), scenario="3m", policy="random", statistic="win")
        return sensitivity.Effect(**where, marks=marks, sigmas=sigmas)

    lines = sensitivity.table([effect("chance", 3.0, 1.0), effect("small", 0.5, 9.0), effect("large", -2.0, 9.0)])
    assert [line.split()[1] for line in lines.splitlines()[2:]] == ["large=1", "small=1", "chance=1"]
    assert lines.splitlines()[4].endswith("| – |")


def test_sensitivity_measures_paired_differences() -> None:
    changes, scale = ({name: np.array(values) for name in STATISTICS} for values in ([1.0, 2.0, 3.0], [50.0] * 3))
    found = sensitivity.effects((("a", 1),), "3m", "random", changes, scale)
    length = next(effect for effect in found if effect.statistic == "length")
    assert length.marks == pytest.approx(2 / (0.08 * 50))
    assert length.sigmas == pytest.approx(2 * np.sqrt(3))
