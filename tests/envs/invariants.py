"""What holds after every env_step of every battle, whatever the agents do: one small check each, by name.

A check looks at a ``Moment``, that is a batch before and after a step, and raises ``AssertionError``.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.battle.engine import BattleEnv
from envs.battle.smacv2.orders import EAST, NO_OP, NORTH, SOUTH, STOP, WEST, can_shoot
from envs.battle.state import ATTACK, HEAL, MOVE, NONE
from envs.battle.step import give_orders
from tests.envs.play import hard_distances

STILL = ("x", "y", "hp", "shield", "energy", "alive", "order", "cooldown", "swing", "burst", "facing_x", "facing_y")
"""What does not change once a unit is dead."""
MOST_STATE = 3.0
"""No feature of the state is above: a weapon's cooldown over smacv2's guess of its longest is the only one above 1."""


@dataclass
class Moment:
    """A step of a batch: what was, what was ordered, what is."""

    env: BattleEnv
    """The batch after the step."""
    before: NDArray[np.void]
    """(E,): the records before it."""
    views: Any
    """The views before it, copied."""
    actions: NDArray[np.int64]
    """(E, N): legal ones."""

    @property
    def count(self) -> int:
        """U: units of both sides."""
        return self.env.spec.n_agents + self.env.spec.n_enemies

    @property
    def over(self) -> NDArray[np.bool_]:
        """(E,): the battle ended with this step; the record shows the next one."""
        return self.env.views.terminated | self.env.views.truncated

    def now(self, name: str) -> NDArray[Any]:
        """(E, U): a field of all units after the step."""
        return self.env.battles[name][:, : self.count]

    def was(self, name: str) -> NDArray[Any]:
        """(E, U): the same before it."""
        return self.before[name][:, : self.count]

    def of_kind(self, name: str) -> NDArray[Any]:
        """(E, U): a number of each unit's kind."""
        return self.env.units[0][name][self.now("kind")]


def step(env: BattleEnv, actions: NDArray[np.int64]) -> Moment:
    """Advance the batch and keep what was before."""
    before, views = env.battles.copy(), deepcopy(env.views)
    env.step(actions)
    return Moment(env, before, views, actions)


def finite(m: Moment) -> None:
    """No NaN and no infinity, in what is remembered and in what is shown."""
    for name, array in (
        *m.env.views._asdict().items(),
        *((name, m.env.battles[name]) for name in m.before.dtype.names),
    ):
        assert array.dtype.kind != "f" or np.isfinite(array).all(), name


def health_in_bounds(m: Moment) -> None:
    """Nobody has less than nothing or more than all, and who has life is alive."""
    for name, most in (("hp", "hp"), ("shield", "shield"), ("energy", "energy_max")):
        assert ((m.now(name) >= 0) & (m.now(name) <= m.of_kind(most))).all(), name
    assert np.array_equal(m.now("hp") > 0, m.now("alive").astype(bool)), "alive without life, or dead with it"


def on_the_map(m: Moment) -> None:
    """Everybody on the map and its grid, who walks on ground; the dead where they were seen last."""
    x, y = m.now("x"), m.now("y")
    floors = m.env.setup[0]["floors"]
    _, height, width = floors.shape
    assert ((x >= 0) & (x <= width) & (y >= 0) & (y <= height)).all(), "outside the map"
    assert ((x * 4096) % 1 == 0).all(), "x off the grid"
    assert ((y * 4096) % 1 == 0).all(), "y off the grid"
    row, column = y.astype(int).clip(0, height - 1), x.astype(int).clip(0, width - 1)
    assert floors[m.of_kind("floor"), row, column].all(), "on a cliff"


def bodies_apart(m: Moment) -> None:
    """The living keep their hard distance."""
    apart, least = hard_distances(m.env)
    assert (apart >= least).all()


def dead_stay_dead(m: Moment) -> None:
    """Nobody comes back, nothing of the dead moves; what they had shot may still fly."""
    for e in np.flatnonzero(~m.over):
        dead = m.was("alive")[e] == 0
        assert not m.now("alive")[e][dead].any(), "came back to life"
        assert not m.now("order")[e][dead].any(), "a dead unit has an order"
        for name in STILL:
            assert np.array_equal(m.was(name)[e][dead], m.now(name)[e][dead]), f"{name} of the dead"


def mask_of_the_living(m: Moment) -> None:
    """The dead have the no-op alone; the living may stop, and have targets only among the living."""
    n, first = m.env.spec.n_agents, int(m.env.setup[0]["n_no_target"])
    mask, alive = m.env.views.action_mask, m.now("alive").astype(bool)
    assert np.array_equal(mask[..., NO_OP], ~alive[:, :n]), "no-op and death"
    assert (mask[~alive[:, :n]].sum(-1) == 1).all(), "the dead have a choice"
    assert mask[alive[:, :n]][:, STOP].all(), "a living unit may not stop"
    enemies = np.zeros((len(mask), mask.shape[2] - first), bool)
    allies = enemies.copy()
    enemies[:, : alive.shape[1] - n] = alive[:, n:]
    allies[:, : min(n, enemies.shape[1])] = alive[:, : enemies.shape[1]][:, :n]
    heals = m.of_kind("heals")[:, :n].astype(bool) & bool(m.env.setup[0]["healers"])
    targets = np.where(heals[..., None], allies[:, None], enemies[:, None])
    assert not (mask[..., first:] & ~targets).any(), "a target that is not there"


