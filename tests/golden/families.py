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
LEFT_OUT = ("obs_all_health", "obs_own_health", "obs_own_pos", "state_last_action")
MORE_AGENTS = Scenario(race="terran", n_agents=7, n_enemies=4, unit_types=TERRAN, weights=(0.5, 0.4, 0.1), **CLOSE)


def fixed_terran(ally_team: str, enemy_team: str) -> Scenario:
    """Marauders and the like, named in words."""
    allies, enemies = tuple(ally_team.split()), tuple(enemy_team.split())
    return Scenario(
        race="terran", n_agents=len(allies), n_enemies=len(enemies), unit_types=TERRAN, ally_team=allies,
        enemy_team=enemies, **CLOSE,
    )  # fmt: skip


ONE_FIGHTER = fixed_terran("marine medivac medivac medivac", "marauder marauder marine medivac")
ONE_ENEMY_FIGHTER = fixed_terran("marauder marauder marine medivac", "marine medivac medivac")
BANELINGS = Scenario(race="zerg", n_agents=3, n_enemies=3, unit_types=ZERG, weights=(0.1, 0.0, 0.9), **CLOSE)
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


def generated(
    id: str | Scenario,
    changes: dict[str, Any] | None = None,
    *,
    battles: int = 4,
    most_rows: int = 200,
    rough: bool = False,
    **options: Any,
) -> Family:
    """A registered scenario with some fields changed, or one of one's own, under these options."""
    scenario = id if isinstance(id, Scenario) else builtin(id, **(changes or {}))
    return Family(scenario=scenario, options=options, rough=rough, battles=battles, most_rows=most_rows)


GENERATED = {
    "terran": generated("terran_5_vs_5", battles=5, most_rows=300),
    "protoss": generated("protoss_5_vs_5", battles=5, most_rows=300),
    "zerg": generated("zerg_5_vs_5", battles=9, most_rows=300),
    "terran_10_vs_11": generated("terran_10_vs_11", most_rows=20),
    "protoss_20_vs_23": generated("protoss_20_vs_23", most_rows=4),
    "more_agents": generated(MORE_AGENTS),
    "lost_but_medivacs": generated(ONE_FIGHTER),
    "won_but_medivacs": generated(ONE_ENEMY_FIGHTER),
    "banelings": generated(BANELINGS, battles=12),
}
SIGHT = {
    "cone": generated("protoss_5_vs_5", SHORT, battles=9, conic_fov=True),
    "cone_of_4": generated("terran_5_vs_5", SHORT, battles=9, conic_fov=True, num_fov_actions=4, action_mask=False),
    "epo": generated("terran_5_vs_5", CLOSE, prob_obs_enemy=0.0, action_mask=False),
    "epo_terran": generated("terran_10_vs_10", CLOSE, battles=6, most_rows=60, **EPO),
    "epo_protoss": generated("protoss_5_vs_5", CLOSE, battles=6, most_rows=200, **EPO),
    "epo_cone": generated("zerg_5_vs_5", SHORT, battles=9, **EPO),
    "half": generated("zerg_5_vs_5", battles=5, prob_obs_enemy=0.5),
    "all_seen": generated("terran_5_vs_5", SHORT, fully_observable=True),
}
VIEWS = {
    "history": generated(
        "zerg_5_vs_5", SHORT, battles=6, obs_last_action=True, obs_timestep_number=True, state_timestep_number=True
    ),
    "ground": generated("terran_5_vs_5", SHORT, battles=6, rough=True, obs_pathing_grid=True, obs_terrain_height=True),
    "heights": generated(
        "zerg_5_vs_5", SHORT, battles=6, rough=True, obs_terrain_height=True, move_amount=3, conic_fov=True
    ),
    "obs_as_state": generated("zerg_5_vs_5", most_rows=60, obs_instead_of_state=True, prob_obs_enemy=0.5),
    "time_only": generated("protoss_5_vs_5", CLOSE, obs_starcraft=False, obs_timestep_number=True),
    "plain_ranges": generated("zerg_5_vs_5", SHORT, use_unit_ranges=False),
    "no_least_range": generated("zerg_5_vs_5", SHORT, min_attack_range=0.0, move_amount=3.0),
    "lean": generated("protoss_5_vs_5", SHORT, **dict.fromkeys(LEFT_OUT, False)),
}
REWARDS = {
    "penalty": generated("protoss_5_vs_5", CLOSE, reward_only_positive=False, reward_defeat=-50.0),
    "sparse": generated(MORE_AGENTS, reward_sparse=True),
    "unscaled": generated(MORE_AGENTS, reward_scale=False, reward_death_value=3.0),
}
STOCHASTIC: dict[str, Any] = dict(stochastic_attack=True, stochastic_health=True)
UNOBSERVED: dict[str, Any] = dict(observe_attack_probs=False, attack_lower_bound=0.3, attack_upper_bound=0.6)
CAPABILITIES = {
    "attack": generated("protoss_5_vs_5", CLOSE, stochastic_attack=True),
    "attack_untold": generated("terran_5_vs_5", CLOSE, stochastic_attack=True, **UNOBSERVED),
    "health": generated("protoss_5_vs_5", CLOSE, stochastic_health=True),
    "health_untold": generated(
        "zerg_5_vs_5",
        CLOSE,
        battles=6,
        stochastic_health=True,
        observe_teammate_health=False,
        health_lower_bound=0.2,
    ),
    "both": generated("terran_5_vs_5", CLOSE, **STOCHASTIC, obs_last_action=True, **EPO),
    "both_unseen": generated("protoss_5_vs_5", CLOSE, **STOCHASTIC, obs_all_health=False, obs_own_health=False),
    "masked_enemies": generated("protoss_5_vs_5", CLOSE, mask_enemies=True, mask_probability=0.3),
    "masked_types": generated(
        "zerg_10_vs_11", CLOSE, most_rows=30, mask_enemies=True, observe_teammate_types=False, obs_last_action=True
    ),
}
SCRIPTS = {
    "scripted": generated("terran_10_vs_11", battles=3, most_rows=60, heuristic_ai=True),
    "scripted_in_range": generated(MORE_AGENTS, heuristic_ai=True, heuristic_rest=True),
    "scripted_with_cone": generated(
        "zerg_5_vs_5", most_rows=60, heuristic_ai=True, heuristic_rest=True, conic_fov=True
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
    "smac_capabilities": smac("6h_vs_8z", options=dict(**STOCHASTIC, mask_enemies=True)),
}
SIZE_OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    dict(conic_fov=True),
    dict(conic_fov=True, num_fov_actions=6, obs_last_action=True),
    dict(obs_last_action=True, obs_timestep_number=True, state_timestep_number=True),
    dict.fromkeys(LEFT_OUT, False),
    dict(obs_all_health=False, obs_own_health=True),
    dict(obs_pathing_grid=True, obs_terrain_height=True),
    dict(obs_instead_of_state=True, conic_fov=True),
    dict(obs_starcraft=False, obs_timestep_number=True),
    dict(**STOCHASTIC, mask_enemies=True),
)
