"""Capabilities: properties that smacv2 draws for each agent and battle beside its type.

Source: ``capability_config`` of StarCraft2Env, distributions ``per_agent_uniform`` and ``mask`` (oxwhirl/smacv2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envs.battle.basics import rng
from envs.battle.jit import kernel
from envs.battle.rules.damage import resolve_deaths

BOUNDED = {  # capability: the switch, what tells it to other agents
    "attack": ("stochastic_attack", "observe_attack_probs"),
    "health": ("stochastic_health", "observe_teammate_health"),
}


def capability_options(config: Mapping[str, Any]) -> dict[str, Any]:
    """The options that mean the same as smacv2's ``capability_config``, for ``make``.

    Args:
        config: as the package takes it. Who fights whom and where (``n_units``, ``n_enemies``, ``start_positions``, and
            the teams of ``team_gen``) is the scenario's business here and passed over.

    Raises:
        ValueError: an unknown capability, or a distribution that the engine does not draw from.
    """
    known = (*BOUNDED, "enemy_mask", "team_gen", "start_positions", "n_units", "n_enemies")
    options: dict[str, Any] = {}
    for name, entry in config.items():
        if name not in known:
            raise ValueError(f"capability_config: unknown capability {name!r}, allowed: {', '.join(known)}")
        if name in BOUNDED:
            switch, shown = BOUNDED[name]
            _expect(name, entry, "per_agent_uniform", ("lower_bound", "upper_bound", "observe"))
            options |= {switch: True, shown: bool(entry["observe"])}
            for bound in ("lower_bound", "upper_bound"):
                options[f"{name}_{bound}"] = _single(name, bound, entry[bound])
        elif name == "enemy_mask":
            _expect(name, entry, "mask", ("mask_probability",))
            options |= dict(mask_enemies=True, mask_probability=float(entry["mask_probability"]))
        elif name == "team_gen":
            options["observe_teammate_types"] = bool(entry.get("observe", True))
    return options


def _expect(name: str, entry: Mapping[str, Any], distribution: str, keys: tuple[str, ...]) -> None:
    given = entry.get("dist_type")
    if given != distribution:
        raise ValueError(
            f"capability_config: {name} has dist_type {given!r}, the engine draws from {distribution!r} only"
        )
    missing = [key for key in keys if key not in entry]
    if missing:
        raise ValueError(f"capability_config: {name} lacks {', '.join(missing)}")


def _single(name: str, bound: str, value: Any) -> float:
    """smacv2 writes a bound as a list of one number."""
    values = list(value) if isinstance(value, list | tuple) else [value]
    if len(values) != 1:
        raise ValueError(f"capability_config: {bound} of {name} is {value}, it must be one number")
    return float(values[0])


@kernel
def draw_capabilities(b, c):
    """Draw what the agents of a new battle can do and see; fields of options that are off stay as they are."""
    if c.stochastic_attack:
        for i in range(c.n_agents):
            share = rng.uniform(b.key, rng.ATTACK_PROBABILITY, i, 0)
            b.attack_probability[i] = c.attack_lower_bound + (c.attack_upper_bound - c.attack_lower_bound) * share
    if c.stochastic_health:
        for i in range(c.n_agents):
            share = rng.uniform(b.key, rng.HEALTH_LEVEL, i, 0)
            b.health_level[i] = c.health_lower_bound + (c.health_upper_bound - c.health_lower_bound) * share
    if c.mask_enemies:
        for i in range(c.n_agents):
            b.enemy_mask[i] = 0
            for j in range(c.n_enemies):
                if rng.uniform(b.key, rng.ENEMY_MASK, i, j) >= c.mask_probability:
                    b.enemy_mask[i] |= 1 << j


@kernel
def attack_fails(b, c, i):
    """Whether agent i's attack of this step is not sent."""
    return c.stochastic_attack and rng.uniform(b.key, rng.ATTACK_FAILS, i, b.step) > b.attack_probability[i]


@kernel
def mark_low_health(b, u, c):
    """At the start of a step, mark agents below their level. smacv2 kills by what it last saw."""
    for i in range(c.n_agents):
        b.doomed[i] = b.alive[i] and b.hp[i] / u.hp[b.kind[i]] < b.health_level[i]


@kernel
def kill_low_health(b, u, c):
    """Towards the end of a step they die at once; banelings explode."""
    for i in range(c.n_agents):
        if b.doomed[i] and b.alive[i]:
            b.hp[i] = 0.0
    resolve_deaths(b, u, c)


@kernel
def health_above_level(b, u, i):
    """Agent i's share of life counted from its level: 0 there and 1 when unhurt, as smacv2 rescales it."""
    share = b.hp[i] / u.hp[b.kind[i]]
    return 1.0 / (1.0 - b.health_level[i]) * (share - b.health_level[i])


@kernel
def write_capabilities(b, u, c, j, tell_attack, tell_health, row, shows_health, health_at, f):
    """Agent j's attack probability and health level; zeros where they are not observed.

    Args:
        shows_health: whether its share of life has been written at ``health_at``; it counts from its level then.
        f: where the features go.
    """
    if c.stochastic_health and shows_health:
        row[health_at] = health_above_level(b, u, j) if tell_health else 0.0
    if c.stochastic_attack:
        if tell_attack:
            row[f] = b.attack_probability[j]
        f += 1
    if c.stochastic_health:
        if tell_health:
            row[f] = b.health_level[j]
