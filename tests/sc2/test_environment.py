"""The batch of games, with a fake package whose battles go by plan: what is shown, and every way of breaking down."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import envs
from envs.sc2.environment import GameError, Sc2Env
from envs.sc2.process import WorkerProcess
from tests.sc2.fake_game import use_fake, wait_for_end

STOP = 1
OWN, TIME, SIGHTED_FIRST, DRAWS, BATTLE = 0, 1, 2, slice(3, 6), 6
"""What the fake's observations hold."""
LENGTH = 4
VIEWS = ("obs", "state", "action_mask")


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """``make(faults…, num_envs=…, **options)``: a batch on the fake, closed after the test."""
    made: list[Any] = []

    def build(*faults: str, num_envs: int = 2, once: bool = False, id: str = "terran_5_vs_5", **options: Any) -> Any:
        if not made:
            use_fake(monkeypatch, tmp_path, *faults, once=once)
        made.append(envs.make(id, num_envs, backend="sc2", **{"seed": 3, "backoff": 0.01, **options}))
        return made[-1]

    yield build
    for env in made:
        env.close()


@pytest.fixture
def begun(make: Any) -> Any:
    """The same in its first battles."""

    def build(*faults: str, **options: Any) -> Any:
        env = make(*faults, **options)
        env.reset()
        return env

    return build


def play(env: Any, steps: int) -> list[dict[str, Any]]:
    """Copies of all arrays after each step in which everybody stops."""
    seen = []
    for _ in range(steps):
        env.step(np.full((env.num_envs, env.spec.n_agents), STOP))
        seen.append({name: array.copy() for name, array in env._arrays.items()})
    return seen


def test_ends_are_kept_apart(begun: Any) -> None:
    """The fake's battles are won, lost, drawn and cut in turn; smacv2 calls all four terminated."""
    env = begun()
    assert (env.obs[:, :, OWN] == np.arange(5)).all()
    steps = play(env, 4 * LENGTH)
    ends = steps[LENGTH - 1 :: LENGTH]
    for name, expected in {
        "terminated": [True, True, True, False],
        "truncated": [False, False, False, True],
        "battle_won": [True, False, False, False],
        "battle_lost": [False, True, False, False],
        "aborted": [False] * 4,
        "battle_id": [1, 2, 3, 4],
        "dead_allies": [1] * 4,
        "dead_enemies": [2] * 4,
    }.items():
        assert [end[name].tolist() for end in ends] == [[value] * 2 for value in expected], name
    for k, end in enumerate(ends):
        assert (end["final_obs"][..., TIME] == LENGTH).all()
        assert (end["final_obs"][..., BATTLE] == k).all()
        assert (end["obs"][..., TIME] == 0).all()
        assert (end["obs"][..., BATTLE] == k + 1).all()
        assert (end["state"][:, 2] == 1).all(), "one game plays them all"
    assert not any(step[flag].any() for step in steps[: LENGTH - 1] for flag in ("terminated", "truncated"))


def test_draws_depend_on_seed_slot_and_battle_alone(begun: Any) -> None:
    env = begun()
    first = [step["obs"][:, 0, DRAWS].copy() for step in play(env, 3 * LENGTH)]
    types = env.unit_type.copy()
    assert len(np.unique(np.stack(first)[::LENGTH])) == 2 * 3 * 3, "other slots and battles, other draws"
    env.reset(seed=3)
    assert np.array_equal([step["obs"][:, 0, DRAWS] for step in play(env, 3 * LENGTH)], first)
    alone = begun(num_envs=1, first_slot=1)
    again = play(alone, 3 * LENGTH)
    assert np.array_equal([step["obs"][0, 0, DRAWS] for step in again], [draws[1] for draws in first])
    assert np.array_equal(alone.unit_type[0], types[1])
    env.reset(seed=4)
    assert not np.isin(env.obs[:, 0, DRAWS], first).any()


def test_agents_look_in_index_order(begun: Any) -> None:
    env = begun(num_envs=1)
    assert all((step["obs"][..., SIGHTED_FIRST] == 0).all() for step in play(env, 3 * LENGTH))


def test_unit_types_by_name(begun: Any) -> None:
    env = begun(num_envs=1)
    assert env.spec.unit_types == ("marine", "marauder", "medivac")
    assert ((env.unit_type >= 0) & (env.unit_type < 3)).all()
    assert len(np.unique(env.unit_type)) > 1
    single = begun(id="3m", num_envs=1)
    assert not single.unit_type.any()


