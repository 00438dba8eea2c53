"""A run's identity holds every setting that changes its result, and no other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from envs import registry
from envs.registry import ScenarioEntry
from harness.cli.overrides import parse_setting
from harness.flags.compare import parse_seeds
from harness.flags.planning import plan_runs
from harness.runs.budget import BUDGETS
from harness.runs.process import resolve_device
from tests.harness.fake_request import plans_for, request_for


def hashes(**changed: object) -> set[str]:
    return {plan.key.config_hash for plan in plans_for(**changed)}


def smoke(**changed: int) -> object:
    return dataclasses.replace(BUDGETS["smoke"], **changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"settings": (parse_setting("rule.right=false"),)},
        {"settings": (parse_setting("env.abort_every=3"),)},
        {"num_envs": 8},
        {"budget": smoke(env_steps=3000)},
    ],
    ids=str,
)
def test_what_changes_training_changes_the_hash(changed: dict[str, object]) -> None:
    assert hashes() != hashes(**changed)


@pytest.mark.parametrize("changed", [smoke(test_interval=500), smoke(final_episodes=32)], ids=("curve", "final"))
def test_how_a_run_is_evaluated_is_no_part_of_its_hash(changed: object) -> None:
    """Or more battles would train everything again."""
    assert hashes() == hashes(budget=changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"budget": smoke(checkpoint_interval=100)},
        {"budget": smoke(seeds=7)},
        {"seeds": (0, 1, 2)},
        {"storage": "sqlite:///other.db", "study": "t", "command": "x"},
        {"device": "auto" if resolve_device("auto") == "cpu" else "cpu"},
    ],
    ids=str,
)
def test_what_does_not_leaves_it(changed: dict[str, object]) -> None:
    assert hashes() == hashes(**changed)


def test_plans_go_seed_by_seed() -> None:
    plans, notes = plan_runs(request_for(algorithms=("rule", "qmix"), seeds=(0, 3)))
    assert [(plan.algorithm, plan.seed) for plan in plans] == [("rule", 0), ("qmix", 0), ("rule", 3), ("qmix", 3)]
    assert notes == ["rule.batch_size = 8 (by the budget)", "qmix.batch_size = 8 (by the budget)"]


def test_a_variant_brings_its_own_options_unless_set() -> None:
    settings = (parse_setting("env.conic_fov=false"),)
    plans, notes = plan_runs(request_for(scenarios=("terran_5_vs_5-epo",), settings=settings))
    options = plans[0].env_options
    assert (options.conic_fov, options.prob_obs_enemy, options.action_mask) == (False, 0.0, False)
    assert "env.prob_obs_enemy = 0.0 (by terran_5_vs_5-epo)" in notes
    assert "env.conic_fov = False (by --set)" in notes


def shorter(map: ScenarioEntry) -> ScenarioEntry:
    return dataclasses.replace(map, scenario=dataclasses.replace(map.scenario, episode_limit=150))


def of_another_make(world: ScenarioEntry) -> ScenarioEntry:
    return dataclasses.replace(world, entry_point="my_world:make")


@pytest.mark.parametrize(("id", "changed"), [("terran_5_vs_5", shorter), ("fake", of_another_make)])
def test_a_redefined_scenario_is_another_run(id: str, changed: Callable[[ScenarioEntry], ScenarioEntry]) -> None:
    before = hashes(scenarios=(id,))
    with registry.scenarios.preserved():
        registry.scenarios._entries[id] = changed(registry.entry(id))
        assert hashes(scenarios=(id,)) != before


def test_seeds() -> None:
    assert [parse_seeds(text) for text in ("3", "0,4,7", "4,")] == [(0, 1, 2), (0, 4, 7), (4,)]
