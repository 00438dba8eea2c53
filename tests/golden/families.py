"""Which battles are recorded with smacv2's answers, and under which options sizes are."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.battle.scenarios import Scenario, fixed_scenarios
from envs.battle.state import MAP_CELLS
from envs.registry import EPO, entry


@dataclass(frozen=True, kw_only=True)
class Family:
    """Battles of one scenario with one set of options."""

    scenario: Scenario
    options: dict[str, Any] = field(default_factory=dict)
    smac_map: str = ""
    """The map of smacv2's registry that this is; empty: the generated map of the race."""
    rough: bool = False
    """Pathing and height grids that tell every cell from its neighbours, in place of the map's own."""
    battles: int = 4
    """Battles kept in the file."""
    most_rows: int = 200
    """Moments kept in the file; the comparison goes on."""


def builtin(id: str, **changes: Any) -> Scenario:
    scenario = entry(id).scenario
    assert scenario is not None
    return replace(scenario, **changes)


def rough_ground() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(32, 32) twice: a pathing grid with holes, and a height for every cell."""
    dice = np.random.default_rng(8)
    shape = (MAP_CELLS, MAP_CELLS)
    return (dice.random(shape) < 0.8).astype(np.uint8), dice.integers(0, 256, shape).astype(np.uint8)


TERRAN, ZERG = ("marine", "marauder", "medivac"), ("zergling", "hydralisk", "baneling")
CLOSE: dict[str, Any] = dict(start="points", ally_point=(13.5, 16.0), enemy_point=(18.5, 16.0))
SHORT: dict[str, Any] = dict(episode_limit=16)
PROB_0: dict[str, Any] = dict(prob_obs_enemy=0.0, action_mask=False)
MORE_AGENTS = Scenario(race="terran", n_agents=7, n_enemies=4, unit_types=TERRAN, weights=(0.5, 0.4, 0.1), **CLOSE)
ONE_FIGHTER: dict[str, Any] = dict(
    ally_team=("marine", "medivac", "medivac", "medivac"), enemy_team=("marauder", "marauder", "marine", "medivac")
)
ONE_ENEMY_FIGHTER: dict[str, Any] = dict(
    ally_team=("marauder", "marauder", "marine", "medivac"), enemy_team=("marine", "medivac", "medivac")
)
BANELINGS = Scenario(race="zerg", n_agents=3, n_enemies=3, unit_types=ZERG, weights=(0.1, 0.0, 0.9), **CLOSE)
SCRIPTED: dict[str, Any] = dict(heuristic_ai=True)
# SMAC's maps with their own ground, spots and marches; smacv2 has none of the extra ones.
SMAC = tuple(fixed_scenarios("smac.json"))
SMAC_ROWS = {
    "25m": 8, "27m_vs_30m": 8, "bane_vs_bane": 8, "so_many_baneling": 20, "corridor": 40, "2c_vs_64zg": 40,
    "2s_vs_1sc": 280,  # nobody marches there: most of it is wandering
}  # fmt: skip


def smac(id: str, **changes: Any) -> Family:
    """A registered SMAC scenario, with the options that it is registered with unless others are given."""
    rows = SMAC_ROWS.get(id, 80)
    given: dict[str, Any] = dict(scenario=builtin(id), options=dict(entry(id).defaults), battles=6, most_rows=rows)
    return Family(smac_map=id, **(given | changes))


GENERATED = {
    "terran": Family(scenario=builtin("terran_5_vs_5"), battles=5, most_rows=300),
    "protoss": Family(scenario=builtin("protoss_5_vs_5"), battles=5, most_rows=300),
    "zerg": Family(scenario=builtin("zerg_5_vs_5"), battles=9, most_rows=300),
    "terran_10_vs_11": Family(scenario=builtin("terran_10_vs_11"), most_rows=20),
    "protoss_20_vs_23": Family(scenario=builtin("protoss_20_vs_23"), most_rows=4),
    "more_agents": Family(scenario=MORE_AGENTS),
    "lost_but_medivacs": Family(
        scenario=Scenario(race="terran", n_agents=4, n_enemies=4, unit_types=TERRAN, **ONE_FIGHTER, **CLOSE)
    ),
    "won_but_medivacs": Family(
        scenario=Scenario(race="terran", n_agents=4, n_enemies=3, unit_types=TERRAN, **ONE_ENEMY_FIGHTER, **CLOSE)
    ),
    "banelings": Family(scenario=BANELINGS, battles=12),
}
SIGHT = {
    "cone": Family(scenario=builtin("protoss_5_vs_5", **SHORT), options=dict(conic_fov=True), battles=9),
    "cone_of_4": Family(
        scenario=builtin("terran_5_vs_5", **SHORT),
        options=dict(conic_fov=True, num_fov_actions=4, action_mask=False),
        battles=9,
    ),
    "epo": Family(scenario=builtin("terran_5_vs_5", **CLOSE), options=PROB_0),
    "epo_terran": Family(scenario=builtin("terran_10_vs_10", **CLOSE), options=EPO, battles=6, most_rows=60),
    "epo_protoss": Family(scenario=builtin("protoss_5_vs_5", **CLOSE), options=EPO, battles=6, most_rows=200),
    "epo_cone": Family(scenario=builtin("zerg_5_vs_5", **SHORT), options=EPO, battles=9),
    "half": Family(scenario=builtin("zerg_5_vs_5"), options=dict(prob_obs_enemy=0.5), battles=5),
    "all_seen": Family(scenario=builtin("terran_5_vs_5", **SHORT), options=dict(fully_observable=True), battles=4),
}
VIEWS = {
    "history": Family(
        scenario=builtin("zerg_5_vs_5", **SHORT),
        options=dict(obs_last_action=True, obs_timestep_number=True, state_timestep_number=True),
        battles=6,
    ),
    "ground": Family(
        scenario=builtin("terran_5_vs_5", **SHORT),
        options=dict(obs_pathing_grid=True, obs_terrain_height=True),
        rough=True,
        battles=6,
    ),
    "heights": Family(
        scenario=builtin("zerg_5_vs_5", **SHORT),
        options=dict(obs_terrain_height=True, move_amount=3, conic_fov=True),
        rough=True,
        battles=6,
    ),
    "obs_as_state": Family(
        scenario=builtin("zerg_5_vs_5"), options=dict(obs_instead_of_state=True, prob_obs_enemy=0.5), most_rows=60
    ),
    "time_only": Family(
        scenario=builtin("protoss_5_vs_5", **CLOSE), options=dict(obs_starcraft=False, obs_timestep_number=True)
    ),
    "plain_ranges": Family(scenario=builtin("zerg_5_vs_5", **SHORT), options=dict(use_unit_ranges=False), battles=4),
    "no_least_range": Family(
        scenario=builtin("zerg_5_vs_5", **SHORT), options=dict(min_attack_range=0.0, move_amount=3.0), battles=4
    ),
    "lean": Family(
        scenario=builtin("protoss_5_vs_5", **SHORT),
        options=dict(obs_all_health=False, obs_own_health=False, obs_own_pos=False, state_last_action=False),
        battles=4,
    ),
}
REWARDS = {
    "penalty": Family(
        scenario=builtin("protoss_5_vs_5", **CLOSE), options=dict(reward_only_positive=False, reward_defeat=-50.0)
    ),
    "sparse": Family(scenario=MORE_AGENTS, options=dict(reward_sparse=True)),
    "unscaled": Family(scenario=MORE_AGENTS, options=dict(reward_scale=False, reward_death_value=3.0)),
}
CAPABILITIES = {
    "attack": Family(scenario=builtin("protoss_5_vs_5", **CLOSE), options=dict(stochastic_attack=True)),
    "attack_untold": Family(
        scenario=builtin("terran_5_vs_5", **CLOSE),
        options=dict(
            stochastic_attack=True, observe_attack_probs=False, attack_lower_bound=0.3, attack_upper_bound=0.6
        ),
    ),
    "health": Family(scenario=builtin("protoss_5_vs_5", **CLOSE), options=dict(stochastic_health=True)),
    "health_untold": Family(
        scenario=builtin("zerg_5_vs_5", **CLOSE),
        options=dict(stochastic_health=True, observe_teammate_health=False, health_lower_bound=0.2),
        battles=6,
    ),
    "both": Family(
        scenario=builtin("terran_5_vs_5", **CLOSE),
        options=dict(stochastic_attack=True, stochastic_health=True, obs_last_action=True, **EPO),
    ),
    "both_unseen": Family(
        scenario=builtin("protoss_5_vs_5", **CLOSE),
        options=dict(stochastic_attack=True, stochastic_health=True, obs_all_health=False, obs_own_health=False),
    ),
    "masked_enemies": Family(
        scenario=builtin("protoss_5_vs_5", **CLOSE), options=dict(mask_enemies=True, mask_probability=0.3)
    ),
    "masked_types": Family(
        scenario=builtin("zerg_10_vs_11", **CLOSE),
        options=dict(mask_enemies=True, observe_teammate_types=False, obs_last_action=True),
        most_rows=30,
    ),
}
SCRIPTS = {
    "scripted": Family(scenario=builtin("terran_10_vs_11"), options=SCRIPTED, battles=3, most_rows=60),
    "scripted_in_range": Family(scenario=MORE_AGENTS, options=dict(**SCRIPTED, heuristic_rest=True)),
    "scripted_with_cone": Family(
        scenario=builtin("zerg_5_vs_5"),
        options=dict(**SCRIPTED, heuristic_rest=True, conic_fov=True),
        most_rows=60,
    ),
}
FAMILIES = {
    **GENERATED,
    **SIGHT,
    **VIEWS,
    **REWARDS,
    **CAPABILITIES,
    **SCRIPTS,
    **{f"smac_{id}": smac(id) for id in SMAC},
    "smac_ranges": smac("3s5z", options={}, battles=4, most_rows=60),
    # Closer than on the map: with so little in sight random agents would hardly ever shoot.
    "smac_epo": smac("MMM2", scenario=builtin("MMM2", **CLOSE), options=EPO, battles=4, most_rows=60),
    "smac_ground": smac("2c_vs_64zg", options=dict(obs_pathing_grid=True, obs_terrain_height=True)),
    "smac_capabilities": smac(
        "6h_vs_8z", options=dict(stochastic_attack=True, stochastic_health=True, mask_enemies=True)
    ),
}
SIZE_OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    dict(conic_fov=True),
    dict(conic_fov=True, num_fov_actions=6, obs_last_action=True),
    dict(obs_last_action=True, obs_timestep_number=True, state_timestep_number=True),
    dict(obs_all_health=False, obs_own_health=False, obs_own_pos=False, state_last_action=False),
    dict(obs_all_health=False, obs_own_health=True),
    dict(obs_pathing_grid=True, obs_terrain_height=True),
    dict(obs_instead_of_state=True, conic_fov=True),
    dict(obs_starcraft=False, obs_timestep_number=True),
    dict(stochastic_attack=True, stochastic_health=True, mask_enemies=True),
)
