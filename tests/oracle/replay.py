"""Load recorded game states into the engine's own record and let its bookkeeping and views answer.

Nothing of a fight is played: after each env_step the units are set as the recording has them. What the engine adds is
all that smacv2 computes beside the game: who sighted whom, look directions, last actions, reward, end, observations,
state and masks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from envs.battle.engine import BattleEnv
from envs.battle.observe import observe
from envs.battle.orders import take_action
from envs.battle.reward import UNDECIDED, WON, outcome, remember, step_reward
from envs.battle.sight import forget_the_dead
from envs.battle.spawn import forget
from envs.battle.step import keep_last_seen_places
from envs.battle.units import kind_of
from tests.golden.trace import STATES, Trace

NOWHERE = -1000.0


class Replay:
    """One battle record that follows a trace.

    Args:
        trace: the recording.
        without: bookkeeping functions to leave out, by name: a broken twin.
    """

    def __init__(self, trace: Trace, *, without: tuple[str, ...] = ()) -> None:
        self.trace = trace
        scenario, options = trace.build()
        names = trace.unit[0].tolist()
        # The teams of the first battle are given to the engine, so that it works out max_reward by itself.
        teams = dict(ally_team=tuple(names[: scenario.n_agents]), enemy_team=tuple(names[scenario.n_agents :]))
        scenario = replace(scenario, **teams)  # type: ignore[arg-type]
        self.env: Any = BattleEnv(id="replay", scenario=scenario, num_envs=1, seed=0, first_slot=0, options=options)
        self.env.reset()
        self.battle: Any = self.env.battles[0]
        self.context = (self.env.units[0], self.env.setup[0])
        self.n_agents = scenario.n_agents
        self.n_units = scenario.n_agents + scenario.n_enemies
        self.without = without

    def load_units(self, row: int) -> None:
        """Set the living as recorded; who dies is left where the recording cannot have seen it."""
        b, trace = self.battle, self.trace
        alive = trace.alive[row]
        newly_dead = b["alive"][: self.n_units].astype(bool) & ~alive
        for name in STATES:
            b[name][: self.n_units][alive] = getattr(trace, name)[row][alive]
        for name in ("x", "y"):
            b[name][: self.n_units][newly_dead] = NOWHERE
        b["alive"][: self.n_units] = alive

    def begin(self, row: int) -> None:
        """The first view of a battle."""
        b, (_, c) = self.battle, self.context
        b["kind"][: self.n_units] = [kind_of(name) for name in self.trace.unit[self.trace.battle[row]]]
        b["key"] = self.trace.key[self.trace.battle[row]]
        b["step"] = 0
        b["alive"][: self.n_units] = True
        forget(b, c)
        self.load_units(row)

    def advance(self, row: int) -> dict[str, Any]:
        """What follows the recorded actions, the recorded units taking the place of the fight."""
        b, (u, c) = self.battle, self.context
        remember(b, c)
        for i, action in enumerate(self.trace.actions[row]):
            take_action(b, u, c, i, int(action), self.env.action_mask[0, i])
        self.load_units(row)
        b["step"] += 1
        for bookkeeping in (keep_last_seen_places, forget_the_dead):
            if bookkeeping.__name__ not in self.without:
                bookkeeping(b, c)
        result = outcome(b, u, c)
        return dict(
            reward=np.float32(step_reward(b, c, result)),
            terminated=result != UNDECIDED,
            truncated=result == UNDECIDED and b["step"] >= c["episode_limit"],
            battle_won=result == WON,
        )

    def view(self) -> dict[str, Any]:
        """Observations, state and masks of this moment."""
        observe(self.battle, *self.context, self.env.obs[0], self.env.state[0], self.env.action_mask[0])
        return dict(obs=self.env.obs[0], state=self.env.state[0], mask=self.env.action_mask[0])


def compare(trace: Trace, *, without: tuple[str, ...] = ()) -> int:
    """Hold the engine's answers against smacv2's; gives the number of moments compared.

    One unit in the last place of a float32 is allowed: sine and arc tangent are rounded differently on some machines.

    Raises:
        AssertionError: an answer differs.
    """
    replay = Replay(trace, without=without)
    for row, step in enumerate(trace.step):
        if step == 0:
            replay.begin(row)
            answers = replay.view()
        else:
            answers = replay.advance(row) | replay.view()
        for name, own in answers.items():
            where = f"{name} in battle {trace.battle[row]}, step {step}"
            np.testing.assert_allclose(own, getattr(trace, name)[row], rtol=2.0**-23, atol=1e-7, err_msg=where)
    return len(trace.step)
