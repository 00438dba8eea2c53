"""From a scenario and its options to the sizes that callers see."""

from __future__ import annotations

from envs.battle.options import BattleOptions
from envs.battle.scenarios import Scenario
from envs.spec import EnvSpec

N_MOVES = 4
N_PATHING, N_HEIGHTS = 8, 9  # cells around an agent of which observations tell


def n_target_actions(scenario: Scenario) -> int:
    """Attack actions, and heal actions where medivacs heal and there are more agents than enemies."""
    if scenario.has_healers and scenario.n_agents > scenario.n_enemies:
        return scenario.n_agents
    return scenario.n_enemies


def n_actions(scenario: Scenario, options: BattleOptions) -> int:
    """A: no-op, stop, moves, look directions, targets."""
    return 2 + N_MOVES + options.n_fov_actions + n_target_actions(scenario)


def obs_size(scenario: Scenario, options: BattleOptions) -> int:
    """D, as smacv2's ``get_obs_size`` gives it."""
    if not options.obs_starcraft:
        return int(options.obs_timestep_number)
    bits, capabilities = scenario.n_type_bits, options.stochastic_attack + options.stochastic_health
    ally_body, enemy_body = 1 + scenario.ally_shields, 1 + scenario.enemy_shields
    moves = N_MOVES + N_PATHING * options.obs_pathing_grid + N_HEIGHTS * options.obs_terrain_height
    enemy = 4 + enemy_body * options.obs_all_health + bits
    ally = 4 + ally_body * options.obs_all_health + capabilities + bits
    ally += options.obs_last_action * n_actions(scenario, options)
    own = ally_body * (options.obs_all_health or options.obs_own_health) + capabilities + bits
    own += 2 * options.obs_own_pos + 2 * options.conic_fov
    return moves + scenario.n_enemies * enemy + (scenario.n_agents - 1) * ally + own + options.obs_timestep_number


def state_size(scenario: Scenario, options: BattleOptions) -> int:
    """S, as smacv2's ``get_state_size`` gives it."""
    n, bits = scenario.n_agents, scenario.n_type_bits
    if options.obs_instead_of_state:
        return n * obs_size(scenario, options)
    capabilities = options.stochastic_attack + options.stochastic_health
    ally = 4 + scenario.ally_shields + capabilities + 2 * options.conic_fov + bits
    enemy = 3 + scenario.enemy_shields + bits
    last_actions = options.state_last_action * n * n_actions(scenario, options)
    return n * ally + scenario.n_enemies * enemy + last_actions + options.state_timestep_number


def env_spec(id: str, scenario: Scenario, options: BattleOptions) -> EnvSpec:
    """Return the spec of a scenario with these options."""
    return EnvSpec(
        id=id,
        n_agents=scenario.n_agents,
        n_enemies=scenario.n_enemies,
        n_actions=n_actions(scenario, options),
        obs_size=obs_size(scenario, options),
        state_size=state_size(scenario, options),
        episode_limit=scenario.episode_limit,
        unit_types=scenario.ordered_types,
    )
