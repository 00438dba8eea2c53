"""Every switch of a battle that StarCraft II plays: the built-in engine's, as far as ``smacv2`` has them, and more."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from envs.battle import readings
from envs.battle.options import BattleOptions

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
        for name, allowed in (("difficulty", tuple("123456789A")), ("game_version", ("4.10", "latest"))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"option {name} is {getattr(self, name)!r}, allowed: {', '.join(allowed)}")
        for name in ("start_timeout", "step_timeout"):
            if not getattr(self, name) > 0:
                raise ValueError(f"option {name} is {getattr(self, name)}, it must be above 0")
        if self.max_failures < 1:
            raise ValueError(f"option max_failures is {self.max_failures}, it must be at least 1")
        if self.backoff < 0:
            raise ValueError(f"option backoff is {self.backoff}, it must be at least 0")
