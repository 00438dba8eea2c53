"""Play smacv2 itself on the stand-in game beside the engine, and hold every number of the one against the other's.

    git clone https://github.com/oxwhirl/smacv2 /tmp/smacv2
    python -m tests.sc2.differential /tmp/smacv2                      # every scenario that smacv2 can play
    python -m tests.sc2.differential /tmp/smacv2 --only MMM2 --steps 1000
    python -m tests.sc2.differential /tmp/smacv2 --families           # and options: those of tests/golden/families.py
    python -m tests.sc2.differential /tmp/smacv2 --write              # the committed traces again

smacv2 and pysc2 are their owners' code, unmodified: they launch the game, connect to it, create or await units, give
orders, step and look. The engine is given the same seed and the same actions. Three things are fixed so that the two
can be compared: ``random.shuffle`` does nothing, so that agents are observed in the order of their numbers; numpy's
draws are the engine's; and a reset is given the team and the places that the engine draws for the battle. On seven of
SMAC's maps ``get_unit_type_id``, which raises or mistypes agents there, does what the original SMAC's does; with
``obs_instead_of_state``, which no scenario has, ``build_state_feature_names``, which raises, gives no names.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import envs
from envs.battle.snapshots.drawn_start import drawn_start
from envs.battle.snapshots.game_state import Memory
from envs.registry import SMAC, SMACV2, entry
from tests.golden import smacv2_package
from tests.golden.families import FAMILIES, Family
from tests.golden.record_smacv2 import Recorder
from tests.golden.smacv2_package import COMMANDS, NO_COMMAND
from tests.golden.trace import FOLDER, STATES

MISTYPED = ("2s3z", "3s5z", "3s5z_vs_3s6z", "MMM", "MMM2", "1c3s5z", "bane_vs_bane")
SEED = 1
KEPT = {
    "terran_5_vs_5": 90, "protoss_5_vs_5": 90, "zerg_5_vs_5-epo": 90, "zerg_10_vs_11": 25, "3m": 90, "MMM2": 30,
    "1c3s5z": 40, "2m_vs_1z": 60,
}  # fmt: skip
"""Moments in the committed trace of each of some scenarios."""
FLOAT32 = 1e-6
"""What the game's float32 numbers can move a feature by."""
REWARD = 2e-5
"""And a reward, which is a sum of differences of them."""
REPORTED = dict(hp="health", shield="shield", energy="energy", cooldown="weapon_cooldown")


def playable() -> list[str]:
    """The scenarios of ours that smacv2 has as well."""
    return [id for id in envs.ids() if entry(id).source in (SMACV2, SMAC)]


def playable_families() -> list[str]:
    """The recorded families that need no ground or places but those of the maps."""
    return [
        name for name, family in FAMILIES.items()
        if not family.rough and (not family.smac_map or family.scenario == entry(family.smac_map).scenario)
    ]  # fmt: skip


def family_of(id: str) -> Family:
    """What a registered scenario, or a recorded family, is to smacv2."""
    if id in FAMILIES:
        return FAMILIES[id]
    scenario, options = entry(id).scenario, dict(entry(id).defaults)
    assert scenario is not None
    smac_map = id if scenario.ally_team else ""
    return Family(scenario=scenario, options=options, smac_map=smac_map, battles=99, most_rows=KEPT.get(id, 0))


class Tap:
    """smacv2's controller, and what it last sent.

    Args:
        controller: pysc2's.
    """

    def __init__(self, controller: Any) -> None:
        self._controller = controller
        self.sent: list[Any] = []

    def actions(self, request: Any) -> Any:
        self.sent = [action.action_raw.unit_command for action in request.actions]
        return self._controller.actions(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._controller, name)


