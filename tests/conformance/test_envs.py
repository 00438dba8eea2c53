"""Every registered world keeps the contract of ``envs.protocol.BatchedEnv``; the checker catches those that do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

import envs
from envs.parallel_env import BattleParallelEnv
from envs.protocol import BatchedEnv
from tests.envs.play import Player, begun

SHAPES = {
    **dict.fromkeys(("obs", "final_obs"), ("END", np.float32)),
    **dict.fromkeys(("state", "final_state"), ("ES", np.float32)),
    **dict.fromkeys(("action_mask", "final_action_mask"), ("ENA", np.bool_)),
    **dict.fromkeys(("terminated", "truncated", "battle_won", "battle_lost", "aborted"), ("E", np.bool_)),
    **dict.fromkeys(("dead_allies", "dead_enemies", "battle_id"), ("E", np.int64)),
    **{"reward": ("E", np.float32), "unit_type": ("EN", np.int64)},
}
LIVE, FINAL = ("obs", "state", "action_mask"), ("final_obs", "final_state", "final_action_mask")
NO_OP, STOP = 0, 1
BUILTIN = [id for id in envs.ids() if envs.registry.entry(id).entry_point == envs.registry.BATTLE]
# The loop over every id costs least with few battles; of the large fights one end is enough.
E, SEED, MOST_STEPS = 3, 21, 200

Build = Callable[..., BatchedEnv]


def check_contract(build: Build, ends: int) -> None:
    """Play until ``ends`` battles have ended and hold every array against the contract.

    Args:
        build: makes the world from ``num_envs, seed=, first_slot=``.
        ends: ends of battles to see.

    Raises:
        AssertionError: with the name of what is broken.
    """
    env = build(E, seed=SEED, first_slot=0)
    check_sizes(env)
    arrays = {name: getattr(env, name) for name in SHAPES}
    env.reset()
    assert (env.battle_id == 0).all(), "battle_id after reset"
    check_views(env)
    alone = [build(1, seed=SEED, first_slot=e) for e in range(E)]
    for single in alone:
        single.reset()
    player, steps, ended = Player(3, E), np.zeros(E, int), 0
    while ended < ends:
        before = {name: array.copy() for name, array in arrays.items()}
        env.step(player(env.action_mask))
        steps += 1
        assert steps.max() <= env.spec.episode_limit, "no battle is longer than the limit"
        for name, array in arrays.items():
            assert getattr(env, name) is array, f"{name} is another array than before"
        check_flags(env, before, steps)
        over = env.terminated | env.truncated | env.aborted
        check_final(env, before, over)
        for e in np.flatnonzero(over):
            alone[e].reset()
            for name in (*LIVE, "unit_type", "battle_id"):
                assert np.array_equal(getattr(alone[e], name)[0], getattr(env, name)[e]), f"restart: {name}"
        steps[over] = 0
        ended += int(over.sum())
        check_views(env)
    env.close()
    env.close()


def check_sizes(env: BatchedEnv) -> None:
    """Shapes, types and spaces."""
    assert isinstance(env, BatchedEnv), "protocol"
    spec = env.spec
    sizes = dict(E=env.num_envs, N=spec.n_agents, D=spec.obs_size, S=spec.state_size, A=spec.n_actions)
    for name, (axes, dtype) in SHAPES.items():
        array = getattr(env, name)
        assert array.shape == tuple(sizes[axis] for axis in axes), f"shape of {name}"
        assert array.dtype == dtype, f"type of {name}"
        assert array.flags.c_contiguous, f"layout of {name}"
    assert env.single_observation_space.shape == (spec.obs_size,), "observation space"
    assert env.single_action_space.n == spec.n_actions, "action space"


def check_views(env: BatchedEnv) -> None:
    """What the running battles show."""
    for name in ("obs", "state", "reward"):
        assert np.isfinite(getattr(env, name)).all(), f"{name} is not finite"
    assert env.action_mask.any(-1).all(), "an agent without a legal action"
    dead = env.action_mask[..., NO_OP]
    assert (env.action_mask[dead].sum(-1) == 1).all(), "the dead have the no-op only"
    assert not env.obs[dead].any(), "the dead see nothing"
    assert ((env.unit_type >= 0) & (env.unit_type < max(1, len(env.spec.unit_types)))).all(), "unit_type"


def check_flags(env: BatchedEnv, before: dict[str, Any], steps: np.ndarray) -> None:
    """Five facts kept apart, and the count of battles."""
    over = env.terminated | env.truncated | env.aborted
    assert (env.terminated.astype(int) + env.truncated + env.aborted <= 1).all(), "an end of two kinds"
    assert not (env.battle_won & env.battle_lost).any(), "won and lost"
    assert not ((env.battle_won | env.battle_lost) & ~env.terminated).any(), "decided but not terminated"
    assert (env.truncated <= (steps >= env.spec.episode_limit)).all(), "truncated before the limit"
    assert np.array_equal(env.battle_id, before["battle_id"] + over), "battle_id does not count"
    assert np.array_equal(env.unit_type[~over], before["unit_type"][~over]), "unit_type changed in a battle"
    dead = np.where(over[:, None], env.final_action_mask[..., NO_OP], env.action_mask[..., NO_OP]).sum(1)
    assert np.array_equal(env.dead_allies, dead), "dead_allies"
    assert ((env.dead_enemies >= 0) & (env.dead_enemies <= env.spec.n_enemies)).all(), "dead_enemies"


def check_final(env: BatchedEnv, before: dict[str, Any], over: np.ndarray) -> None:
    """The last view of the battle that ended, left alone until the next end."""
    for final in FINAL:
        assert np.array_equal(getattr(env, final)[~over], before[final][~over]), f"{final} written without an end"
    for e in np.flatnonzero(over):
        assert not np.array_equal(env.final_state[e], env.state[e]), "final_state shows the new battle"
        assert not np.array_equal(env.final_state[e], before["state"][e]), "final_state shows the step before"
        dead = env.final_action_mask[e, :, NO_OP]
        assert not env.final_obs[e, dead].any(), "final_obs of the dead"
        assert env.final_obs[e, ~dead].any(axis=-1).all(), "final_obs of the living"


@pytest.mark.parametrize("id", BUILTIN)
def test_registered_worlds_keep_the_contract(id: str) -> None:
    check_contract(lambda num_envs, **kwargs: envs.make(id, num_envs, **kwargs), ends=4 if "5_vs_5" in id else 1)


def test_the_time_limit_truncates() -> None:
    """Both battles are made two steps from the limit; everybody stands still for them."""
    env = begun("terran_5_vs_5", 2, seed=1)
    env.battles["step"] = env.spec.episode_limit - 2  # type: ignore[attr-defined]
    for last in (False, True):
        env.step(np.where(env.action_mask[..., NO_OP], NO_OP, STOP))
        assert (env.truncated == last).all()
        assert not (env.terminated | env.battle_won | env.battle_lost).any()
        assert (env.battle_id == last).all()


class Broken:
    """A world with one purpose-made fault; all else is the real one's."""

    def __init__(self, env: BatchedEnv) -> None:
        self.env = env

    def __getattr__(self, name: str) -> Any:
        return getattr(self.env, name)

    def reset(self, seed: int | None = None) -> None:
        self.env.reset(seed)
        self.first = {name: getattr(self.env, name).copy() for name in LIVE}

    def step(self, actions: np.ndarray) -> None:
        self.env.step(actions)
        self.spoil(self.env.terminated | self.env.truncated)

    def spoil(self, over: np.ndarray) -> None:
        """Spoil the arrays after a step."""


