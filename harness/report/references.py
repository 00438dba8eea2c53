"""Win rates of policies that do not learn in a study's own worlds: the yardstick beside the learners."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import envs
import envs.registry
from harness.policies import scripted
from harness.policies.evaluate import Evaluation, play
from harness.results.study_data import StudyData
from harness.runs.plan import fight_of
from harness.runs.seeding import derive_seed
from harness.stats.interval import Interval

POLICIES = ("nearest", "random")
BATTLES, SLOTS = 1_000, 125


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One policy that does not learn, on one scenario of a study."""

    policy: str
    scenario: str
    """As the tables name it."""
    win_rate: Interval
    return_mean: float


def references(data: StudyData) -> list[Reference]:
    """Play every reference policy in every world of the study that it can play; equal worlds are played once."""
    found = []
    for scenario in data.scenarios:
        world = next(run.config.get("env", {}) for _, where, run in data.every() if where == scenario)
        for policy in POLICIES:
            played = _played(policy, scenario.partition("@")[0], json.dumps(world, sort_keys=True, default=str))
            if played is not None:
                found.append(dataclasses.replace(played, scenario=scenario))
    return found


@lru_cache(maxsize=64)
def _played(policy: str, scenario: str, world: str) -> Reference | None:
    """Play the battles; ``None``: the world is not here, or another one, no one wins there, the policy cannot play."""
    given: Mapping[str, Any] = json.loads(world)
    if scenario not in envs.registry.ids() or given.get("backend", "battle") != "battle":
        return None
    here = json.loads(json.dumps(fight_of(scenario), sort_keys=True, default=str))
    if given.get("fight", here) != here or scripted.missing(policy, scenario):
        return None
    seed = derive_seed(0, "final_evaluation", scenario)
    try:
        options_class = envs.registry.options_class(scenario, "battle")
        known = {field.name for field in dataclasses.fields(options_class)}
        options: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in given.items() if name in known
        }
        env = envs.make(scenario, num_envs=SLOTS, seed=seed, **options)
    except (ValueError, TypeError, ImportError):  # an option of another version, a package that is not installed
        return None
    with closing(env):
        if not env.spec.can_be_won:
            return None
        battles = play(scripted.make(policy), env, episodes=BATTLES, seed=seed)
    found = Evaluation(outcomes=tuple(battle.outcome for battle in battles))
    return Reference(policy=policy, scenario=scenario, win_rate=found.win_rate, return_mean=found.mean_return)
