"""Which battles are recorded with smacv2's answers, and under which options sizes are."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from envs.battle.scenarios import Scenario
from envs.registry import entry


@dataclass(frozen=True, kw_only=True)
class Family:
    """Battles of one scenario with one set of options."""

    scenario: Scenario
    options: dict[str, Any] = field(default_factory=dict)
    battles: int = 2
    """Battles kept in the file."""
    most_rows: int = 1000
    """Moments kept in the file; the comparison goes on."""


def builtin(id: str, **changes: Any) -> Scenario:
    scenario = entry(id).scenario
    assert scenario is not None
    return replace(scenario, **changes)


TERRAN, ZERG = ("marine", "marauder", "medivac"), ("zergling", "hydralisk", "baneling")
CLOSE: dict[str, Any] = dict(start="points", ally_point=(13.5, 16.0), enemy_point=(18.5, 16.0))
SHORT: dict[str, Any] = dict(episode_limit=16)
EPO: dict[str, Any] = dict(prob_obs_enemy=0.0, action_mask=False)
SCRIPTED: dict[str, Any] = dict(heuristic_ai=True)
MORE_AGENTS = Scenario(race="terran", n_agents=7, n_enemies=4, unit_types=TERRAN, weights=(0.5, 0.4, 0.1), **CLOSE)
ONE_FIGHTER: dict[str, Any] = dict(
    ally_team=("marine", "medivac", "medivac", "medivac"), enemy_team=("marauder", "marauder", "marine", "medivac")
)
ONE_ENEMY_FIGHTER: dict[str, Any] = dict(
    ally_team=("marauder", "marauder", "marine", "medivac"), enemy_team=("marine", "medivac", "medivac")
)
BANELINGS = Scenario(race="zerg", n_agents=3, n_enemies=3, unit_types=ZERG, weights=(0.1, 0.0, 0.9), **CLOSE)

FAMILIES = {
    "terran": Family(scenario=builtin("terran_5_vs_5")),
    "protoss": Family(scenario=builtin("protoss_5_vs_5"), most_rows=200),
    "zerg": Family(scenario=builtin("zerg_5_vs_5"), battles=3),
    "terran_10_vs_11": Family(scenario=builtin("terran_10_vs_11"), most_rows=10),
    "protoss_20_vs_23": Family(scenario=builtin("protoss_20_vs_23"), most_rows=2),
    "more_agents": Family(scenario=MORE_AGENTS),
    "lost_but_medivacs": Family(
        scenario=Scenario(race="terran", n_agents=4, n_enemies=4, unit_types=TERRAN, **ONE_FIGHTER, **CLOSE)
    ),
    "won_but_medivacs": Family(
        scenario=Scenario(race="terran", n_agents=4, n_enemies=3, unit_types=TERRAN, **ONE_ENEMY_FIGHTER, **CLOSE)
    ),
    "banelings": Family(scenario=BANELINGS, battles=6),
    "cone": Family(scenario=builtin("protoss_5_vs_5", **SHORT), options=dict(conic_fov=True)),
    "cone_of_4": Family(
        scenario=builtin("terran_5_vs_5", **SHORT),
        options=dict(conic_fov=True, num_fov_actions=4, action_mask=False),
    ),
    "epo": Family(scenario=builtin("terran_5_vs_5", **CLOSE), options=EPO),
    "epo_cone": Family(scenario=builtin("zerg_5_vs_5", **SHORT), options=dict(**EPO, conic_fov=True)),
    "half": Family(scenario=builtin("zerg_5_vs_5"), options=dict(prob_obs_enemy=0.5), battles=3),
    "history": Family(
        scenario=builtin("zerg_5_vs_5", **SHORT),
        options=dict(obs_last_action=True, obs_timestep_number=True, state_timestep_number=True),
    ),
    "penalty": Family(
        scenario=builtin("protoss_5_vs_5", **CLOSE),
        options=dict(reward_only_positive=False, reward_defeat=-50.0),
        battles=1,
    ),
    "sparse": Family(scenario=MORE_AGENTS, options=dict(reward_sparse=True), battles=1),
    "unscaled": Family(scenario=MORE_AGENTS, options=dict(reward_scale=False, reward_death_value=3.0), battles=1),
    "plain_ranges": Family(scenario=builtin("zerg_5_vs_5", **SHORT), options=dict(use_unit_ranges=False)),
    "no_least_range": Family(
        scenario=builtin("zerg_5_vs_5", **SHORT), options=dict(min_attack_range=0.0, move_amount=3.0)
    ),
    "all_seen": Family(scenario=builtin("terran_5_vs_5", **SHORT), options=dict(fully_observable=True)),
    "lean": Family(
        scenario=builtin("protoss_5_vs_5", **SHORT),
        options=dict(obs_all_health=False, obs_own_health=False, obs_own_pos=False, state_last_action=False),
    ),
    "scripted": Family(scenario=builtin("terran_10_vs_11"), options=SCRIPTED, battles=3, most_rows=60),
    "scripted_in_range": Family(scenario=MORE_AGENTS, options=dict(**SCRIPTED, heuristic_rest=True)),
    "scripted_with_cone": Family(
        scenario=builtin("zerg_5_vs_5"),
        options=dict(**SCRIPTED, heuristic_rest=True, conic_fov=True),
        battles=1,
        most_rows=60,
    ),
}
SIZE_OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    dict(conic_fov=True),
    dict(conic_fov=True, num_fov_actions=6, obs_last_action=True),
    dict(obs_last_action=True, obs_timestep_number=True, state_timestep_number=True),
    dict(obs_all_health=False, obs_own_health=False, obs_own_pos=False, state_last_action=False),
    dict(obs_all_health=False, obs_own_health=True),
)