def orders_follow(m: Moment) -> None:
    """Each legal action becomes its order at once; an attack that the game refuses leaves the order as it was."""
    n, first = m.env.spec.n_agents, int(m.env.setup[0]["n_no_target"])
    units, setup = m.env.units[0], m.env.setup[0]
    for e, old in enumerate(m.before):
        record = m.before[e : e + 1].copy()
        new = record[0]
        give_orders(new, units, setup, m.views.action_mask[e], m.actions[e].copy())
        for i, action in enumerate(m.actions[e].tolist()):
            kind, was = old["kind"][i], (old["order"][i], old["target"][i])
            expected: tuple[Any, Any] = was
            if action == STOP:
                expected = (NONE, was[1])
            elif NORTH <= action <= WEST:
                expected = (MOVE, -1)
                aim = ((action == EAST) - (action == WEST), (action == NORTH) - (action == SOUTH))
                shift = (new["dest_x"][i] - old["x"][i], new["dest_y"][i] - old["y"][i])
                assert shift == tuple(m.env.options.move_amount * part for part in aim), (
                    f"action {action} moves by {shift}"
                )
            elif action >= first and units["heals"][kind] and setup["healers"]:
                j = action - first
                hurt = old["hp"][j] < units["hp"][old["kind"][j]]
                if units["is_biological"][old["kind"][j]] and hurt and sent(m, old, i, j):
                    expected = (HEAL, j)
            elif action >= first:
                j = n + action - first
                if units["can_attack"][kind, old["kind"][j]] and sent(m, old, i, j):
                    expected = (ATTACK, j)
            assert (new["order"][i], new["target"][i]) == expected, f"action {action} of agent {i} in battle {e}"


def sent(m: Moment, b: np.void, i: int, j: int) -> bool:
    """Whether the rules send a legal attack or heal: where the mask speaks of ranges, always."""
    setup = m.env.setup[0]
    if setup["mask_by_range"] or not setup["rules_2024"]:
        return True
    if setup["conic_fov"]:
        return bool(can_shoot(b, setup, i, j))
    return bool(np.hypot(b["x"][i] - b["x"][j], b["y"][i] - b["y"][j]) <= setup["shoot_range"][b["kind"][i]])


def reward_in_bounds(m: Moment) -> None:
    """At most everything that lived of both sides; nothing below zero if only positive rewards count."""
    setup, options = m.env.setup[0], m.env.options
    assert (m.env.battles["max_reward"] > 0).all(), "max_reward"
    if options.max_reward_from == "first_battle":
        assert np.array_equal(m.env.battles["max_reward"], m.before["max_reward"]), "max_reward changed"
    kinds = m.was("kind")
    life = (m.env.units[0]["hp"] + m.env.units[0]["shield"])[kinds].sum(1) + m.count * setup["reward_death_value"]
    most = life + abs(setup["reward_win"]) + abs(setup["reward_defeat"])
    if options.reward_scale:
        most = most / (m.before["max_reward"] / setup["reward_scale_rate"])
    assert (np.abs(m.env.views.reward) <= most * (1 + 1e-6)).all(), "reward"
    if options.reward_only_positive and not options.reward_sparse and options.reward_defeat >= 0:
        assert (m.env.views.reward >= 0).all(), "a penalty"


def ends_counted(m: Moment) -> None:
    """An end is of one kind and begins the slot's next battle."""
    v = m.env.views
    assert not (v.terminated & v.truncated).any(), "terminated and truncated"
    assert not (v.battle_won & v.battle_lost).any(), "won and lost"
    assert not ((v.battle_won | v.battle_lost) & ~v.terminated).any(), "decided without an end"
    assert np.array_equal(v.battle_id, m.views.battle_id + m.over), "battle_id"
    assert np.array_equal(v.battle_id, m.env.battles["battle"]), "battle_id is not the record's"


def clock_runs(m: Moment) -> None:
    """A battle's first tick passes before it is seen; then each step has its ticks."""
    assert np.array_equal(m.env.battles["step"], np.where(m.over, 0, m.before["step"] + 1)), "step"
    assert (m.env.battles["step"] < m.env.spec.episode_limit).all(), "longer than the limit"
    assert np.array_equal(m.env.battles["tick"], 1 + m.env.battles["step"] * m.env.options.step_mul), "tick"


def features_in_bounds(m: Moment) -> None:
    """Every feature is a share, a bit or a place relative to sight or map."""
    assert np.abs(m.env.views.obs).max() <= 1.0, "obs"
    assert m.env.views.state.min() >= -1.0, "state"
    assert m.env.views.state.max() <= MOST_STATE, "state"
    dead = m.env.views.action_mask[..., NO_OP]
    assert not m.env.views.obs[dead].any(), "the dead see"


INVARIANTS: tuple[Callable[[Moment], None], ...] = (
    finite, health_in_bounds, on_the_map, bodies_apart, dead_stay_dead, mask_of_the_living, orders_follow,
    reward_in_bounds, ends_counted, clock_runs, features_in_bounds,
)  # fmt: skip


def check(m: Moment) -> None:
    """Hold a step against every invariant.

    Raises:
        AssertionError: with the invariant's name first.
    """
    for invariant in INVARIANTS:
        try:
            invariant(m)
        except AssertionError as error:
            raise AssertionError(f"{invariant.__name__}: {error}") from error
