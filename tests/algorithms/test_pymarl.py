"""Settings files as PyMARL writes them: those that ship are the defaults, and mistakes are reported."""

import dataclasses
import re
from pathlib import Path

import pytest

from algorithms import registry
from algorithms.controls.ablations import RECOMMENDED
from algorithms.k24 import K24Config
from algorithms.settings.pymarl import FOLDER, load_settings, resolve, shipped

BY_NAME = {"qmix_rnn_1R3": "qmix", "Kalei_qmix_rnn_1R3": "kalei", "K24_qmix_rnn_1R3": "k24"}


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", BY_NAME)
def test_shipped_files_hold_the_defaults(name: str) -> None:
    """``None`` in a default stands for the published number that the file writes out; K24's are of its description."""
    file = load_settings(name)
    assert file.algorithm == BY_NAME[name]
    config_class = registry.config_class(file.algorithm)
    published = registry.config_class("k24-described") if file.algorithm == "k24" else config_class
    default, loaded = published(), published(**file.values)
    differing = {
        field.name: getattr(loaded, field.name)
        for field in dataclasses.fields(published)
        if getattr(loaded, field.name) != getattr(default, field.name)
    }
    interval = {"kalei": 1_000_000, "k24": 500_000}.get(file.algorithm)
    assert differing == ({"reset_interval": interval, "reset_ratio": 0.2} if interval else {})
    assert "t_max: --env-steps or --budget decides it here" in file.left_out
    assert resolve(name) is config_class
    assert registry.resolve(name) == file.algorithm


def test_network_and_mixer_decide_too(tmp_path: Path) -> None:
    for line, algorithm in (("agent: n_rnn", "qmix-n-rnn"), ("agent: n_rnn_1R3", "qmix"), ("mixer: vdn", "vdn")):
        assert load_settings(written(tmp_path, f"learner: nq_learner\n{line}")).algorithm == algorithm
    with pytest.raises(ValueError, match="agent is 'rnn', only 'n_rnn_1R3' or 'n_rnn' is built for vdn"):
        load_settings(written(tmp_path, "learner: nq_learner\nmixer: vdn\nagent: rnn"))


PYMARL2 = """
action_selector: "epsilon_greedy"
epsilon_start: 1.0
epsilon_finish: 0.05
epsilon_anneal_time: 100000
runner: "parallel"
batch_size_run: 8
buffer_size: 5000
batch_size: 128
optimizer: 'adam'
t_max: 10050000
target_update_interval: 200
mac: "n_mac"
agent: "n_rnn"
agent_output_type: q
learner: "nq_learner"
mixer: "{mixer}"
mixing_embed_dim: 32
hypernet_embed: 64
lr: 0.001
td_lambda: 0.6
q_lambda: False
"""
"""The keys of PyMARL2's ``qmix.yaml`` and ``vdn.yaml``."""
OFF = """
use_layer_norm: False
use_orthogonal: False
gain: 0.01
use_per: False
per_alpha: 0.6
per_beta: 0.4
return_priority: False
"""
"""Options that some of its files name and leave off."""


@pytest.mark.parametrize(("mixer", "algorithm"), [("qmix", "qmix-n-rnn"), ("vdn", "vdn-n-rnn")])
def test_files_of_pymarl2_load(tmp_path: Path, mixer: str, algorithm: str) -> None:
    """They mean PyMARL2's own network; of their other keys only those that are built here are taken."""
    file = load_settings(written(tmp_path, PYMARL2.format(mixer=mixer) + OFF))
    assert file.algorithm == algorithm
    config = registry.config_class(algorithm)(**file.values)
    assert config.episodes_per_update == 8
    assert "gain: has no meaning, since use_orthogonal is off" in file.left_out
    assert ("hypernet_embed: has no meaning, since vdn-n-rnn has no such part" in file.left_out) is (mixer == "vdn")


def test_what_is_not_built_must_be_off(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="use_per is True, only False is built for qmix-n-rnn"):
        load_settings(written(tmp_path, PYMARL2.format(mixer="qmix") + "use_per: True"))


