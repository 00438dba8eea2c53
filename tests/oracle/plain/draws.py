"""Random numbers by name: each draw is a hash of (seed, slot, battle, purpose, unit, count), in whole numbers only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

WORD = 2**64
GOLDEN = 0x9E3779B97F4A7C15  # 2**64 divided by the golden ratio, odd


class Purpose(IntEnum):
    """Who asks."""

    COOLDOWN = 1
    TEAM = 2
    EXTRA_TEAM = 3
    START = 4
    FACING = 5
    SIGHTING = 6
    UNIT_ORDER = 7
    TRIGGER = 8
    SCRIPT = 9
    FIRST_SHOT = 10
    PLACE = 11


def splitmix(word: int) -> int:
    """The finaliser of splitmix64: two rounds of shift and multiply, and a last shift."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        word = (word ^ word >> shift) * factor % WORD
    return word ^ word >> 31


@dataclass(frozen=True)
class Dice:
    """The draws of one battle."""

    key: int

    @classmethod
    def of_battle(cls, seed: int, slot: int, battle: int) -> Dice:
        """The seed is scrambled, then the slot and the battle's number within it are folded in."""
        key = splitmix((seed + GOLDEN) % WORD)
        for salt, number in enumerate((slot, battle), start=1):
            key = splitmix(key ^ (number * GOLDEN + salt) % WORD)
        return cls(key)

    def uniform(self, purpose: Purpose, unit: int, count: int) -> float:
        """A number in [0, 1) of 53 bits."""
        return (self.word(purpose, unit, count) >> 11) / 2**53

    def word(self, purpose: Purpose, unit: int, count: int) -> int:
        """64 bits. The draw's name: a byte of purpose, two of unit, five of count."""
        name = int.from_bytes(bytes([purpose]) + unit.to_bytes(2, "big") + count.to_bytes(5, "big"), "big")
        return splitmix(splitmix((self.key + name * GOLDEN) % WORD) ^ name)
