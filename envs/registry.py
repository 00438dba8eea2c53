"""The table of scenarios: register, make, list; unknown ids raise an error that lists near matches."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import gymnasium.envs.registration

from common.registry import Registry, load
from envs.battle.scenarios import Scenario, fixed_scenarios, smacv2_scenarios
from envs.battle.terrain import terrains
from envs.battle.unit_types import unit_types
from envs.checks import MAX_ENVS, MAX_SLOT, check_names, seed_number, typed_options, whole_number
from envs.protocol import BatchedEnv

BATTLE = "envs.battle.engine:BattleEnv"
BATTLE_OPTIONS = "envs.battle.options:BattleOptions"
BACKENDS = {
    "battle": (BATTLE, BATTLE_OPTIONS),
    "sc2": ("envs.sc2.environment:Sc2Env", "envs.sc2.options:Sc2Options"),
}
"""Entry point and options of the worlds that play a ``Scenario``: the built-in engine, and StarCraft II."""
NEEDS = {"sc2": "envs.sc2.installation:require_for"}
"""Backends that need more than this project's own dependencies: ``module:callable`` that checks for the rest."""
SMACV2 = "Ellis et al., SMACv2, NeurIPS 2023"
SMAC = "Samvelyan et al., The StarCraft Multi-Agent Challenge, AAMAS 2019"
EXTRA = "maps of LXXXXR/Kaleidoscope"


@dataclass(frozen=True, kw_only=True)
class ScenarioEntry:
    """One registered scenario."""

    id: str
    entry_point: str
    """``module:callable``, called with keywords ``id, scenario, num_envs, seed, first_slot, options``."""
    options: str
    """``module:dataclass`` of the options that ``make`` accepts."""
    scenario: Scenario | None
    """The battle for the built-in engine; None in a world of another kind."""
    summary: str
    source: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Options that differ from the dataclass' defaults unless the caller sets them."""
    requires: str = ""
    """A package that is not among this project's own dependencies and has to be there."""


scenarios: Registry[ScenarioEntry] = Registry("scenario", hint="envs.register(...)")


def register(
    id: str,
    *,
    scenario: Scenario | None = None,
    entry_point: str = BATTLE,
    options: str = BATTLE_OPTIONS,
    defaults: Mapping[str, Any] | None = None,
    summary: str = "",
    source: str = "",
    requires: str = "",
) -> None:
    """Add a scenario; strings are resolved only when it is made.

    Args:
        id: the name that ``make`` and ``--scenarios`` take.
        scenario: the fight, for the built-in engine.
        entry_point: ``module:callable`` of another world that returns a ``BatchedEnv``.
        options: ``module:dataclass`` of that world's options.
        defaults: options of this scenario that differ from the dataclass' own, for a variant of another scenario.
        summary: one line for ``--help``.
        source: where the scenario comes from.
        requires: name of a package that the world needs and that may not be installed.

    Raises:
        ValueError: the id is taken, or the built-in engine is given nothing to play.
    """
    if entry_point == BATTLE and scenario is None:
        raise ValueError(f"scenario {id!r}: the built-in engine needs scenario=envs.Scenario(...)")
    _register_with_gymnasium(id, entry_point)
    scenarios.register(
        id,
        ScenarioEntry(
            id=id,
            entry_point=entry_point,
            options=options,
            scenario=scenario,
            summary=summary,
            source=source,
            defaults=dict(defaults or {}),
            requires=requires,
        ),
    )


def _register_with_gymnasium(id: str, entry_point: str) -> None:
    """Let ``gymnasium.make("k24/<id>-v0")`` find a battle; worlds of another kind are not single-agent ones."""
    name = f"k24/{id}-v0"
    is_name = gymnasium.envs.registration.ENV_ID_RE.fullmatch(name)
    if entry_point == BATTLE and is_name and name not in gymnasium.registry:
        gymnasium.register(name, entry_point="envs.gymnasium_env:CentralisedBattle", kwargs={"id": id})


def ids() -> list[str]:
    """Registered scenario names, in order of registration."""
    return scenarios.ids()


def canonical_id(id: str) -> str:
    """The name under which ``ids`` lists what may be spelt otherwise; anything else as it is."""
    return scenarios.resolve(id)


def entry(id: str) -> ScenarioEntry:
    """The entry of one scenario.

    Raises:
        ValueError: unknown id; the message lists near matches and all others.
    """
    return scenarios.get(id)


def require_installed(id: str, backend: str = "battle", options: Any = None) -> None:
    """Check that what a scenario needs is installed.

    Args:
        id: the scenario.
        backend: who plays it.
        options: of the backend's world; without them only what no option changes is looked at.

    Raises:
        ValueError: a package or the game is missing; the message says how to install it.
    """
    package = entry(id).requires
    if package and not _is_installed(package):
        raise ValueError(f"scenario {id!r} needs the package {package}, which is not installed; pip install {package}")
    if backend in NEEDS and options is not None:
        load(NEEDS[backend])(entry(id).id, entry(id).scenario, options)


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # of the package that it is a part of
        return False


