"""Correct what smacv2 gets wrong in a long run by subclassing: its own files stay as they are.

Nothing here imports the package; ``worker`` mixes ``PatchedEnv`` into its environment.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence


class GameCrashed(Exception):
    """The game does not answer any more, or answers with errors."""


class Draws:
    """All random draws of the package, from streams that are seeded again for each battle.

    The package draws from generators that it makes without a seed (teams, places, capabilities, failed attacks), from
    numpy's global generator (who may see a sighted enemy) and from Python's (the order of a team). In a process that
    does nothing else, all three can be set. Installed before the package is imported, every generator without a seed
    is one and the same, so that setting its state reaches them all.
    """

    def __init__(self) -> None:
        self._generator = Generator(PCG64(0))
        self._real = np.random.default_rng

    def install(self) -> None:
        """From now on, return the shared generator to every caller of ``default_rng()`` without a seed."""
        np.random.default_rng = self._default_rng

    def _default_rng(self, seed: Any = None) -> Generator:
        return self._generator if seed is None else self._real(seed)

    def begin(self, seed: int, slot: int, battle: int, attempt: int) -> None:
        """Set every stream for one attempt to begin one battle."""
        root = SeedSequence([seed, slot, battle, attempt])
        for_python, for_numpy, for_package = root.spawn(3)
        random.seed(int(for_python.generate_state(1, np.uint64)[0]))
        np.random.seed(for_numpy.generate_state(8))  # noqa: NPY002  # the package draws from there
        self._generator.bit_generator.state = PCG64(for_package).state


Package: Any = object
"""Placeholder for the package's class, which this file does not import."""


class PatchedEnv(Package):
    """Mixed into ``smacv2``'s StarCraft2Env, before it in the order of bases."""

    _episode_count: int
    lenient = False
    """Whether an illegal action is no order; otherwise it is an error of the package."""

    def full_restart(self) -> NoReturn:
        """Restart the whole worker: the package would start another game and go on with units of the old one."""
        raise GameCrashed("the game broke off the connection or answered with an error")

    def reset(self, episode_config: Mapping[str, Mapping[str, Any]] | None = None) -> tuple[Any, Any]:
        """Begin a battle, in the running game if there is one.

        The package starts a second game when it is reset before the first battle has ended, and numpy 2 refuses the
        one-element rows in which it keeps capabilities.
        """
        config = {name: dict(drawn) for name, drawn in (episode_config or {}).items()}
        for name in config.keys() & {"attack", "health"}:
            config[name]["item"] = np.ravel(config[name]["item"])
        shown = super().reset(config)
        self._episode_count = max(self._episode_count, 1)
        return shown

    def flawless_reward(self) -> float:
        """Return ``max_reward`` for these enemies; the package's own value grows with every wait for a unit."""
        bodies = sum(unit.health_max + unit.shield_max for unit in self.enemies.values())
        return float(self.n_enemies * self.reward_death_value + self.reward_win + bodies)

    def get_obs(self) -> list[Any]:
        """Observe agents in index order: in the package's random one, chance decides who sights an enemy first."""
        return [self.get_obs_agent(i, fully_observable=self.fully_observable) for i in range(self.n_agents)]

    def get_unit_type_id(self, unit: Any, ally: bool) -> int:
        """On SMAC's maps agents count from their lowest id, as in SMAC; the package gives them enemies' numbers."""
        if ally and not self.map_type.endswith("_gen"):
            return unit.unit_type - self._min_unit_type
        return super().get_unit_type_id(unit, ally)

    def _init_ally_unit_types(self, min_unit_type: int) -> None:
        """SMAC's marine maps have one learning unit; the package looks for marines four ids above it."""
        super()._init_ally_unit_types(min_unit_type)
        if self.map_type == "marines":
            self.marine_id = self._min_unit_type = min_unit_type

    def build_state_feature_names(self) -> list[str]:
        """The package refuses to be built with ``obs_instead_of_state``, though it is an option of its own."""
        if self.obs_instead_of_state:
            return []
        return super().build_state_feature_names()

    def get_agent_action(self, a_id: int, action: int) -> Any:
        """The order; none for an illegal action if ``lenient``."""
        if self.lenient and not self.get_avail_agent_actions(a_id)[action]:
            return None
        return super().get_agent_action(a_id, action)


def draw_battle(wrapper: Any) -> dict[str, Any]:
    """One draw of each of the wrapper's distributions; its own ``reset`` loses the observation when it has to retry."""
    drawn: dict[str, Any] = {}
    for distribution in wrapper.env_key_to_distribution_map.values():
        drawn |= distribution.generate()
    return drawn
