"""The table of policies that do not learn: its numbers, its file, and its mistakes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import envs
from harness.baselines import MOST_SLOTS, main, read_flags, summarise
from harness.flags.play import baselines_parser
from harness.policies import scripted as policies
from harness.policies.evaluate import Battle
from harness.stats.closed_form import wilson
from studies.rows import EpisodeOutcome
from tests.harness.conftest import ErrorOf, Printed

SMALL = ["--scenarios", "zerg_5_vs_5", "--battles", "6"]


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def battle(kind: str, episode_return: float, length: int, dead: tuple[int, int]) -> Battle:
    flags = {name: name == kind for name in ("won", "lost", "truncated", "aborted")}
    outcome = EpisodeOutcome(slot=0, battle_id=0, episode_return=episode_return, length=length, **flags)
    return Battle(outcome=outcome, dead_allies=dead[0], dead_enemies=dead[1])


def test_a_row_by_hand() -> None:
    battles = [
        battle("won", 20.0, 30, (1, 5)),
        battle("lost", 4.0, 20, (5, 2)),
        battle("truncated", 6.0, 100, (3, 2)),
        battle("drawn", 10.0, 30, (5, 5)),
        battle("aborted", 99.0, 1, (0, 0)),
    ]
    row = summarise("here", "who", 7, battles)
    assert (row.battles, row.aborted, row.timeouts, row.seed) == (4, 1, 1, 7)
    assert (row.win_rate, row.win_low, row.win_high) == (0.25, wilson(1, 4).low, wilson(1, 4).high)
    assert (row.return_mean, row.length_mean) == (10.0, 45.0)
    assert (row.dead_allies_mean, row.dead_enemies_mean) == (3.5, 3.5)


def test_the_command_writes_what_it_shows(tmp_path: Path, printed: Printed) -> None:
    first, again, other = tmp_path / "new" / "a.csv", tmp_path / "b.csv", tmp_path / "c.csv"
    assert main([*SMALL, "--out", str(first)]) == 0
    said, rows = printed(), read(first)
    assert [row["policy"] for row in rows] == ["random", "nearest", "nearest-free"]
    assert {(row["scenario"], row["battles"]) for row in rows} == {("zerg_5_vs_5", "6")}
    for row in rows:
        shown = f"{float(row['win_rate']):.3f} [{float(row['win_low']):.3f}, {float(row['win_high']):.3f}]"
        assert f"zerg_5_vs_5 {row['policy']}: win rate {shown}" in said
        assert 0 <= float(row["dead_allies_mean"]) <= 5
        assert 1 <= float(row["length_mean"]) <= 200
    assert f"written: {first}" in said
    assert main([*SMALL, "--out", str(again)]) == 0
    assert again.read_text() == first.read_text()
    assert main([*SMALL, "--out", str(other), "--seed", "1"]) == 0
    assert other.read_text() != first.read_text()


def test_settings_reach_the_world(tmp_path: Path) -> None:
    """A battle of two-tick steps takes more of them."""
    lengths = []
    for name, flags in (("a", []), ("b", ["--set", "env.step_mul=2"])):
        out = tmp_path / name
        assert main([*SMALL, "--policies", "nearest-free", "--out", str(out), *flags]) == 0
        (row,) = read(out)
        lengths.append(float(row["length_mean"]))
    assert lengths[1] > 2 * lengths[0]


def test_everything_by_default() -> None:
    request = read_flags([])
    assert request.battles == 1000
    fights = [id for id in envs.ids() if not envs.registry.entry(id).requires]  # a particle world cannot be won
    assert list(dict.fromkeys(scenario for scenario, _ in request.pairs)) == fights
    assert [policy for scenario, policy in request.pairs if scenario == "zerg_5_vs_5"] == policies.ids()
    assert [policy for scenario, policy in request.pairs if scenario == "fake"] == ["random"], "all that it can play"


@pytest.mark.parametrize(("battles", "slots"), [(1, 1), (6, 6), (127, 127), (131, 1), (1000, 125), (1024, MOST_SLOTS)])
def test_slots_divide_the_battles(battles: int, slots: int) -> None:
    assert read_flags(["--scenarios", "zerg_5_vs_5", "--battles", str(battles)]).slots == slots


MISTAKES = [
    (["--policies", "neerest"], "unknown policy 'neerest'; did you mean nearest"),
    (["--scenarios", "zrg_5_vs_5"], "unknown scenario 'zrg_5_vs_5'; did you mean zerg_5_vs_5"),
    (["--battles", "0"], "--battles is 0, it must be at least 1"),
    (["--seed", "-1"], "--seed is -1, it must be at least 0"),
    (["--set", "k24.div_coef=1"], "--set k24.div_coef: only the world has settings here: --set env.KEY=VALUE"),
    (["--set", "env.step_mull=1"], "unknown setting of env 'step_mull'; did you mean step_mul"),
    (["--scenarios", "3m", "--set", "env.heuristic_ai=true"], "place; --policies nearest-free plays that way"),
    (["--polices", "random"], "all flags: python -m harness.baselines --help"),
    (["--scenarios", "fake", "--policies", "random,nearest"], "policy nearest needs the built-in engine, which 'fake'"),
    (["--out", "."], "--out . is a folder; name a file in it, for example scripted.csv"),
]


@pytest.mark.parametrize(("flags", "message"), MISTAKES, ids=[" ".join(flags) for flags, _ in MISTAKES])
def test_mistake(flags: list[str], message: str, error_of: ErrorOf) -> None:
    assert message in error_of(main, *flags)


def test_another_world_with_a_policy_that_plays_any(printed: Printed, error_of: ErrorOf) -> None:
    flags = ["--scenarios", "fake", "--policies", "random", "--battles", "8"]
    assert main(flags) == 0
    assert "fake random: win rate 0.000" in printed()
    assert "all 8 battles of random on fake aborted" in error_of(main, *flags, "--set", "env.abort_every=1")


def test_help_lists_the_policies() -> None:
    assert all(
        name in baselines_parser().format_help() for name in ("nearest-free", "random", "terran_5_vs_5", "--battles")
    )