class NewArrays(Broken):
    @property
    def obs(self) -> np.ndarray:
        return self.env.obs.copy()


class WrongType(Broken):
    @property
    def reward(self) -> np.ndarray:
        return self.env.reward.astype(np.float64)


class NeverCounts(Broken):
    def spoil(self, over: np.ndarray) -> None:
        self.env.battle_id[:] = 0


class NoLastView(Broken):
    def spoil(self, over: np.ndarray) -> None:
        self.env.final_state[over] = self.env.state[over]


class WinsWithoutAnEnd(Broken):
    def spoil(self, over: np.ndarray) -> None:
        self.env.battle_won[:] = True


class TheDeadAct(Broken):
    def spoil(self, over: np.ndarray) -> None:
        self.env.action_mask[..., 1] = True


class EveryBattleIsTheFirst(Broken):
    def spoil(self, over: np.ndarray) -> None:
        for name in LIVE:
            getattr(self.env, name)[over] = self.first[name][over]


FAULTS: dict[type[Broken], str] = {
    NewArrays: "obs is another array",
    NeverCounts: "battle_id does not count",
    NoLastView: "final_state shows the new battle",
    WinsWithoutAnEnd: "decided but not terminated",
    TheDeadAct: "the dead have the no-op only",
    EveryBattleIsTheFirst: "restart: ",
    WrongType: "type of reward",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_checker_catches(fault: type[Broken]) -> None:
    def build(num_envs: int, **kwargs: Any) -> Any:
        made = envs.make("terran_5_vs_5", num_envs, **kwargs)
        return fault(made) if num_envs > 1 else made

    with pytest.raises(AssertionError, match=FAULTS[fault]):
        check_contract(build, ends=4)


@pytest.mark.parametrize("id", ["terran_5_vs_5", "protoss_5_vs_5", "zerg_5_vs_5", "terran_20_vs_23"])
def test_pettingzoo_parallel_api(id: str, capsys: pytest.CaptureFixture[str]) -> None:
    parallel_api_test(envs.parallel_env(id), num_cycles=300)
    assert "Passed Parallel API test" in capsys.readouterr().out


@pytest.mark.parametrize("id", ["terran_5_vs_5", "protoss_5_vs_5", "zerg_5_vs_5"])
def test_pettingzoo_parallel_seed(id: str) -> None:
    """It samples without the mask, so illegal actions must count as no order."""
    parallel_seed_test(lambda: envs.parallel_env(id, illegal_actions="noop"))


def play(world: BattleParallelEnv, seed: int) -> list[Any]:
    """A whole battle by masked samples; everything that came back."""
    observations, infos = world.reset(seed=seed)
    for i, agent in enumerate(world.agents):
        world.action_space(agent).seed(100 + i)
    seen: list[Any] = [(observations, infos)]
    while world.agents:
        legal = {agent: observations[agent]["action_mask"] for agent in world.agents}
        result = world.step({agent: world.action_space(agent).sample(mask) for agent, mask in legal.items()})
        observations = result[0]
        seen.append((*result, world.state()))
    return seen


def flat(value: Any) -> Any:
    """Nested results as plain lists, to compare them exactly."""
    if isinstance(value, dict):
        return {key: flat(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [flat(entry) for entry in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


@pytest.mark.parametrize("id", ["terran_5_vs_5", "protoss_5_vs_5", "zerg_10_vs_11"])
def test_masked_seed_over_whole_battles(id: str) -> None:
    a, b = envs.parallel_env(id), envs.parallel_env(id, seed=99)
    first = flat(play(a, 1))
    assert len(first) > 5
    assert flat(play(b, 1)) == first
    assert flat(play(a, 1)) == first
    assert flat(play(a, 2)) != first


@pytest.mark.parametrize("continuing", [True, False])
def test_infos_tell_of_the_limit_where_episodes_continue(continuing: bool) -> None:
    world = envs.parallel_env("terran_5_vs_5", seed=3, continuing_episode=continuing)
    observations, _ = world.reset()
    for _ in range(world.batch.spec.episode_limit):
        stop = {name: int(not observations[name]["action_mask"][0]) for name in world.agents}
        world.batch.battles["alive"][0, 5:10], world.batch.battles["x"][0, 5:10] = 1, 2.0  # type: ignore[attr-defined]
        world.batch.battles["hp"][0, :10] = 40.0  # type: ignore[attr-defined]  # nobody ever dies
        observations, _, _, truncated, infos = world.step(stop)
        assert all(infos[name].get("episode_limit") == (truncated[name] if continuing else None) for name in truncated)
    assert not world.agents
    assert all(truncated.values())


@pytest.mark.parametrize("id", ["terran_5_vs_5", "protoss_10_vs_10", "zerg_20_vs_23"])
def test_a_battle_through_pettingzoo(id: str) -> None:
    world = envs.parallel_env(id, seed=3)
    spec = world.batch.spec
    agents = [f"ally_{i}" for i in range(spec.n_agents)]
    assert world.possible_agents == agents
    assert world.metadata["name"] == id
    (observations, infos), *steps = play(world, 3)
    types = [infos[agent]["unit_type"] for agent in agents]
    assert set(types) <= set(range(len(spec.unit_types)))
    assert world.unit_types == spec.unit_types
    for agent in agents:
        assert world.observation_space(agent).contains(observations[agent])
        assert not infos[agent]["battle_won"]
        assert infos[agent]["dead_allies"] == infos[agent]["dead_enemies"] == 0
    for observations, rewards, terminated, truncated, infos, state in steps:
        assert list(observations) == agents  # the dead keep their slots
        assert state.shape == (spec.state_size,)
        assert state.dtype == np.float32
        assert len(set(rewards.values())) == len(set(terminated.values())) == len(set(truncated.values())) == 1
        dead = [agent for agent in agents if observations[agent]["action_mask"][NO_OP]]
        for agent in dead:
            assert observations[agent]["action_mask"].sum() == 1
            assert not observations[agent]["observation"].any()
        for i, agent in enumerate(agents):
            assert infos[agent]["unit_type"] == types[i]
            assert infos[agent]["dead_allies"] == len(dead)
            assert all(isinstance(value, bool | int) for value in infos[agent].values()), "numbers only, for wrappers"
    assert terminated[agents[0]] != truncated[agents[0]]
    assert infos[agents[0]]["battle_won"] + infos[agents[0]]["battle_lost"] <= terminated[agents[0]]


def test_flat_observations() -> None:
    """The same battle with the mask in the infos, where wrappers that take no Dict look for it."""
    plain, flat = (envs.parallel_env("3m", seed=3, flat_observations=own) for own in (False, True))
    (rows, _), (observations, infos) = plain.reset(), flat.reset()
    for _ in range(20):
        for name, row in rows.items():
            assert np.array_equal(observations[name], row["observation"])
            assert np.array_equal(infos[name]["action_mask"], row["action_mask"])
            assert flat.observation_space(name).contains(observations[name])
        actions = {name: int(np.flatnonzero(info["action_mask"])[-1]) for name, info in infos.items()}
        rows, (observations, *_, infos) = plain.step(actions)[0], flat.step(actions)
        if not flat.agents:
            break


def test_after_a_battle_the_next_one_starts_clean() -> None:
    """The new battle's first infos do not speak of the old one's end, and no battle is skipped."""
    world = envs.parallel_env("terran_5_vs_5", seed=5)
    for battle in range(3):
        observations, infos = world.reset(seed=5 if battle == 0 else None)
        assert world.batch.battle_id[0] == battle
        for info in infos.values():
            assert not info["battle_won"]
            assert not info["battle_lost"]
            assert info["dead_allies"] == info["dead_enemies"] == 0
        while world.agents:
            last = {agent: int(np.flatnonzero(seen["action_mask"])[-1]) for agent, seen in observations.items()}
            observations, *_, infos = world.step(last)
        assert infos["ally_0"]["battle_won"] != infos["ally_0"]["battle_lost"]
        assert infos["ally_0"]["dead_allies"] + infos["ally_0"]["dead_enemies"] > 0


def test_a_missing_action() -> None:
    world = envs.parallel_env("terran_5_vs_5", seed=3)
    with pytest.raises(ValueError, match=r"no battle is running; call reset\(\) first"):
        world.step({})
    world.reset()
    with pytest.raises(ValueError, match=r"no action for ally_1, ally_2, ally_3, ally_4; every agent acts, the dead"):
        world.step({"ally_0": 1})
    with pytest.raises(ValueError, match="illegal action 0 of agent 0"):
        world.step(dict.fromkeys(world.agents, 0))