class Live(Recorder):
    """One scenario: smacv2 plays it on the stand-in game."""

    worst = 0.0

    def build(self, package: Any, seed: int) -> Any:
        family = self.family
        raises = family.smac_map in MISTYPED or family.options.get("obs_instead_of_state", False)
        whole = smacv2_package.repaired(package) if raises else package
        return smacv2_package.construct(whole, family, seed=seed)

    def reset_package(self, battle: np.void, names: list[str], memory: Memory) -> tuple[Any, Any]:
        config = smacv2_package.drawn_capabilities(memory)
        if not self.family.smac_map:
            start = drawn_start(self.env, int(battle["battle"]))
            config["team_gen"] = {"ally_team": start.ally_team, "enemy_team": start.enemy_team}
            config["ally_start_positions"] = {"item": start.ally_places}
            config["enemy_start_positions"] = {"item": start.enemy_places}
        answer = self.package.reset(config)
        if not isinstance(self.package._controller, Tap):
            self.package._controller = Tap(self.package._controller)
        self.package._controller.sent = []
        assert self.package.force_restarts == 0, "smacv2 lost the game and started it again"
        return answer

    def step_package(self, battle: np.void, actions: NDArray[np.int64]) -> tuple[float, bool, dict[str, Any]]:
        return self.package.step(actions)

    def command(self, i: int) -> tuple[int, int]:
        numbers = {unit.tag: number for number, unit in enumerate(self._units())}
        for sent in self.package._controller.sent:
            if list(sent.unit_tags) == [self.package.agents[i].tag]:
                return COMMANDS[sent.ability_id], numbers.get(sent.target_unit_tag, -1)
        return NO_COMMAND, -1

    def reported(self, battle: np.void) -> dict[str, NDArray[Any]]:
        """What smacv2 reads of the game; it must be the engine's numbers in float32, unit by unit."""
        units = self._units()
        alive = np.array([unit.health > 0 for unit in units])
        seen = {name: np.array([getattr(unit, field) for unit in units]) for name, field in REPORTED.items()}
        seen |= {axis: np.array([getattr(unit.pos, axis) for unit in units]) for axis in ("x", "y")}
        engine = super().reported(battle)
        for name in STATES:
            seen[name] = seen[name] * alive
            count = self.n_agents if name == "cooldown" else self.n_units  # the game does not tell enemies' cooldowns
            np.testing.assert_array_equal(np.float32(engine[name][:count]), seen[name][:count], err_msg=name)
        return {name: seen[name] for name in STATES}

    def expect(self, own: Any, theirs: Any, where: str) -> None:
        own, theirs = np.asarray(own, np.float64), np.asarray(theirs, np.float64)
        bound = REWARD if where.startswith("reward") else FLOAT32
        np.testing.assert_allclose(own, theirs, rtol=FLOAT32, atol=bound, err_msg=where)
        self.worst = max(self.worst, float(np.abs(own - theirs).max(initial=0.0)))

    def _units(self) -> list[Any]:
        return [*self.package.agents.values(), *self.package.enemies.values()]

    def play_steps(self, steps: int) -> None:
        """So many env_steps, from one battle to the next."""
        self.env.reset()
        self.begin(self.env.battles[0])
        for _ in range(steps):
            if self.advance():
                self.begin(self.env.battles[0])


def import_smacv2(source: Path | None) -> Any:
    """The class StarCraft2Env as it is.

    Raises:
        ValueError: there is none.
    """
    if source is not None:
        if not (source / "smacv2" / "env" / "starcraft2" / "starcraft2.py").exists():
            raise ValueError(f"{source} holds no folder smacv2; give the root of a checkout of oxwhirl/smacv2")
        sys.path.insert(0, str(source))
    elif find_spec("smacv2") is None:
        raise ValueError("the package smacv2 is not installed; give the root of a checkout of oxwhirl/smacv2")
    from smacv2.env.starcraft2.starcraft2 import StarCraft2Env  # type: ignore[import-not-found]

    return StarCraft2Env


def compare(package: Any, id: str, *, seed: int, steps: int) -> Live:
    """Play one scenario on both sides.

    Raises:
        AssertionError: a number differs.
    """
    live = Live(package, family_of(id), seed)
    began = time.perf_counter()
    try:
        live.play_steps(steps)
    finally:
        live.package.close()
    took = time.perf_counter() - began
    print(f"{id}: {len(live.rows)} views equal to {live.worst:.1e}, ends {dict(live.ends)}, {took:.1f} s", flush=True)
    return live


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, nargs="?", help="root of a checkout of oxwhirl/smacv2, if not installed")
    parser.add_argument("--only", nargs="+", default=None, help="scenarios, all that smacv2 has if not given")
    parser.add_argument("--families", action="store_true", help="the recorded families instead")
    parser.add_argument("--steps", type=int, default=300, help="env_steps of each")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--write", action="store_true", help="write the committed traces again")
    given = parser.parse_args()
    package = import_smacv2(given.source)
    from envs.sc2.server.folder import install

    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder))
        os.environ["SC2PATH"] = folder
        every = playable_families() if given.families else playable()
        for id in given.only or (KEPT if given.write else every):
            steps = KEPT[id] if given.write else given.steps
            live = compare(package, id, seed=SEED if given.write else given.seed, steps=steps)
            if given.write:
                live.family = replace(live.family, most_rows=steps)
                live.trace().save(FOLDER / f"live_{id}.npz")


if __name__ == "__main__":
    main()
