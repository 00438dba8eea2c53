"""Every switch of a battle that StarCraft II plays: the built-in engine's, as far as ``smacv2`` has them, and more."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from envs.battle import readings
from envs.battle.options import BattleOptions
from envs.checks import Range, check_fields

CHOICES = {"difficulty": tuple("123456789A"), "game_version": ("4.10", "latest")}
RANGES = {
    "start_timeout": Range(0, 86_400, above=True),
    "step_timeout": Range(0, 86_400, above=True),
    "max_failures": Range(1, 1_000_000),
    "backoff": Range(0, 3600),
}

ENGINE_ONLY = {
    "rules": "the package plays its own release, that of 2024",
} | dict.fromkeys(readings.NAMES, "the game follows its own rules")
"""Options that mean nothing here, and why."""
PATIENCE: dict[str, Any] = {"decides_result": False}
"""Marks fields that say how long to wait, which no battle depends on."""


@dataclass(frozen=True, kw_only=True)
class Sc2Options(BattleOptions):
    """Options of one environment; those of ``BattleOptions`` mean the same and have the same defaults.

    Raises:
        ValueError: as ``BattleOptions``, or an option that only the built-in engine has.
    """

    difficulty: str = "7"
    """Strength of the game's own AI, ``1`` to ``9`` or ``A``. Source: smacv2. Maps' scripts leave it little to do."""
    game_version: str = "4.10"
    """Release of StarCraft II: ``4.10``, which published results were measured on, or ``latest`` of those installed."""
    start_timeout: float = field(default=300.0, metadata=PATIENCE)
    """Seconds until a game that was started must show its first battle."""
    step_timeout: float = field(default=60.0, metadata=PATIENCE)
    """Seconds until a game must answer a step or begin the next battle; then it counts as hung, and is ended."""
    max_failures: int = field(default=5, metadata=PATIENCE)
    """Failures of one slot in a row, no battle of its being finished between, after which the run stops."""
    backoff: float = field(default=1.0, metadata=PATIENCE)
    """Seconds before the first restart of a game; they double with every further failure in a row, up to a minute."""

    def __post_init__(self) -> None:
        super().__post_init__()
        defaults = {entry.name: entry.default for entry in fields(self)}
        for name, why in ENGINE_ONLY.items():
            if getattr(self, name) != defaults[name]:
                raise ValueError(
                    f"option {name}={getattr(self, name)!r} is the built-in engine's alone ({why}); leave it out, "
                    'or play with backend="battle"'
                )
        check_fields(self, RANGES, CHOICES)
