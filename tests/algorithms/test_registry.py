"""The table of algorithms and the errors its users can cause."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from algorithms import registry
from algorithms.k24 import K24, K24Config
from algorithms.qmix import QMixConfig
from algorithms.settings.pymarl import known_names, resolve
from tests.algorithms.worlds import SPEC, settings

QMIX = {"entry_point": "algorithms.qmix:QMix", "config": "algorithms.qmix:QMixConfig", "summary": "s", "source": "s"}


@pytest.fixture
def _restored_table() -> Iterator[None]:
    with registry._table().preserved():
        yield


def test_the_three_are_there() -> None:
    assert registry.ids()[:3] == ["qmix", "kalei", "k24"]
    assert registry.config_class("k24") is K24Config
    assert registry.entry("k24").summary
    assert type(registry.make("k24", SPEC, total_env_steps=1000, seed=0)) is K24


@pytest.mark.usefixtures("_restored_table")
def test_a_new_algorithm_is_one_line() -> None:
    registry.register("mine", **QMIX)
    assert registry.make("mine", SPEC, total_env_steps=10, seed=0).name == "mine"


@pytest.mark.parametrize(
    ("id", "row", "says"),
    [
        ("qmix", QMIX, "algorithm 'qmix' is already registered; choose another id"),
        (
            "x",
            QMIX | {"entry_point": "my.qmix"},
            "entry_point of 'x' is 'my.qmix', it must be a class or 'module:Class'",
        ),
        ("x", {"summary": "s"}, "algorithm 'x' has no entry_point; give a class, or base="),
        ("x", {"base": "qmix"}, "algorithm 'x' has no summary; give what it is in one line"),
        (
            "x",
            {"base": "qmix", "defaults": {"rate": 1.0}, "summary": "s"},
            "QMixConfig has no rate; it has rnn_hidden_dim",
        ),
    ],
)
@pytest.mark.usefixtures("_restored_table")
def test_registration_errors(id: str, row: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        registry.register(id, **row)


@pytest.mark.usefixtures("_restored_table")
def test_a_row_on_another_is_that_with_other_settings() -> None:
    registry.register("mine", base="k24", fixed={"div_coef": 0.5}, defaults={"lr": 0.01}, summary="s")
    config = registry.config_class("mine")()
    assert (config.div_coef, config.lr, config.gamma) == (0.5, 0.01, K24Config().gamma)
    assert isinstance(config, K24Config)
    assert isinstance(registry.make("mine", SPEC, total_env_steps=10, seed=0), K24)
    with pytest.raises(ValueError, match=r"div_coef is 0.1, it must be 0.5, which makes it mine; use k24 for another"):
        registry.config_class("mine")(div_coef=0.1)
    registry.register("own", base="k24-described", defaults={"div_coef": 0.5}, summary="s")
    base, own = (registry.entry(id).presets["micro"] for id in ("k24-described", "own"))
    assert set(base.settings) - set(own.settings) == {"div_coef"}, "a preset leaves alone what the row sets"
    assert set(base.space) - set(own.space) == {"div_coef"}
    assert registry.entry("mine").smoke == registry.entry("k24").smoke


def test_an_unknown_id_lists_near_matches_and_all() -> None:
    with pytest.raises(registry.UnknownAlgorithmError, match=r"unknown algorithm 'qmx': did you mean qmix\?.*k24"):
        registry.entry("qmx")
    with pytest.raises(ValueError, match="unknown algorithm 'zzzzzz': registered: qmix, kalei, k24"):
        registry.make("zzzzzz", SPEC, total_env_steps=10, seed=0)


def test_make_errors() -> None:
    with pytest.raises(ValueError, match="k24 was given a QMixConfig, it takes a K24Config"):
        registry.make("k24", SPEC, QMixConfig(), total_env_steps=10, seed=0)
    with pytest.raises(ValueError, match="total_env_steps is 0, it must be at least 1"):
        registry.make("qmix", SPEC, total_env_steps=0, seed=0)
    with pytest.raises(ValueError, match="seed is -1, it must be 0 or larger"):
        registry.make("qmix", SPEC, total_env_steps=10, seed=-1)


@pytest.mark.parametrize("name", known_names())
def test_known_names_resolve(name: str) -> None:
    assert callable(resolve(name))


def test_an_unknown_name_lists_near_matches() -> None:
    with pytest.raises(ValueError, match="unknown name 'SemiStructuredLinear'; did you mean SemiStructuredLinear24"):
        resolve("SemiStructuredLinear")


@pytest.mark.parametrize(
    ("id", "field", "value", "allowed"),
    [
        ("qmix", "batch_size", 0, "at least 1"),
        ("qmix", "lr", 0.0, "larger than 0"),
        ("qmix", "td_lambda", 1.5, "between 0 and 1"),
        ("qmix", "epsilon_finish", 2.0, "between 0 and epsilon_start"),
        ("qmix", "buffer_size", 3, "at least batch_size (4)"),
        ("qmix", "target_update_interval", 0, "at least 1"),
        ("kalei", "reset_ratio", -0.1, "between 0 and 1, or None"),
        ("kalei", "reset_interval", 0, "at least 1, or None"),
        ("k24", "reset_ratio", 1.1, "between 0 and 1, or None"),
        ("k24", "reset_interval", -5, "at least 1, or None"),
        ("kalei", "div_coef", -1.0, "0 or larger"),
        ("kalei", "sparsity_layer_weights", (1.0, 2.0), "4 numbers of 0 or larger, one per layer"),
        ("k24", "temperature_init", 0.0, "larger than 0"),
        ("k24", "temperature_min", 6.0, "larger than 0 and at most temperature_init (5.0)"),
        ("k24", "finetune_start_ratio", 0.0, "larger than 0 and at most 1"),
        ("k24", "ema_momentum", 1.0, "at least 0 and below 1"),
        ("k24", "anneal_end_step", 0, "at least 1"),
        ("k24-with-ema", "score_activation", False, "true, which makes it k24-with-ema; use k24 for another"),
        ("k24-described", "noise_anneal", True, "false, which makes it k24-described"),
        ("k24-alpha-fixed", "alpha_lr_scale", 1.0, "0.0, which makes it k24-alpha-fixed"),
        ("k24-magnitude-per-type", "score_alpha", True, "false, which makes it k24-magnitude-per-type"),
        ("qmix-no-ids", "obs_agent_id", True, "false, which makes it qmix-no-ids; use qmix for another"),
        ("k24-magnitude", "decay", -1.0, "0 or larger"),
        ("mappo", "clip_range", 0.0, "larger than 0"),
        ("mappo", "gae_lambda", 1.1, "between 0 and 1"),
        ("mappo", "entropy_coef", -0.1, "0 or larger"),
        ("mappo", "policy_epochs", 0, "at least 1"),
    ],
)
def test_settings_out_of_range_are_refused(id: str, field: str, value: object, allowed: str) -> None:
    name = registry.config_class(id).__name__
    with pytest.raises(ValueError, match=re.escape(f"{name}: {field} is {value!r}, it must be {allowed}")):
        settings(id, **{field: value})


def test_published_defaults_that_no_settings_file_names() -> None:
    assert (QMixConfig().gamma, QMixConfig().grad_norm_clip) == (0.99, 10.0)
