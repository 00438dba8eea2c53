"""The whole memory of a battle as one record: state in, state out.

Units are numbered 0..N-1 (allies) and N..N+M-1 (enemies), U = N + M. Lengths are in cells, times in ticks. Positions
lie on the game's grid of 1/4096 cell, so differences and squares of them are exact in float64.

A batch is an array of E such records. In compiled code ``b.x[i]`` is a plain load at a known offset, functions pass one
pointer, and one compilation serves every scenario because the axes are as long as the largest fight needs.

One-letter names in compiled code:
    b  a battle's record (``BATTLE``)    u  the table of unit types (``units.UNITS``)    c  the setup (``SETUP``)
    v  the views of the batch            e  the battle's number in the batch             k  a unit's kind
    i, j  units                          x, y  a place in cells
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

MAX_SIDE = 64  # units of one side: the bits of an int64
MAX_UNITS = 80  # units of both sides
MAX_KINDS = 32  # registered unit types
MAX_TYPES = 4  # unit types of one scenario
MAP_CELLS = 32  # every map is 32 × 32 cells
TICKS_PER_SECOND = 16  # at Normal speed
MAX_PLACES = 4096  # places tried around a spawn point
MAX_SPOTS = 16  # places of a map where units appear
MAX_CHOICES = 8  # rectangles that one of them is drawn from

NOBODY = -1  # where a unit number could stand
FLAG = np.uint8  # numba's records hold no arrays of booleans

# Orders. ACQUIRED is an attack that the unit chose for itself and may change; ATTACK sticks until the target dies;
# MARCH is an attack-move: on the way it acquires.
NONE, MOVE, ATTACK, ACQUIRED, HEAL, MARCH = 0, 1, 2, 3, 4, 5

SWEEP_DELAY = 4  # ticks between a colossus' lance touching a unit and its damage (0.25 s)

Field = tuple[str, DTypeLike, tuple[int, ...]]


def fields(shape: tuple[int, ...], dtype: DTypeLike, names: str) -> list[Field]:
    """Fields of this shape."""
    return [(name, dtype, shape) for name in names.split()]


per_unit, scalars = partial(fields, (MAX_UNITS,)), partial(fields, ())
BATTLE = np.dtype(
    [
        *scalars(np.uint64, "key"),  # names the battle's random draws
        *scalars(np.int64, "tick step"),
        *scalars(np.int64, "battle"),  # how many the slot started before; -1 before the first
        *scalars(np.int64, "trigger"),  # phase of the map script's clock, 0..7
        *scalars(np.float64, "max_reward"),
        # who and where
        *per_unit(np.int64, "kind"),
        *per_unit(np.int64, "alive"),  # 0 or 1, as wide as what loops over units take along
        *per_unit(np.int64, "floor"),  # as in units.py; IN_THE_AIR for the dead as well: they take no room
        *per_unit(np.float64, "body"),  # radius that it keeps from others on its floor
        *per_unit(np.float64, "x y hp shield energy"),
        *per_unit(np.float64, "full_hp full_shield full_energy hp_regen shield_regen energy_regen"),  # of its type
        *per_unit(np.int64, "heals"),  # 0 or 1
        *per_unit(np.int64, "shield_delay"),  # calm ticks before its shield recharges
        *per_unit(np.float64, "facing_x facing_y"),
        *per_unit(np.int64, "turning"),  # ticks until the weapon bears
        *per_unit(np.float64, "velocity"),  # cells a tick; only flyers take time to speed up
        *per_unit(np.int64, "calm"),  # ticks since the last damage
        *per_unit(np.float64, "fell_x fell_y"),  # where it died; x and y of the dead are where they were last seen
        # orders
        *per_unit(np.int64, "order"),
        *per_unit(np.int64, "target"),  # unit number, -1 for none
        *per_unit(np.float64, "dest_x dest_y"),
        *per_unit(np.int64, "marches"),  # 0 or 1: on an attack-move, to which it returns when nothing is left to attack
        *per_unit(np.float64, "anchor_x anchor_y"),  # where an acquired attack began: the leash hangs here
        *per_unit(np.int64, "called"),  # tick of the last call for help
        # weapons
        *per_unit(np.float64, "cooldown"),
        *per_unit(np.float64, "swing"),  # ticks until the damage point; 0: no attack has begun
        *per_unit(np.int64, "weapon"),  # column of the weapon table in use
        *per_unit(np.float64, "burst"),  # ticks until the second hit of a burst; 0: none
        *per_unit(np.int64, "missile missile_weapon"),  # unit that this unit's missile flies to, -1 for none
        *per_unit(np.float64, "missile_x missile_y"),
        *per_unit(np.int64, "sweep"),  # ticks since a colossus fired, -1 for no sweep
        *per_unit(FLAG, "channel"),  # it still stands and sweeps; for a medivac: healing has begun
        *per_unit(np.int64, "sweep_target"),
        *per_unit(np.float64, "sweep_x sweep_y"),  # unit vector along the sweep
        ("swept", np.int64, (MAX_UNITS, 2)),  # bits of opposing units that each of the two lances has touched
        ("sweep_due", np.int64, (MAX_UNITS, 2, SWEEP_DELAY)),  # bits of units whose damage is due, by tick
        *per_unit(np.int64, "side"),  # on which it walks round what stands in its way: 1 left, -1 right, 0 nothing does
        *per_unit(np.int64, "stuck"),  # 0 or 1: in the last tick it wished for a step and made little of it
        # scratch of one tick
        *per_unit(np.float64, "move_x move_y healed"),
        *per_unit(np.int64, "moving"),  # 0 or 1
        # bits of units (basics/sets.py): who stands still, who is idle; round the unit that walks, the bodies that it
        # sees, those that its step may touch, those that stand in its way
        *((name, np.uint64, (2,)) for name in ("still", "idle", "near", "close", "stands")),
        ("turn", np.int64, (MAX_UNITS,)),  # who acts when, with a random order
        # scratch of the start
        ("diagonal", np.int64, (4,)),  # by group of enemies: the diagonal that it stands on
        ("group_size", np.int64, (4,)),
        # scratch of one step
        *per_unit(np.float64, "start_x start_y start_health distance2"),
        *per_unit(FLAG, "start_alive"),
        *scalars(np.int64, "result dead_allies dead_enemies"),
        *scalars(np.float64, "reward"),
        *per_unit(FLAG, "doomed"),  # its health was below the agent's health level
        *per_unit(FLAG, "in_angle"),  # within the angle of the agent that looks
        # notes for the views, bits by agent: enemies or (of a medivac) allies to target, those in reach, whom it sees
        *((name, np.int64, (MAX_SIDE,)) for name in ("targets", "in_reach", "sees_enemies", "sees_allies")),
        # what observations remember
        ("sighted", np.int64, (MAX_SIDE,)),  # by enemy: bits of the agents that may see it
        ("tag", np.int64, (MAX_SIDE,)),  # by enemy: the agent that sighted it first, -1 for nobody
        ("last_action", np.int64, (MAX_SIDE,)),  # by agent: -1 before the first
        ("heuristic_target", np.int64, (MAX_SIDE,)),  # by agent: whom the scripted agent goes for, -1 for nobody
        ("look_x", np.float64, (MAX_SIDE,)),
        ("look_y", np.float64, (MAX_SIDE,)),
        # drawn for each battle (smacv2's capabilities), by agent
        ("attack_probability", np.float64, (MAX_SIDE,)),  # that an attack or heal is sent
        ("health_level", np.float64, (MAX_SIDE,)),  # share of life below which the agent dies
        ("enemy_mask", np.int64, (MAX_SIDE,)),  # by agent: bits of the enemies whose health and type are hidden from it
    ],
    align=True,
)

SETUP = np.dtype(
    [
        *scalars(np.uint64, "seed"),
        *scalars(np.int64, "first_slot n_agents n_enemies n_actions episode_limit"),
        *scalars(np.int64, "n_no_target"),  # actions before the first attack or heal target
        # scenario
        *scalars(np.int64, "n_types type_bits"),  # types that can appear; type features per unit (0 with a single type)
        ("kind_by_type", np.int64, (MAX_TYPES,)),
        ("type_by_kind", np.int64, (MAX_KINDS,)),  # of agents: unit_type and type bit; -1 for others
        ("enemy_type_by_kind", np.int64, (MAX_KINDS,)),  # type bit of enemies
        ("team_cdf", np.float64, (MAX_TYPES,)),  # cumulative weights in the order of the type bits
        ("type_is_exception", FLAG, (MAX_TYPES,)),
        *per_unit(np.int64, "fixed_kinds"),  # kinds of fixed teams, -1 where drawn
        *scalars(np.int64, "start"),
        *scalars(np.float64, "start_p"),
        *scalars(FLAG, "ally_shields enemy_shields"),
        *scalars(FLAG, "healers"),  # smacv2's medivac rules hold
        *scalars(FLAG, "medivacs"),  # there can be some
        *per_unit(np.int64, "spot"),  # where each unit appears
        ("choices", np.int64, (MAX_SPOTS,)),
        ("spots", np.float64, (MAX_SPOTS, MAX_CHOICES, 4)),  # left, bottom, right, top
        *scalars(np.int64, "script"),
        ("march_to", np.float64, (2, 2)),
        *scalars(np.float64, "march_speed"),  # of the slowest enemy; medivacs do not outrun it
        # terrain, [y, x]
        ("pathable", FLAG, (MAP_CELLS, MAP_CELLS)),  # on foot, as the game reports it
        ("floors", FLAG, (3, MAP_CELLS, MAP_CELLS)),
        ("level", np.int64, (MAP_CELLS, MAP_CELLS)),
        ("height", np.int64, (MAP_CELLS, MAP_CELLS)),
        *scalars(FLAG, "has_waypoints"),
        ("waypoints", np.uint16, (MAP_CELLS * MAP_CELLS, MAP_CELLS * MAP_CELLS)),
        *scalars(np.int64, "n_places"),
        ("places", np.float64, (MAX_PLACES, 2)),  # offsets to try around a spawn point, nearest first
        # what smacv2 assumes of each kind
        *((name, np.float64, (MAX_KINDS,)) for name in ("shoot_range", "sight_range", "cooldown_scale")),
        # options
        *scalars(FLAG, "rules_2024 mask_by_range fully_observable conic_fov"),
        *scalars(FLAG, "heuristic_ai heuristic_rest"),
        # readings of undocumented rules
        *scalars(FLAG, "random_order lets_go turns_first"),
        *scalars(np.int64, "idle_medivacs help_comes same_attack equal_places"),  # places in readings.CHOICES
        *scalars(np.int64, "acquire_period reconsider_period"),
        *scalars(np.float64, "jitter_least jitter_span first_shot_delay spawn_spread"),
        *scalars(np.float64, "move_amount prob_obs_enemy"),
        *scalars(np.int64, "step_mul n_fov_actions"),
        *scalars(FLAG, "obs_all_health obs_own_health obs_own_pos obs_last_action obs_timestep_number"),
        *scalars(FLAG, "obs_starcraft obs_pathing_grid obs_terrain_height"),
        *scalars(FLAG, "state_last_action state_timestep_number obs_instead_of_state"),
        *scalars(np.int64, "n_capabilities"),  # how many of the next two are on
        *scalars(FLAG, "stochastic_attack stochastic_health mask_enemies"),
        *scalars(FLAG, "observe_attack_probs observe_teammate_health observe_teammate_types"),  # to other agents
        *scalars(np.float64, "attack_lower_bound attack_upper_bound health_lower_bound health_upper_bound"),
        *scalars(np.float64, "mask_probability"),
        *scalars(np.int64, "kill_tick"),  # of a step: when agents below their health level die
        *scalars(FLAG, "reward_sparse reward_only_positive reward_scale max_reward_each"),
        *scalars(np.float64, "reward_death_value reward_win reward_defeat reward_negative_scale reward_scale_rate"),
    ],
    align=True,
)


class Views(NamedTuple):
    """The arrays that the caller of a batch reads, as compiled code takes them; leading axis E, rewritten each step.

    ``envs.protocol.BatchedEnv`` documents each.
    """

    obs: NDArray[np.float32]
    state: NDArray[np.float32]
    action_mask: NDArray[np.bool_]
    reward: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    battle_won: NDArray[np.bool_]
    battle_lost: NDArray[np.bool_]
    dead_allies: NDArray[np.int64]
    dead_enemies: NDArray[np.int64]
    unit_type: NDArray[np.int64]
    battle_id: NDArray[np.int64]
    final_obs: NDArray[np.float32]
    final_state: NDArray[np.float32]
    final_action_mask: NDArray[np.bool_]


def record(dtype: np.dtype[Any], values: dict[str, Any]) -> NDArray[np.void]:
    """A one-element array of ``dtype``; an array value fills the front of its field.

    Raises:
        ValueError: names do not match the fields.
    """
    assert dtype.names is not None
    if set(values) != set(dtype.names):
        raise ValueError(f"fields differ from the record's: {sorted(set(values) ^ set(dtype.names))}")
    table = np.zeros(1, dtype)
    for name, value in values.items():
        field = table[0][name]
        if isinstance(field, np.ndarray):
            field[tuple(slice(0, length) for length in np.shape(value))] = value
        else:
            table[0][name] = value
    return table


def allocate(num_envs: int) -> NDArray[np.void]:
    """Zeroed records of E battles, none of them started."""
    battles = np.zeros(num_envs, BATTLE)
    battles["battle"] = -1
    return battles
