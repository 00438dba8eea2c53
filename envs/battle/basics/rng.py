"""Random numbers as a pure function of who asks: no state, so nothing depends on threads or on the batch.

A draw is named by the battle's key and (purpose, unit, count). The mixing function is the finaliser of splitmix64
(Steele, Lea & Flood, "Fast splittable pseudorandom number generators", 2014).
"""

from __future__ import annotations

import numpy as np

from envs.battle.jit import kernel

# Purposes: every random draw of the engine has one of these owners.
COOLDOWN, TEAM, EXTRA_TEAM, START, FACING, SIGHTING, UNIT_ORDER, TRIGGER, SCRIPT = 1, 2, 3, 4, 5, 6, 7, 8, 9
FIRST_SHOT, PLACE = 10, 11
ATTACK_PROBABILITY, HEALTH_LEVEL, ENEMY_MASK, ATTACK_FAILS = 20, 21, 22, 23

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MUL_1 = np.uint64(0xBF58476D1CE4E5B9)
_MUL_2 = np.uint64(0x94D049BB133111EB)


@kernel
def mix(z):
    """Scramble 64 bits (a bijection)."""
    z = np.uint64(z)
    z = (z ^ (z >> np.uint64(30))) * _MUL_1
    z = (z ^ (z >> np.uint64(27))) * _MUL_2
    return z ^ (z >> np.uint64(31))


@kernel
def battle_key(seed, slot, battle):
    """The key of one battle: seed, slot and how many battles the slot has started before."""
    key = mix(np.uint64(seed) + _GOLDEN)
    key = mix(key ^ (np.uint64(slot) * _GOLDEN + np.uint64(1)))
    return mix(key ^ (np.uint64(battle) * _GOLDEN + np.uint64(2)))


@kernel
def uniform(key, purpose, unit, count):
    """A float64 in [0, 1) for this battle, purpose (< 256), unit (< 65536) and count (< 2**40)."""
    return np.float64(word(key, purpose, unit, count) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@kernel
def word(key, purpose, unit, count):
    """64 random bits, named as those of ``uniform``."""
    name = (np.uint64(purpose) << np.uint64(56)) | (np.uint64(unit) << np.uint64(40)) | np.uint64(count)
    return mix(mix(key + name * _GOLDEN) ^ name)
