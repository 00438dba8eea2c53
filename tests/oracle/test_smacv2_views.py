"""What agents see, may do and are paid equals what smacv2's own code computed from the same game states."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import envs
from envs.battle.state import ATTACK, NONE
from envs.battle.terrain import heights, pathable
from envs.battle.unit_types import ASSUMED, facts
from tests.envs.play import begun
from tests.golden.families import FAMILIES, SIZE_OPTIONS, rough_ground
from tests.golden.smacv2_package import import_package
from tests.golden.trace import FOLDER, Trace
from tests.oracle.replay import MOVE_COMMAND, NO_COMMAND, Replay, compare

SIZES = json.loads((FOLDER / "smacv2_sizes.json").read_text())


@cache
def load(family: str) -> Trace:
    return Trace.load(FOLDER / f"smacv2_{family}.npz")


@pytest.mark.parametrize("family", FAMILIES)
def test_views_equal_those_of_smacv2(family: str) -> None:
    trace = load(family)
    assert trace.options == FAMILIES[family].options
    assert trace.build()[0] == FAMILIES[family].scenario
    assert compare(trace) == len(trace.obs) > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_grids_are_those_of_the_map_unless_rough(family: str) -> None:
    trace, scenario = load(family), FAMILIES[family].scenario
    grids = rough_ground() if FAMILIES[family].rough else (pathable(scenario.map), heights(scenario.map))
    np.testing.assert_array_equal((trace.pathable, trace.height), grids)


def test_the_recording_holds_every_end_and_every_history() -> None:
    """Otherwise the comparison would prove less than it says."""
    traces = [load(family) for family in FAMILIES]
    terminated, truncated, won = (
        np.concatenate([getattr(trace, name) for trace in traces]) for name in ("terminated", "truncated", "battle_won")
    )
    assert (terminated & won).any()
    assert (terminated & ~won).any()
    assert truncated.any()
    both_gone = load("banelings").terminated & ~load("banelings").alive.any(axis=1)
    assert both_gone.any()
    for family, side in (("lost_but_medivacs", slice(0, 4)), ("won_but_medivacs", slice(4, 7))):
        last = load(family).terminated
        assert load(family).alive[last, side].any(), "no battle ended by a side of medivacs only"
    assert len(load("half").key) > 1, "one battle only: nothing to forget between battles"


ALTERATIONS: list[tuple[str, Callable[[Trace], Any], Callable[[Any], Any]]] = [
    ("x", lambda trace: (9, np.flatnonzero(trace.alive[9])[-1]), lambda x: x + 1 / 4096),
    ("hp", lambda trace: (9, np.flatnonzero(trace.alive[9])[0]), lambda hp: hp - 0.01),
    ("hp", lambda trace: tuple(np.argwhere(~trace.alive)[0]), lambda hp: 1.0),
    ("obs", lambda trace: (9, 2, -4), lambda feature: feature + 1e-6),
    ("state", lambda trace: (9, 0), lambda feature: feature - 1e-6),
    ("mask", lambda trace: (9, 0, 1), lambda legal: not legal),
    ("reward", lambda trace: 9, lambda reward: reward + 1e-6),
    ("battle_won", lambda trace: np.flatnonzero(trace.terminated)[0], lambda won: not won),
    ("actions", lambda trace: (9, 0), lambda action: 1 + (action == 1)),
    ("command", lambda trace: tuple(np.argwhere(trace.command == MOVE_COMMAND)[4]), lambda command: NO_COMMAND),
    ("max_reward", lambda trace: 1, lambda reward: reward + 1.0),
]
"""Each an array of a recording, a place in it, and what is put there instead of the recorded value."""


@pytest.mark.parametrize(("name", "place", "altered"), ALTERATIONS, ids=[name for name, *_ in ALTERATIONS])
def test_an_altered_recording_is_noticed(
    name: str, place: Callable[[Trace], Any], altered: Callable[[Any], Any]
) -> None:
    trace = Trace.load(FOLDER / "smacv2_terran.npz")
    values, at = getattr(trace, name), place(trace)
    values[at] = altered(values[at])
    with pytest.raises((AssertionError, ValueError), match=r"in battle|order of agent|illegal action"):
        compare(trace)


def test_another_action_taken_by_scripted_agents_is_noticed() -> None:
    trace = Trace.load(FOLDER / "smacv2_scripted_in_range.npz")
    assert trace.taken is not None
    trace.taken[9, 0] += 1
    with pytest.raises(AssertionError, match="actions taken in battle"):
        compare(trace)


def test_the_actions_taken_are_recorded_where_agents_are_scripted_and_differ_from_those_given() -> None:
    for family in FAMILIES:
        trace = load(family)
        assert (trace.taken is not None) == bool(trace.options.get("heuristic_ai")), family
        assert trace.taken is None or (trace.taken != trace.actions).any(), family


class Forgetful(Replay):
    """A broken twin: after each step it undoes one piece of bookkeeping and looks again.

    The second look alone shows nothing new in the family used.
    """

    def __init__(self, trace: Trace, forgets: str) -> None:
        super().__init__(trace)
        self.forgets = forgets

    def show(self, row: int) -> None:
        before = self.env.game_state()[1] if row else None
        super().show(row)
        if self.trace.step[row] == 0 or before is None:
            return
        units, memory = self.env.game_state()
        alive = self.trace.alive[row]
        # The dead lose their sightings before the look, in which they may gain new ones.
        dead = ~alive[self.env.spec.n_agents :, None]
        memory = replace(memory, tag=np.where(dead[:, 0], -1, memory.tag), sighted=memory.sighted & ~dead)
        if self.forgets == "places of the dead":
            units = replace(units, x=np.where(alive, units.x, 0.0), y=np.where(alive, units.y, 0.0))
        elif self.forgets == "that a sighter died":
            memory = replace(memory, tag=before.tag, sighted=before.sighted)
        self.env.load_game_state(units, memory)


@pytest.mark.parametrize("forgets", ["that a sighter died", "places of the dead"])
def test_missing_bookkeeping_is_noticed(forgets: str) -> None:
    trace = load("attack_untold")
    with pytest.raises(AssertionError, match="obs in battle"):
        compare(trace, Forgetful(trace, forgets))


def test_a_twin_that_forgets_nothing_passes() -> None:
    trace = load("attack_untold")
    assert compare(trace, Forgetful(trace, "nothing")) == len(trace.step)


@pytest.mark.parametrize(
    ("family", "option"),
    [
        ("epo", "prob_obs_enemy"),
        ("cone", "conic_fov"),
        ("plain_ranges", "use_unit_ranges"),
        ("penalty", "reward_only_positive"),
        ("attack", "stochastic_attack"),
        ("attack_untold", "observe_attack_probs"),
        ("health_untold", "observe_teammate_health"),
        ("masked_types", "observe_teammate_types"),
        ("masked_enemies", "mask_enemies"),
        ("obs_as_state", "obs_instead_of_state"),
        ("ground", "obs_terrain_height"),
    ],
)
def test_a_wrong_option_is_noticed(family: str, option: str) -> None:
    trace = Trace.load(FOLDER / f"smacv2_{family}.npz")
    del trace.options[option]
    with pytest.raises((AssertionError, ValueError)):
        compare(trace)


def test_the_recording_script_asks_for_a_checkout_of_smacv2(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no folder smacv2; give the root of a checkout of oxwhirl/smacv2"):
        import_package(tmp_path)


def test_sizes_equal_those_of_smacv2() -> None:
    assert len(SIZES) == len(envs.registry.smacv2_scenarios()) * len(SIZE_OPTIONS)
    for row in SIZES:
        spec = envs.make(row["id"], 1, seed=0, **row["options"]).spec
        for name in ("obs_size", "state_size", "n_actions", "episode_limit"):
            assert getattr(spec, name) == row[name], row


def play(rules: str, steps: int = 40) -> Iterator[tuple[np.void, np.ndarray]]:
    """The battle record and the observations (N, D) after each of some env_steps of random legal actions."""
    env = begun("protoss_5_vs_5", 8, seed=4, rules=rules)
    dice = np.random.default_rng(0)
    for _ in range(steps):
        env.step(np.where(env.action_mask, dice.random(env.action_mask.shape), -1.0).argmax(axis=2))
        yield from zip(env.battles, env.obs, strict=True)  # type: ignore[attr-defined]


def enemies_shown_and_in_sight(b: np.void, obs: np.ndarray) -> tuple[Any, Any]:
    """(N, M) twice: which enemies have features, and which are alive and nearer than a living agent's sight."""
    n, m = 5, 5
    shown = np.any(obs[:, 4 : 4 + m * 9].reshape(n, m, 9), axis=2)
    place = np.stack([b["x"], b["y"]], axis=1)
    distance = np.linalg.norm(place[:n, None] - place[None, n : n + m], axis=2)
    sight = np.array([ASSUMED[list(facts())[kind]].sight_range for kind in b["kind"][:n]])
    alive = b["alive"].astype(bool)
    return shown, (distance < sight[:, None]) & alive[:n, None] & alive[None, n : n + m]