def test_files_are_found_by_name_or_path() -> None:
    assert shipped() == sorted(BY_NAME)
    by_path = load_settings(str(FOLDER / "K24_qmix_rnn_1R3.yaml"))
    assert by_path.values == load_settings("K24_qmix_rnn_1R3.yaml").values == load_settings("K24_qmix_rnn_1R3").values
    with pytest.raises(ValueError, match=r"there is no settings file elsewhere/K24_qmix_rnn_1R3\.yaml"):
        load_settings("elsewhere/K24_qmix_rnn_1R3.yaml")


def test_numbers_are_read_by_the_field_they_fill(tmp_path: Path) -> None:
    text = "learner: k24_nq_learner\nlr: 5e-4\nbatch_size: 64.0\nobs_agent_id: no\nbatch_size_run: 8\n"
    file = load_settings(written(tmp_path, text + "K24_args: {reset_interval: null, mask_gru: true, div_coef: 1}"))
    assert file.values == {
        **{"lr": 5e-4, "batch_size": 64, "obs_agent_id": False, "episodes_per_update": 8},
        **{"reset_interval": None, "mask_gru": True, "div_coef": 1.0},
    }
    assert isinstance(file.values["batch_size"], int)
    assert K24Config(**file.values).mask_gru


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr: 0.1", "learner None with mixer 'qmix' is not built here; built are nq_learner with mixer qmix, "),
        ("learner: coma_learner", "learner 'coma_learner' with mixer 'qmix' is not built here"),
        ("learner: nq_learner\nbatch_siez: 3", "unknown key 'batch_siez'; did you mean batch_size"),
        ("learner: nq_learner\nmixing_embed: 3", "unknown key 'mixing_embed'; did you mean mixing_embed_dim"),
        ("learner: nq_learner\noptimizer: rmsprop", "optimizer is 'rmsprop', only 'adam' is built for qmix"),
        ("learner: k24_nq_learner\nagent: n_rnn_1R3", "agent is 'n_rnn_1R3', only 'K24_type_n_rnn_1R3' is built for"),
        ("learner: k24_nq_learner\nK24_args: {temprature_min: 1}", "K24_args: unknown key 'temprature_min'; did you"),
        ("learner: k24_nq_learner\nKalei_args: {deque_len: 1}", "Kalei_args belongs to kalei, and learner"),
        ("learner: k24_nq_learner\nK24_args: 3", "K24_args is 3, it must be a table of settings of k24"),
        ("learner: nq_learner\nlr: fast", "lr is 'fast', it must be a number"),
        ("learner: nq_learner\nlr: true", "lr is True, it must be a number"),
        ("learner: nq_learner\nbatch_size: 1.5", "batch_size is 1.5, it must be a whole number"),
        ("learner: nq_learner\nobs_agent_id: 1", "obs_agent_id is 1, it must be true or false"),
        (
            "learner: Kalei_nq_learner\nKalei_args: {sparsity_layer_weights: 3}",
            "sparsity_layer_weights is 3, it must be a list of numbers, for example [1.0, 2.0]",
        ),
        ("- a\n- b", "holds no table of settings; its lines read KEY: VALUE, e.g. learner: k24_nq_learner"),
        ("a: [", "cannot be read as YAML: "),
    ],
)
def test_mistakes_are_reported(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ValueError, match=re.escape(f"{path}") + ".*" + re.escape(message)):
        load_settings(path)


def test_a_missing_file_names_those_that_ship() -> None:
    with pytest.raises(
        ValueError, match=r"there is no settings file K24\.yml; give a path, or one of these: K24_qmix_"
    ):
        load_settings("K24.yml")


def test_presets_are_the_middle_of_their_ranges() -> None:
    presets = registry.entry("k24-described").presets
    assert presets["micro"].settings == {
        "div_coef": 0.125,
        "anneal_end_step": 8_040_000,
        "reset_interval": 750_000,
        "finetune_start_ratio": 0.775,
        "reset_ratio": 0.2,
    }
    for name, ranges in RECOMMENDED.items():
        config = K24Config(**presets[name].settings)
        for field, (least, greatest) in ranges.items():
            assert least <= getattr(config, field) <= greatest


def test_yaml_s_own_ways_of_repeating_are_read(tmp_path: Path) -> None:
    file = load_settings(written(tmp_path, "learner: nq_learner\nlr: &rate 0.002\nepsilon_finish: *rate\n"))
    assert file.values == {"lr": 0.002, "epsilon_finish": 0.002}