@pytest.mark.parametrize("each", [False, True])
def test_max_reward_is_that_of_a_battle(begun: Any, each: bool) -> None:
    """The fake pays max_reward, and its enemies gain a point of life with every battle."""
    env = begun(num_envs=1, reward_scale=False, max_reward_from="each_battle" if each else "first_battle")
    paid = [float(step["reward"][0]) for step in play(env, 3 * LENGTH)]
    first = 5 * 10 + 200 + 5 * 45
    assert paid == [first + 5 * battle * each for battle in range(3) for _ in range(LENGTH)]


@pytest.mark.parametrize("fault", ["crash:1:2", "die:1:2", "hang:1:2"])
def test_a_crashed_game_is_an_aborted_battle(begun: Any, fault: str) -> None:
    env = begun(fault, once=True)
    before = play(env, LENGTH + 1)
    if "hang" in fault:
        env.options = replace(env.options, step_timeout=3.0)  # for this step alone: a busy machine is slow at others
    (broken,) = play(env, 1)
    env.options = replace(env.options, step_timeout=60.0)
    (after,) = play(env, 1)
    (e,) = np.flatnonzero(broken["aborted"])
    other = 1 - e
    for flag in ("terminated", "truncated", "battle_won", "battle_lost", "reward"):
        assert not broken[flag][e], f"{flag} of a game that broke down"
    assert broken["battle_id"][e] == 2
    assert broken["battle_id"][other] == 1, "the other slot plays on"
    assert broken["obs"][other, 0, TIME] == 2
    for name in VIEWS:
        assert np.array_equal(broken[f"final_{name}"][e], before[-1][name][e]), "the last view there was"
    assert broken["obs"][e, 0, TIME] == 0
    assert not after["aborted"].any()
    assert after["obs"][e, 0, TIME] == 1
    assert broken["max_reward"][e] == before[-1]["max_reward"][e], "set by the slot's first battle, also in a new game"


