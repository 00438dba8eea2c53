"""The console command: it lists, runs and explains every command, and says when another package hides ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import harness
import k24_command
from common.registry import load
from harness.__main__ import COMMANDS, main
from harness.cli.common import TWINS, Parser
from harness.completion import script
from tests.harness.conftest import Printed

ROOT = Path(harness.__file__).parent.parent


def python(*words: str, cwd: Path, path: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment, kept = {**os.environ, "PYTHONPATH": str(path)}, dict(capture_output=True, text=True)
    return subprocess.run([sys.executable, *words], cwd=cwd, env=environment, **kept, check=False, timeout=120)


def test_it_lists_all_commands(monkeypatch: pytest.MonkeyPatch, printed: Printed) -> None:
    monkeypatch.setattr(sys, "argv", ["k24"])
    assert k24_command.main() == 0
    output = printed()
    assert output.startswith("usage: k24 COMMAND [FLAGS]")
    assert all(f"  {name} " in output for name in COMMANDS)
    assert main(["--help"]) == 0
    assert "python -m harness COMMAND" in printed()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_flag_of_every_command_has_a_help_text(name: str) -> None:
    parser = load(COMMANDS[name].parser)()
    assert callable(load(COMMANDS[name].main))
    silent = [action.option_strings or action.dest for action in parser._actions if not action.help]
    assert silent == []


@pytest.mark.parametrize("name", COMMANDS)
def test_singular_and_plural_flags_mean_the_same(name: str) -> None:
    parser = load(COMMANDS[name].parser)()
    assert isinstance(parser, Parser), "which accepts both"
    for action in parser._actions:
        action.required = False
    own = set(parser._option_string_actions)
    for one, other in TWINS:
        for flag, twin in ((one, other), (other, one)):
            if flag in own and twin not in own:
                assert parser.parse_args([twin, "3"]) == parser.parse_args([flag, "3"]) != parser.parse_args([])


def test_tune_has_a_seed_and_seeds() -> None:
    flags = load(COMMANDS["tune"].parser)().parse_args(["--seed", "7", "--seeds", "3"])
    assert (flags.seed, flags.seeds) == (7, 3)


def test_every_module_that_runs_is_a_command() -> None:
    runs = 'if __name__ == "__main__":'
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "harness").glob("*.py")}
    modules = {name for name, text in texts.items() if runs in text and "earlier name" not in text[:200]}
    packages = {path.parent.name for path in (ROOT / "harness").glob("*/__main__.py")}
    assert modules - {"__main__"} | packages == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_module_answers_with_the_parser_of_the_table(name: str, printed: Printed) -> None:
    with pytest.raises(SystemExit):
        load(COMMANDS[name].main)(["--help"])
    assert printed() == load(COMMANDS[name].parser)().format_help()


def test_completion_knows_every_command_and_flag() -> None:
    pytest.importorskip("shtab")
    text = script("bash")
    assert all(name in text for name in COMMANDS)
    assert "--worker-cpus" in text
    assert subprocess.run(["bash", "-n", "-c", text], check=False).returncode == 0


def test_an_unknown_command_names_a_near_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compar"], program="k24") == 2
    assert "unknown command 'compar': did you mean compare or completion? all commands: k24" in capsys.readouterr().err


def test_a_command_gets_its_flags(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--format", "csv", "--storage", "sqlite:////nowhere/s.db"], program="k24") == 2
    assert "There is no database /nowhere/s.db" in capsys.readouterr().err


HELP = """
import sys
from harness.__main__ import COMMANDS, main
main([])
print([name for name in ("torch", "numba", "rich") if name in sys.modules])
for name in COMMANDS:
    main([name, "--help"])
print([name for name in ("torch", "matplotlib", "optuna", "pandas") if name in sys.modules])
"""


def test_listing_and_help_import_nothing_heavy(tmp_path: Path) -> None:
    """Torch alone takes one to two seconds; each command's help is to take less."""
    output = python("-c", HELP, cwd=tmp_path).stdout
    assert [line for line in output.splitlines() if line.startswith("[")] == ["[]", "[]"]
    assert "k24-with-c       control: K-2:4 with C" in output
    assert "micro, large, mixed" in output


def test_help_of_a_module_is_answered_before_it_is_imported(tmp_path: Path) -> None:
    found = python("-X", "importtime", "-m", "harness.compare", "--help", cwd=tmp_path)
    assert "--algos A,B" in found.stdout
    imported = {line.rpartition("|")[2].strip() for line in found.stderr.splitlines()}
    assert "harness.cli.common" in imported
    assert not imported & {"torch", "harness.training.train"}


@pytest.mark.parametrize("name", ["envs", "studies"])
def test_a_package_that_hides_ours_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    output = python("-m", "harness.export", "--help", cwd=tmp_path).stderr
    assert f"another package named '{name}' hides this project's: found {tmp_path / name}" in output
    assert "Type the command in another folder" in output


def test_a_folder_without_init_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "envs").mkdir()
    assert python("-c", "import harness", cwd=tmp_path).returncode == 0


def test_k24_says_when_another_harness_is_found(tmp_path: Path) -> None:
    (tmp_path / "harness").mkdir()
    (tmp_path / "harness" / "__init__.py").write_text("")
    code = f"import sys; sys.path.append({str(ROOT)!r}); import k24_command; sys.exit(k24_command.main())"
    found = python("-c", code, cwd=tmp_path, path=tmp_path)
    assert found.returncode == 2
    assert f"another package named 'harness' hides the one of k24: found {tmp_path / 'harness'}" in found.stderr