def test_without_sighting_tags_an_enemy_shows_exactly_when_alive_and_in_sight() -> None:
    seen = 0
    for battle, obs in play("2023"):
        shown, in_sight = enemies_shown_and_in_sight(battle, obs)
        np.testing.assert_array_equal(shown, in_sight)
        seen += in_sight.sum()
    assert seen > 100


def test_sighting_tags_blank_enemies_that_are_in_sight() -> None:
    """The same check fails on today's rules, so it is one."""
    blanked = 0
    for battle, obs in play("2024"):
        shown, in_sight = enemies_shown_and_in_sight(battle, obs)
        assert not (shown & ~in_sight).any()
        blanked += (in_sight & ~shown).sum()
    assert blanked > 0


@pytest.mark.parametrize(("rules", "order"), [("2023", ATTACK), ("2024", NONE)])
def test_an_attack_out_of_range_is_sent_by_the_older_rules_only(rules: str, order: int) -> None:
    env = begun("protoss_5_vs_5", 1, seed=4, rules=rules, action_mask=False)
    battle = env.battles[0]  # type: ignore[attr-defined]
    battle["x"][:5] = 4.0
    battle["x"][5:10] = 28.0
    battle["y"][:10] = np.tile(np.linspace(8.0, 24.0, 5), 2)
    env.step(np.full((1, 5), 6))
    assert (battle["order"][:5] == order).all()
