"""Rules of the game that nothing documents for certain: each is an option, and each option is a list of readings.

The defaults are what ``docs/engine.md`` chooses, with the evidence; the others keep the alternatives within reach of a
measurement (``python -m benchmarks.fidelity.sensitivity``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from envs.checks import Range, check_fields

CHOICES: dict[str, tuple[str, ...]] = {
    "unit_order": ("simultaneous", "random"),
    "enemy_medivacs": ("approach", "follow", "hover"),
    "march_pace": ("army", "own"),
    "medivac_priority": ("equal", "first", "last"),
    "call_for_help": ("comrades", "victim", "none"),
    "acquire_range": ("edges", "target_edge"),
    "pursuit": ("leash", "sight"),
    "turning": ("walking", "first"),
    "equal_places": ("first", "mirrored", "drawn"),
    "bodies": ("inner", "full"),
    "weapon_delay": ("random", "none"),
    "same_attack": ("goes_on", "restarts", "breaks_off"),
}
RANGES = {
    "acquire_period": Range(1, 1_000_000),
    "reconsider_period": Range(1, 1_000_000),
    "first_shot_delay": Range(0, 1000),
    "spawn_spread": Range(0, 8),
}


@dataclass(frozen=True, kw_only=True)
class Readings:
    """The undocumented rules of combat.

    Raises:
        ValueError: a value outside what is allowed.
    """

    unit_order: str = "simultaneous"
    """``simultaneous``: who kill each other in one tick both die; ``random``: one after the other, as the game does."""
    enemy_medivacs: str = "approach"
    """An enemy medivac with nobody to heal may ``approach`` the closest agent, ``follow`` a comrade or ``hover``.
    The first holds under SMACv2's script, which orders idle enemies to attack; elsewhere it hovers."""
    march_pace: str = "army"
    """Enemy medivacs on an attack-move fly no faster than the slowest of the ``army``, or at their ``own`` speed."""
    medivac_priority: str = "equal"
    """Rank of a medivac as a target of a unit's own choice: ``equal`` to armed units, ``first`` or ``last``."""
    call_for_help: str = "comrades"
    """Who acquires the attacker of a damaged enemy: it and its ``comrades``, the ``victim`` alone, or ``none``."""
    acquire_range: str = "edges"
    """Scan range reaches from edge to edge (``edges``) or from the centre to the ``target_edge``."""
    acquire_period: int = 1
    """Ticks between two looks for a target of an idle or marching unit."""
    reconsider_period: int = 8
    """Ticks between two looks for a better target while the chosen one is out of weapon range."""
    pursuit: str = "leash"
    """A target of a unit's own choice is let go at the end of the ``leash`` or out of ``sight`` (scan range)."""
    turning: str = "walking"
    """A unit turns while ``walking``, or turns ``first`` and stands meanwhile."""
    bodies: str = "inner"
    """Room that a unit on the ground takes: the data's ``inner`` radius, or the ``full`` one of weapon ranges."""
    weapon_delay: str = "random"
    """The data's ``random`` delay of −1..+2 ticks of every attack, or ``none``."""
    first_shot_delay: float = 0.0
    """Greatest cooldown with which a unit begins a battle, in ticks; drawn uniformly per unit."""
    same_attack: str = "goes_on"
    """An attack order on the same target again: all ``goes_on``, the swing ``restarts``, or it ``breaks_off`` a burst
    and a sweep as well, as any other order does."""
    spawn_spread: float = 0.0
    """Cells by which units made at one point of a map are moved at most along each axis, drawn per unit."""

    equal_places: str = "mirrored"
    """Of equally near free places for a unit at the start, the ``first`` by angle from due west through south, the same
    but in half of the battles ``mirrored`` north to south (both sides alike, on maps with fixed spots), or a ``drawn``
    one."""

    def __post_init__(self) -> None:
        check_fields(self, RANGES, CHOICES)


NAMES = tuple(entry.name for entry in fields(Readings))