def test_the_battle_after_an_abort_has_the_draws_it_always_has(
    begun: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    smooth = begun(num_envs=1, once=True)
    third = play(smooth, 2 * LENGTH)[-1]["obs"][0, 0, DRAWS]
    env = make(num_envs=1)
    monkeypatch.setenv("FAKE_SC2", "crash:1:2")
    env.reset()
    assert np.array_equal(play(env, LENGTH + 2)[-1]["obs"][0, 0, DRAWS], third)


def test_a_retried_reset_shows_the_battle(begun: Any) -> None:
    """The package's wrapper returns None then."""
    env = begun("no-room:1:spawn", num_envs=1)
    play(env, LENGTH)
    assert env.battle_id[0] == 1
    assert env.obs[0, 0, TIME] == 0
    assert env.obs[0, 0, BATTLE] == 2, "the second attempt, in the same game"


def test_failures_in_a_row_stop_the_run(make: Any) -> None:
    env = make("no-room:*:spawn", num_envs=1, max_failures=2)
    with pytest.raises(GameError) as raised:
        env.reset()
    text = str(raised.value)
    assert "terran_5_vs_5: the game of slot 0 failed 2 times in a row" in text
    assert "CannotResetException: waited for units to spawn" in text
    assert "python -m harness.doctor" in text


def test_finished_battles_forgive(begun: Any) -> None:
    """Every third battle of a process breaks down, which is never two in a row."""
    env = begun("crash:2:1", num_envs=1, max_failures=2)
    assert sum(step["aborted"][0] for step in play(env, 6 * LENGTH)) == 2


def test_a_package_that_cannot_be_built(make: Any) -> None:
    """No second try: the fake knows no other map."""
    pause = 1000.0
    with pytest.raises(GameError, match=r"smacv2 cannot be started: KeyError: '8m' \(starcraft2.py, line \d+\)"):
        _with_map(make, "8m", backoff=pause).reset()


def _with_map(make: Any, id: str, **options: Any) -> Any:
    env = make(**options)
    env._arguments = {**env._arguments, "map_name": id}
    return env


def test_other_sizes_than_the_spec(make: Any) -> None:
    with pytest.raises(ValueError, match=r"looks otherwise in smacv2: n_agents is 3 there and 5 here; .*type_bits=3"):
        _with_map(make, "3m").reset()


def test_illegal_actions(begun: Any, make: Any) -> None:
    env = make(num_envs=1)
    with pytest.raises(ValueError, match=r"no battle has started yet; call reset\(\) first"):
        env.step(np.ones((1, 5), int))
    env.reset()
    with pytest.raises(ValueError, match="illegal action 0 of agent 2 in battle 0; legal now: 1, 2, 3"):
        env.step(np.array([[1, 1, 0, 1, 1]]))
    lenient = begun(num_envs=1, illegal_actions="noop")
    lenient.step(np.zeros((1, 5), int))
    assert not lenient.aborted[0]
    assert lenient.obs[0, 0, TIME] == 1


def test_scripted_agents_tell_what_they_did(begun: Any) -> None:
    env = begun(num_envs=1, heuristic_ai=True)
    actions = np.zeros((1, 5), int)
    env.step(actions)
    assert (actions == STOP).all()


def test_a_saved_run_goes_on_with_the_next_battle(begun: Any, make: Any) -> None:
    env = begun()
    play(env, LENGTH + 2)
    saved = env.state_dict()
    expected = play(env, LENGTH - 2)[-1]
    other = begun(seed=77)
    other.load_state_dict(saved)
    assert np.array_equal(other.battle_id, [2, 2])
    assert np.array_equal(other.obs[..., DRAWS], expected["obs"][..., DRAWS])
    assert np.array_equal(other.max_reward, expected["max_reward"])
    with pytest.raises(ValueError, match="of 2 battles of 'terran_5_vs_5', this environment has 1"):
        make(num_envs=1).load_state_dict(saved)


def test_through_pettingzoo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_fake(monkeypatch, tmp_path, "crash:0:2", once=True)
    world = envs.parallel_env("terran_5_vs_5", backend="sc2", seed=3, backoff=0.01)
    world.reset()
    stop = dict.fromkeys(world.possible_agents, STOP)
    world.step(stop)
    _, rewards, terminated, truncated, infos = world.step(stop)
    assert not world.agents
    assert all(truncated.values())
    assert not any(terminated.values())
    assert all(info["aborted"] and not info["battle_lost"] for info in infos.values())
    assert set(rewards.values()) == {0.0}
    world.reset()
    assert world.batch.battle_id[0] == 1
    world.close()


def test_a_closed_batch_says_so(begun: Any) -> None:
    env = begun()
    env.close()
    with pytest.raises(ValueError, match="the batch is closed; make another"):
        env.reset()


def test_rewards_that_cannot_be_scaled(make: Any) -> None:
    """As the built-in engine refuses them: divided by a negative number they would change their sign."""
    env = make(num_envs=1, reward_win=-500.0)
    with pytest.raises(ValueError, match=r"a flawless battle returns -\d+ with these rewards"):
        env.reset()


def test_after_an_interrupt_battles_begin_again(begun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The game may have gone on: a further step would meet a battle that is over."""
    env = begun()
    play(env, LENGTH - 1)

    def interrupt(self: WorkerProcess, until: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(WorkerProcess, "receive", interrupt)
        with pytest.raises(KeyboardInterrupt):
            play(env, 1)
    with pytest.raises(ValueError, match=r"reset\(\)"):
        play(env, 1)
    env.reset()
    assert not play(env, LENGTH - 1)[-1]["terminated"].any()
    assert play(env, 1)[-1]["terminated"].all()


def test_a_game_that_is_given_up_leaves_no_files(begun: Any) -> None:
    env = begun("crash:1:2", once=True)
    before = set(env._folder.iterdir())
    play(env, LENGTH + 2)
    after = set(env._folder.iterdir())
    assert len(before) == len(after) == 2
    assert len(before & after) == 1


def test_a_worker_that_ends_takes_its_files_along(tmp_path: Path) -> None:
    worker = WorkerProcess(tmp_path / "slot0")
    assert (tmp_path / "slot0").exists()
    worker.dismiss()
    worker.close(time.monotonic() + 60)
    assert not (tmp_path / "slot0").exists()


def test_a_forked_process_leaves_the_games_alone(begun: Any) -> None:
    env = begun(num_envs=1)
    child = os.fork()
    if not child:
        env.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert env._folder.exists()
    assert not play(env, 1)[0]["aborted"].any()


def test_closing_ends_everything(begun: Any) -> None:
    env = begun()
    assert isinstance(env, Sc2Env)
    pids = [worker.pid for worker in env._workers.values()] + [env.game()["pid"]]
    folder = env._folder
    env.close()
    env.close()
    assert all(wait_for_end(pid) for pid in pids)
    assert not folder.exists()
