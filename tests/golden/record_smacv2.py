"""Play battles, ask smacv2's own code what it makes of them, compare, and write ``smacv2_*.npz`` and the sizes.

    git clone https://github.com/oxwhirl/smacv2 /tmp/smacv2
    python -m tests.golden.record_smacv2 /tmp/smacv2

The engine plays with random legal actions; after each env_step smacv2's own environment is shown the units and makes
its own step, observations, state and masks. A number that differs from the engine's ends the recording, and so does an
order that smacv2 did not send.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.battle.engine import BattleEnv
from envs.battle.jit import kernel
from envs.battle.options import BattleOptions
from envs.battle.scenarios import smacv2_scenarios
from envs.battle.snapshots.game_state import AGENTS, ENEMIES, Memory
from envs.battle.step import command, play
from envs.battle.terrain import heights, pathable
from envs.battle.unit_types import facts
from tests.golden import smacv2_package
from tests.golden.families import FAMILIES, SIZE_OPTIONS, Family, rough_ground
from tests.golden.trace import FOLDER, STATES, Trace
from tests.oracle.replay import check_order, show_ground

TYPES = {
    **dict.fromkeys(("battle", "step"), np.int16),
    **dict.fromkeys(("actions", "taken", "command", "command_target"), np.int8),
    **dict.fromkeys(("x", "y"), np.float32),
}
ENDS = ("reward", "terminated", "truncated", "battle_won")


@kernel
def play_ticks(battles, units, setup):
    """The part of an env_step that the game plays."""
    play(battles[0], units[0], setup[0], setup[0].step_mul)


def choose(dice: np.random.Generator, mask: NDArray[np.bool_], first_target: int) -> NDArray[Any]:
    """Random legal actions (N,); mostly the same target for all where there is one, so that battles are won as well."""
    actions = []
    for row in mask:
        legal = np.flatnonzero(row)
        targets = legal[legal >= first_target]
        actions.append(targets[0] if len(targets) and dice.random() < 0.7 else dice.choice(legal))
    return np.array(actions)


class Recorder:
    """One family: plays, compares and collects."""

    def __init__(self, package: Any, family: Family, seed: int) -> None:
        self.family = family
        self.scenario = family.scenario
        options = BattleOptions(**family.options)
        self.grids = rough_ground() if family.rough else (pathable(self.scenario.map), heights(self.scenario.map))
        self.env: Any = BattleEnv(
            id="recorded", scenario=self.scenario, num_envs=1, seed=seed, first_slot=0, options=options
        )
        show_ground(self.env, *self.grids)
        self.package = self.build(package, seed)
        self.n_agents = self.scenario.n_agents
        self.n_units = self.n_agents + self.scenario.n_enemies
        self.dice = np.random.default_rng(seed)
        self.rows: list[dict[str, Any]] = []
        self.teams: list[list[str]] = []
        self.memories: list[Memory] = []
        self.ends = Counter[str]()

    def build(self, package: Any, seed: int) -> Any:
        """smacv2's environment; here the game is a puppet."""
        return smacv2_package.build(package, self.family, *self.grids)

    def reset_package(self, battle: np.void, names: list[str], memory: Memory) -> tuple[Any, Any]:
        """The same start for smacv2; returns observations and state."""
        obs, state = smacv2_package.reset(self.package, self.family, self.shown(battle), names, memory)
        tags = [
            unit.tag - smacv2_package.FIRST_TAG
            for unit in (*self.package.agents.values(), *self.package.enemies.values())
        ]
        assert tags == list(range(self.n_units)), f"smacv2 numbers the units {tags}"
        self.package.puppet.commands = {}
        return obs, state

    def step_package(self, battle: np.void, actions: NDArray[np.int64]) -> tuple[float, bool, dict[str, Any]]:
        """smacv2's own step, which leads to this battle."""
        answer = smacv2_package.step(self.package, self.shown(battle), actions)
        if self.package.stochastic_health:
            doomed, killed = np.flatnonzero(battle["doomed"]).tolist(), self.package.puppet.doomed
            assert doomed == killed, f"below their health level are {doomed}, smacv2 kills {killed}"
        return answer

    def reported(self, battle: np.void) -> dict[str, NDArray[Any]]:
        """(U,) each: what the game tells of the units at this moment; zero for the dead."""
        return {name: battle[name][: self.n_units] * battle["alive"][: self.n_units] for name in STATES}

    def expect(self, own: Any, theirs: Any, where: str) -> None:
        """An answer of the engine beside smacv2's.

        Raises:
            AssertionError: they differ.
        """
        np.testing.assert_array_equal(own, theirs, err_msg=where)

    def shown(self, battle: np.void) -> list[Any]:
        """What the game reports: allies in any order, so that smacv2 has to number them; enemies in theirs.

        Flyers of one type may start on the very same point. No order follows from that; they keep ours.
        """
        reported = smacv2_package.raw_units(battle, self.env.units[0], self.family)
        allies = [unit for unit in reported if unit.owner == 1]
        enemies = [unit for unit in reported if unit.owner == 2]
        places = [(unit.unit_type, unit.pos.x, unit.pos.y) for unit in allies]
        shuffled = [places[i] for i in self.dice.permutation(len(places))]
        at_place = {place: [unit for unit, own in zip(allies, places, strict=True) if own == place] for place in places}
        allies = [at_place[place].pop(0) for place in shuffled]
        return allies + enemies if self.dice.random() < 0.5 else enemies + allies

    def begin(self, battle: np.void) -> None:
        """A new battle on both sides; its first views must agree, and so must the numbers of the agents."""
        names = [list(facts())[kind] for kind in battle["kind"][: self.n_units]]
        self.teams.append(names)
        memory = self.env.game_state()[1]
        self.memories.append(memory)
        with smacv2_package.same_draws(self.package, battle["key"]):
            obs, state = self.reset_package(battle, names, memory)
        assert self.package.max_reward == memory.max_reward, f"smacv2's max_reward is {self.package.max_reward}"
        if self.package.unit_type_bits:
            types = [self.package.get_unit_type_id(unit, True) for unit in self.package.agents.values()]
            assert types == self.env.unit_type[0].tolist(), f"smacv2's unit types are {types}"
        nothing = np.full(self.n_agents, -1)
        ours = (self.env.obs, self.env.state, self.env.action_mask)
        self.keep(battle, (nothing, nothing), obs, state, (0.0, False, {}), ours)

    def advance(self) -> bool:
        """One env_step on both sides; true if it ended the battle."""
        env, start = self.env, self.env.battles.copy()
        now = start.copy()
        actions = choose(self.dice, env.action_mask[0], int(env.setup[0]["n_no_target"]))
        command(now[0], env.units[0], env.setup[0], actions.copy(), env.action_mask[0])
        ordered = now.copy()
        taken, own_taken = actions.copy(), actions[None].copy()  # scripted agents put theirs in the place of these
        env.step(own_taken)
        play_ticks(now, env.units, env.setup)
        with smacv2_package.same_draws(self.package, start[0]["key"]):
            answer = self.step_package(now[0], taken)
            obs, state = self.package.get_obs(), self.package.get_state()
        np.testing.assert_array_equal(own_taken[0], taken, err_msg="actions taken")
        for i in range(self.n_agents):
            check_order(env, start[0], ordered[0], i, *self.command(i))
        ended = bool(self.env.terminated[0] or self.env.truncated[0])
        ours = (self.env.obs, self.env.state, self.env.action_mask)
        final = (self.env.final_obs, self.env.final_state, self.env.final_action_mask)
        self.keep(now[0], (actions, taken), obs, state, answer, final if ended else ours)
        return ended

    def command(self, i: int) -> tuple[int, int]:
        """What smacv2 sent for agent i in its latest step, and at whom."""
        return self.package.puppet.commands.get(i, (smacv2_package.NO_COMMAND, -1))

    def keep(self, battle: Any, actions: tuple[Any, Any], obs: Any, state: Any, answer: Any, ours: Any) -> None:
        """Compare this moment and remember it; ``actions`` are those given and those taken."""
        reward, over, info = answer
        limit = bool(info.get("episode_limit", False))
        row = dict(
            battle=len(self.memories) - 1,
            step=self.package._episode_steps,
            actions=actions[0],
            taken=actions[1],
            command=[self.command(i)[0] for i in range(self.n_agents)],
            command_target=[self.command(i)[1] for i in range(self.n_agents)],
            obs=np.array(obs, np.float32),
            state=np.array(state, np.float32),
            mask=np.array(self.package.get_avail_actions(), bool),
            reward=np.float32(reward),
            terminated=over and not limit,
            truncated=limit,
            battle_won=info.get("battle_won", False),
        )
        row |= self.reported(battle)
        where = f"battle {row['battle']}, step {row['step']}"
        for name, own in zip(("obs", "state", "mask"), ours, strict=True):
            self.expect(own[0], row[name], f"{name}, {where}")
        if row["step"] > 0:
            lost = bool(self.package.defeat_counted)
            dead = {name: info[name] for name in ("dead_allies", "dead_enemies")}
            for name, theirs in (*((name, row[name]) for name in ENDS), ("battle_lost", lost), *dead.items()):
                self.expect(getattr(self.env, name)[0], theirs, f"{name}, {where}")
            self.count_end(row, lost)
        self.rows.append(row)

    def count_end(self, row: dict[str, Any], lost: bool) -> None:
        if row["terminated"] or row["truncated"]:
            self.ends["won" if row["battle_won"] else "lost" if lost else "cut" if row["truncated"] else "drawn"] += 1

    def play(self, battles: int) -> None:
        self.env.reset()
        for _ in range(battles):
            self.begin(self.env.battles[0])
            while not self.advance():
                pass

    def trace(self) -> Trace:
        """The moments that the family keeps."""
        rows = [row for row in self.rows if row["battle"] < self.family.battles][: self.family.most_rows]
        names = [name for name in rows[0] if name != "taken" or self.env.options.heuristic_ai]
        columns = {name: np.array([row[name] for row in rows], TYPES.get(name)) for name in names}
        battles = rows[-1]["battle"] + 1
        memories = self.memories[:battles]
        pathable, height = (grid.astype(np.uint8) for grid in self.grids)

        def drawn(name: str, shape: tuple[int, ...]) -> NDArray[Any]:
            """By battle; an empty axis for each of what is not drawn."""
            values = [getattr(memory, name) for memory in memories]
            return np.zeros((battles, *[0] * len(shape))) if values[0] is None else np.array(values)

        n, m = self.n_agents, self.scenario.n_enemies
        return Trace(
            scenario=asdict(self.scenario),
            options=dict(self.family.options),
            pathable=pathable,
            height=height,
            unit=np.array(self.teams[:battles]),
            owner=np.repeat(np.uint8([AGENTS, ENEMIES]), [n, m]),
            key=np.array([memory.key for memory in memories], np.uint64),
            max_reward=np.array([memory.max_reward for memory in memories]),
            attack_probability=drawn("attack_probability", (n,)),
            health_level=drawn("health_level", (n,)),
            enemy_mask=drawn("enemy_mask", (n, m)).astype(bool),
            **columns,
        )