def played_by(id: str, backend: str) -> tuple[str, str]:
    """Entry point and options of the world that plays a scenario, both as ``module:name``.

    Raises:
        ValueError: no such scenario or backend, or a scenario that is a world of its own.
    """
    row = entry(id)
    if not isinstance(backend, str) or backend not in BACKENDS:
        raise ValueError(f"unknown backend {backend!r}, allowed: {', '.join(BACKENDS)}")
    if row.entry_point == BATTLE:
        return BACKENDS[backend]
    if backend != "battle":
        raise ValueError(f"scenario {row.id!r} is a world of its own, which backend {backend} does not play")
    return row.entry_point, row.options


def options_class(id: str, backend: str = "battle") -> type:
    """The dataclass of the options that this scenario accepts."""
    return load(played_by(id, backend)[1])


def make(
    id: str,
    num_envs: int = 1,
    *,
    seed: int | None = None,
    first_slot: int = 0,
    backend: str = "battle",
    **options: Any,
) -> BatchedEnv:
    """Build E battles of a scenario.

    Args:
        id: a registered scenario.
        num_envs: E, battles run side by side.
        seed: reproduces every battle bit for bit; None draws one.
        first_slot: number of the first slot: ``make(id, 1, seed=s, first_slot=e)`` is battle e of a batch, alone.
        backend: ``battle``, the built-in engine, or ``sc2``, StarCraft II through the package smacv2.
        **options: fields of ``options_class(id, backend)``.

    Raises:
        ValueError: unknown scenario or option, a value that is not allowed, or a package that is not installed.
    """
    row = entry(id)
    require_installed(id)
    num_envs = whole_number("num_envs", num_envs, 1, MAX_ENVS)
    first_slot = whole_number("first_slot", first_slot, 0, MAX_SLOT)
    seed = seed_number(seed)
    build: Callable[..., BatchedEnv] = load(played_by(id, backend)[0])
    return build(
        id=row.id,
        scenario=row.scenario,
        num_envs=num_envs,
        seed=seed,
        first_slot=first_slot,
        options=make_options(id, options, backend),
    )


def make_options(id: str, given: Mapping[str, Any], backend: str = "battle") -> Any:
    """The options dataclass with the scenario's own defaults and then ``given`` set.

    Raises:
        ValueError: an unknown name, with near matches, or a value of a wrong type or outside its range.
    """
    cls = options_class(id, backend)
    values = {**entry(id).defaults, **given}
    check_names(values, cls, id)
    return cls(**typed_options(values, cls))


def own_data(scenario: Scenario) -> dict[str, Any]:
    """Return the user's own data that a scenario uses: facts of registered unit types, and ground; else nothing.

    A run's identity includes it, so that a changed unit or map is another run.
    """
    types = (*scenario.unit_types, *scenario.ally_team, *scenario.enemy_team)
    rows = {name: unit_types.get(name) for name in dict.fromkeys(types) if "assumed" in unit_types.get(name)}
    units = {name: row | {"assumed": dataclasses.asdict(row["assumed"])} for name, row in rows.items()}
    ground = terrains.get(scenario.map)
    return ({"units": units} if units else {}) | ({"terrain": ground.grids} if ground.own else {})


def fight(scenario: Scenario) -> str:
    """``5 terran units against 6``."""
    against = f" {scenario.enemy_race}" if scenario.enemy_race not in ("", scenario.race) else ""
    return f"{scenario.n_agents} {scenario.race} units against {scenario.n_enemies}{against}"


# Extended partial observability.
EPO = dict(conic_fov=True, prob_obs_enemy=0.0, action_mask=False)
# SMAC was published with the constructor's defaults.
PLAIN = dict(use_unit_ranges=False, obs_own_pos=False)

for _name, _scenario in smacv2_scenarios().items():
    register(_name, scenario=_scenario, summary=f"SMACv2: {fight(_scenario)}, random teams", source=SMACV2)
for _name, _scenario in smacv2_scenarios().items():
    _summary = f"{_name} with a cone of sight, enemies shown to their first sighter only, attacks never masked by range"
    register(f"{_name}-epo", scenario=_scenario, defaults=EPO, summary=_summary, source=SMACV2)
for _file, _benchmark, _source in (("smac.json", "SMAC", SMAC), ("extra.json", "extra", EXTRA)):
    for _name, _scenario in fixed_scenarios(_file).items():
        _summary = f"{_benchmark}: {fight(_scenario)}"
        register(_name, scenario=_scenario, defaults=PLAIN, summary=_summary, source=_source)
scenarios.alias("3s6z", "3s5z_vs_3s6z")  # as papers on SMAC shorten it

register(
    "mpe2/simple_spread_v3",
    entry_point="envs.mpe:simple_spread",
    options="envs.mpe:SpreadOptions",
    summary="particles spread over landmarks (PettingZoo); judged by return, needs pip install mpe2",
    source="Lowe et al., NeurIPS 2017; package mpe2",
    requires="mpe2",
)
