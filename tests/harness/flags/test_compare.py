"""What the flags become where they leave something open."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.cli.errors import UsageError
from harness.flags.compare import read_flags
from harness.flags.planning import plan_runs
from harness.flags.tune import read_flags as read_tune
from harness.flags.workers import worker_parser
from studies.db.storage_url import DEFAULT_STORAGE


@pytest.mark.parametrize(
    ("flags", "study"),
    [
        ([], "compare-quick"),
        (["--budget", "smoke"], "compare-smoke"),
        (["--env-steps", "700"], "compare-700-steps"),
        (["--budget", "quick", "--env-steps", "700"], "compare-700-steps"),
        (["--budget", "standard", "--env-steps", "700"], "compare-standard-700-steps"),
        (["--budget", "standard", "--env-steps", "700", "--study", "mine"], "mine"),
    ],
    ids=" ".join,
)
def test_the_study_is_named_by_budget_and_length(flags: list[str], study: str) -> None:
    request = read_flags(flags)
    assert (request.study, request.storage) == (study, DEFAULT_STORAGE)


def test_a_scenario_spelt_otherwise_is_the_same_run() -> None:
    assert read_flags(["--scenarios", "3s6z,3m,3s5z_vs_3s6z"]).scenarios == ("3s5z_vs_3s6z", "3m")


def test_the_command_to_be_typed_again_shows_no_password() -> None:
    request = read_flags(["--storage", "postgresql://ann:secret@host/k24", "--seeds", "2"])
    assert request.command == "python -m harness.compare --storage postgresql://ann:***@host/k24 --seeds 2"
    assert request.storage == "postgresql://ann:secret@host/k24"


def test_a_name_with_a_dash_in_front_reaches_workers_and_searches() -> None:
    passed_on = read_flags(["--study=-mine", "--storage=sqlite:///a.db", "--import=harness.worker"]).for_workers
    flags = worker_parser().parse_args(passed_on)
    assert (flags.study, flags.storage, flags.imports) == ("-mine", "sqlite:///a.db", ["harness.worker"])
    with pytest.raises(UsageError, match="unknown algorithm '-k24'"):
        read_tune(["--algo=-k24"])


def test_names_from_pymarl_are_taken() -> None:
    assert read_flags(["--algos", "k24_nq_learner,nq_learner,k24"]).algorithms == ("k24", "qmix")


def test_the_file_of_k24_loads_into_its_described_form_too_which_has_the_presets() -> None:
    given = ["--config", "K24_qmix_rnn_1R3", "--preset", "mixed", "--algos", "k24,k24-described"]
    request = read_flags(given)
    assert [file.algorithm for file in request.files] == ["k24", "k24-described"]
    k24, described = (plan.config for plan in plan_runs(request)[0])
    for config, div_coef in ((k24, 0.1), (described, 0.2)):
        assert (config.div_coef, config.reset_interval, config.finetune_start_ratio) == (div_coef, 500_000, 0.8)
        assert (config.temperature_init, config.temperature_min, config.finetune_lr_decay) == (5.0, 0.2, 0.9)
    assert (k24.noise, k24.straight_through, k24.score_activation) == (False, True, False), "what no file names"
    assert (described.noise_anneal, described.sampled_target, described.straight_through) == (False, False, False)
    alone = plan_runs(read_flags(["--config", "K24_qmix_rnn_1R3", "--algos", "k24-described"]))[0]
    assert alone[0].config.div_coef == 0.1


def test_settings_come_from_file_then_preset_then_budget_then_set(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "learner: k24_nq_learner\nbatch_size: 32\nlr: 0.002\nt_max: 9\nK24_args: {div_coef: 0.9, deque_len: 7}"
    )
    given = ["--config", str(mine), "--preset", "large", "--budget", "smoke", "--device", "cpu"]
    changed = ["--set", "k24-described.reset_interval=5e5"]
    request = read_flags(["--algos", "k24,k24-described,k24-with-ema,qmix", *given, *changed])
    plans, notes = plan_runs(request)
    plain, k24, control, qmix = (plan.config for plan in plans)
    assert (plain.lr, plain.deque_len, plain.div_coef) == (0.002, 7, 0.9), "file"
    assert (k24.lr, k24.deque_len) == (0.002, 7), "file"
    assert (k24.div_coef, k24.finetune_start_ratio, k24.anneal_end_step) == (0.175, 0.85, 8_793_750), "preset"
    assert k24.batch_size == 8, "budget"
    assert k24.reset_interval == 500_000, "--set"
    assert (control.div_coef, control.lr) == (0.0, 0.001), "a file is not for controls"
    assert qmix.lr == 0.001
    assert f"k24.lr = 0.002 (by {mine})" in notes
    assert "k24-described.div_coef = 0.175 (by preset large)" in notes
    assert "k24-described.batch_size = 8 (by the budget)" in notes
    assert "k24-described.reset_interval = 500000 (by --set)" in notes
    assert request.files[0].left_out == ("t_max: --env-steps or --budget decides it here",)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--algos", "qmix", "--preset", "micro"], "none of them takes part; add one: --algos k24-described"),
        (["--algos", "k24_magnitude"], "unknown algorithm 'k24_magnitude'; did you mean k24-magnitude"),
        (["--preset", "mirco"], "unknown preset 'mirco'; did you mean micro? Known: micro, large, mixed."),
        (["--config", "none.yaml"], "--config there is no settings file none.yaml; give a path, or one of these: K24_"),
        (["--algos", "qmix", "--config", "K24_qmix_rnn_1R3"], "which takes no part; add it: --algos qmix,k24"),
        (
            ["--config", "K24_qmix_rnn_1R3", "--config", "K24_qmix_rnn_1R3.yaml"],
            "--config K24_qmix_rnn_1R3 and --config K24_qmix_rnn_1R3.yaml are both for k24; give one of them",
        ),
    ],
)
def test_mistakes_with_names_presets_and_files(flags: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        read_flags(flags)