def sizes(package: Any) -> list[dict[str, Any]]:
    """What smacv2 says of the built-in scenarios under several options."""
    table = []
    for id, scenario in smacv2_scenarios().items():
        for options in SIZE_OPTIONS:
            family = Family(scenario=scenario, options=options)
            env = smacv2_package.build(package, family, pathable(scenario.map), heights(scenario.map))
            row = dict(id=id, options=options, obs_size=env.get_obs_size(), state_size=env.get_state_size())
            table.append(row | dict(n_actions=env.get_total_actions(), episode_limit=env.episode_limit))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="root of a checkout of oxwhirl/smacv2")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for the files")
    parser.add_argument("--only", nargs="*", default=list(FAMILIES), help="families to record")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--battles", type=int, default=0, help="battles to compare, if more than the file keeps")
    given = parser.parse_args()
    package = smacv2_package.import_package(given.source)
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.only:
        family = FAMILIES[name]
        recorder = Recorder(package, family, given.seed)
        recorder.play(max(family.battles, given.battles))
        trace = recorder.trace()
        path = given.out / f"smacv2_{name}.npz"
        trace.save(path)
        print(f"{name}: {len(recorder.rows)} views equal, ends {dict(recorder.ends)}; kept {len(trace.step)} views")
    lines = ",\n".join(json.dumps(row) for row in sizes(package))
    (given.out / "smacv2_sizes.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
