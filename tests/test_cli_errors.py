"""Every mistake on the command line: one clear line, exit code 2, nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.common import WRONG_USE
from harness.compare import main

MISTAKES = [
    (["--algos", "k24,kmix"], "unknown algorithm 'kmix'; did you mean qmix"),
    (["--algos", ","], "no algorithm given; known: qmix, kalei, k24"),
    (["--scenarios", "teran_5_vs_5"], "unknown scenario 'teran_5_vs_5'; did you mean terran_5_vs_5"),
    (["--budget", "qick"], "unknown budget 'qick'; did you mean quick?"),
    (["--set", "k24.div_coeff=0.2"], "unknown setting of k24 'div_coeff'; did you mean div_coef"),
    (["--set", "k24.div_coef=lots"], "k24.div_coef is 'lots', it must be a number, for example k24.div_coef=0.2"),
    (["--set", "k24.batch_size=0"], "batch_size is 0, it must be at least 1"),
    (["--set", "k25.div_coef=1"], "unknown target of --set 'k25'; did you mean k24"),
    (["--algos", "qmix", "--set", "k24.div_coef=1"], "k24 is not part of this comparison; add it: --algos qmix,k24"),
    (["--set", "div_coef=1"], "is not of the form TARGET.KEY=VALUE"),
    (["--set", "env.prob_obs_enmy=0"], "unknown setting of env 'prob_obs_enmy'; did you mean prob_obs_enemy"),
    (["--set", "env.rules=2022"], "option rules is '2022', allowed: 2024, 2023"),
    (["--seeds", "many"], "--seeds 'many': give how many (--seeds 3 runs seeds 0, 1, 2) or which (--seeds 0,4,7)"),
    (["--seeds", "0"], "--seeds '0': give how many"),
    (["--seeds=-1,2"], "--seeds '-1,2': give how many"),
    (["--seeds", "1,1"], "names a seed twice"),
    (["--env-steps", "0"], "--env-steps is 0, it must be at least 1"),
    (
        ["--env-steps", "1k"],
        "argument --env-steps: invalid int value: '1k'; all flags: ",
    ),
    (["--num-envs", "0"], "--num-envs is 0, it must be at least 1"),
    (["--device", "tpu"], "unknown --device 'tpu'; use auto, cpu, cuda or cuda:N"),
    (["--device", "meta"], "--device 'meta' is not supported; use auto, cpu, cuda or cuda:N"),
    (["--device", "cuda:99"], "use --device cpu"),
    (
        ["--backend", "sc2", "--scenarios", "1o_2r_vs_4r"],
        "cannot be played by smacv2: teams are fixed only on SMAC's maps",
    ),
    (["--backend", "sc2", "--set", "env.rules=2023"], "option rules='2023' is the built-in engine's alone"),
    (["--backend", "sc3"], "invalid choice: 'sc3'"),
    (["--import", "no_such_file.py"], "--import no_such_file.py failed: FileNotFoundError"),
    (["--import", "no_such_module"], "--import no_such_module failed: ModuleNotFoundError"),
    (["--colour", "red"], "unrecognized arguments: --colour red; all flags: python -m harness.compare --help"),
]


@pytest.mark.parametrize(("flags", "message"), MISTAKES, ids=[" ".join(flags) for flags, _ in MISTAKES])
def test_mistake(flags: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    storage = tmp_path / "s.db"
    assert main(["--storage", f"sqlite:///{storage}", "--out", str(tmp_path / "runs"), *flags]) == WRONG_USE
    output = capsys.readouterr().err
    assert message in output
    assert output.startswith("error: ")
    assert output.count("\n") == 1
    assert not storage.exists(), "nothing is started before the command is understood"


def test_broken_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    storage = tmp_path / "s.db"
    storage.write_bytes(b"this is no database, but it is somebody's file\n" * 100)
    before = storage.read_bytes()
    assert main(["--storage", f"sqlite:///{storage}", "--out", str(tmp_path / "runs")]) == WRONG_USE
    output = capsys.readouterr().err
    assert "is not a sound SQLite database" in output
    assert "--storage sqlite:///" in output
    assert "Traceback" not in output
    assert storage.read_bytes() == before


def test_storage_of_another_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--storage", "mysql://host/db", "--out", str(tmp_path / "runs")]) == WRONG_USE
    assert "sqlite:///" in capsys.readouterr().err


def test_out_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs").write_text("")
    assert main(["--storage", f"sqlite:///{tmp_path}/s.db", "--out", str(tmp_path / "runs")]) == WRONG_USE
    assert "cannot be written to" in capsys.readouterr().err
    assert not (tmp_path / "s.db").exists()


def test_user_code_that_breaks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "my_broken_map.py").write_text("import envs\nenvs.register('terran_5_vs_5')\n")
    assert main(["--import", str(tmp_path / "my_broken_map.py")]) == WRONG_USE
    assert "failed: ValueError: scenario 'terran_5_vs_5': the built-in engine needs scenario=" in (
        capsys.readouterr().err
    )


def test_user_code_named_like_a_module(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "json.py").write_text("")
    assert main(["--import", str(tmp_path / "json.py")]) == WRONG_USE
    assert "a module named json is there already; give the file another name" in capsys.readouterr().err


def test_help_lists_what_is_registered(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    output = capsys.readouterr().out
    for name in ("qmix", "kalei", "k24", "terran_5_vs_5", "zerg_20_vs_23", "smoke", "paper"):
        assert f"\n  {name} " in output
