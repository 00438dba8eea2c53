"""Every mistake on the command line: one clear line, exit code 2, nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.compare import main
from tests.conftest import ErrorOf

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
    (["--env-steps", "1k"], "argument --env-steps: invalid int value: '1k'; all flags: "),
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
    (["--storage", "mysql://host/db"], "studies are kept in SQLite files or on a PostgreSQL server"),
    (["--colour", "red"], "unrecognized arguments: --colour red; all flags: python -m harness.compare --help"),
]


@pytest.mark.parametrize(("flags", "message"), MISTAKES, ids=[" ".join(flags) for flags, _ in MISTAKES])
def test_mistake(flags: list[str], message: str, tmp_path: Path, error_of: ErrorOf) -> None:
    storage = tmp_path / "s.db"
    assert message in error_of(main, "--storage", f"sqlite:///{storage}", "--out", str(tmp_path / "runs"), *flags)
    assert not storage.exists(), "nothing is started before the command is understood"


def test_broken_database(tmp_path: Path, error_of: ErrorOf) -> None:
    storage = tmp_path / "s.db"
    storage.write_bytes(b"this is no database, but it is somebody's file\n" * 100)
    before = storage.read_bytes()
    error = error_of(main, "--storage", f"sqlite:///{storage}", "--out", str(tmp_path / "runs"))
    assert "is not a sound SQLite database" in error
    assert "--storage sqlite:///" in error
    assert storage.read_bytes() == before


def test_out_is_a_file(tmp_path: Path, error_of: ErrorOf) -> None:
    (tmp_path / "runs").write_text("")
    error = error_of(main, "--storage", f"sqlite:///{tmp_path}/s.db", "--out", str(tmp_path / "runs"))
    assert "cannot be written to" in error
    assert not (tmp_path / "s.db").exists()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "my_broken_map.py",
            "import envs\nenvs.register('terran_5_vs_5')\n",
            "failed: ValueError: scenario 'terran_5_vs_5': the built-in engine needs scenario=",
        ),
        ("json.py", "", "a module named json is there already; give the file another name"),
    ],
)
def test_user_code_that_cannot_be_imported(
    name: str, text: str, message: str, tmp_path: Path, error_of: ErrorOf
) -> None:
    (tmp_path / name).write_text(text)
    assert message in error_of(main, "--import", str(tmp_path / name))


def test_help_lists_what_is_registered(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    output = capsys.readouterr().out
    for name in ("qmix", "kalei", "k24", "terran_5_vs_5", "zerg_20_vs_23", "smoke", "paper"):
        assert f"\n  {name} " in output
