"""Machine code on disk never outlives the sources it was made from, not even those of a called function."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from algorithms.kernels import compiled
from common.machine_code import MachineCode
from envs.battle import jit
from tests.programs import output_of

# numba notices an edit of this file, where the caller is, but not of rng.py, where the callee is.
CALLER = """
from envs.battle.jit import kernel
from envs.battle.basics.rng import mix

@kernel
def scrambled(z):
    return mix(z)

print(scrambled(1), sum(scrambled.stats.cache_hits.values()))
"""
EDIT = ("_MUL_1 = np.uint64(0xBF58476D1CE4E5B9)", "_MUL_1 = np.uint64(1)")
HASHED, FIXED = "return digest.hexdigest()[:16]", 'return "fixed"'


def cache_folder() -> Path:
    """The folder as a new process would choose it."""
    return MachineCode(jit.ENGINE_FOLDER, "the compiled engine").folder


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The package's sources and a caller beside them."""
    root = jit.ENGINE_FOLDER.parents[1]
    for source in (*(root / "envs").rglob("*"), *(root / "common").rglob("*")):
        if source.suffix in (".py", ".json"):
            target = tmp_path / source.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    (tmp_path / "caller.py").write_text(CALLER)
    return tmp_path


def replace(path: Path, edit: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(edit[0]) == 1
    path.write_text(text.replace(*edit), encoding="utf-8")


def run_caller(folder: Path) -> tuple[int, int]:
    """(value, hits of the cache on disk) in a process of its own."""
    cache = str(folder / "cache")
    value, hits = output_of("caller.py", cwd=folder, PYTHONPATH=str(folder), K24_CACHE_DIR=cache).split()
    return int(value), int(hits)


def mixed(multiplier: int) -> int:
    """The finaliser of splitmix64 of 1, by hand: 1 >> 30 is 0."""
    z = multiplier % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


def test_an_edited_callee_is_compiled_anew(copied: Path) -> None:
    assert run_caller(copied) == (mixed(0xBF58476D1CE4E5B9), 0)
    assert run_caller(copied) == (mixed(0xBF58476D1CE4E5B9), 1)  # the cache is used
    replace(copied / "envs/battle/basics/rng.py", EDIT)
    assert run_caller(copied) == (mixed(1), 0)
    assert len(list((copied / "cache").iterdir())) == 2


def test_with_one_folder_for_all_numba_would_serve_the_old_value(copied: Path) -> None:
    replace(copied / "common/machine_code.py", (HASHED, FIXED))
    assert run_caller(copied) == (mixed(0xBF58476D1CE4E5B9), 0)
    replace(copied / "envs/battle/basics/rng.py", EDIT)
    assert run_caller(copied) == (mixed(0xBF58476D1CE4E5B9), 1)  # stale


def test_the_hash_covers_every_source(copied: Path) -> None:
    engine = copied / "envs/battle"
    hashes = {MachineCode(engine, "").source_hash()}
    assert hashes == {jit.MACHINE_CODE.source_hash()}
    for path in sorted(engine.rglob("*.py")):
        path.write_text(path.read_text() + "\n# edited")
        hashes.add(MachineCode(engine, "").source_hash())
    (engine / "rules" / "new.py").write_text("")
    hashes.add(MachineCode(engine, "").source_hash())
    assert len(hashes) == len(list(engine.rglob("*.py"))) + 1


def test_a_folder_that_cannot_be_written(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (copied / "file").write_text("")
    monkeypatch.setenv("K24_CACHE_DIR", str(copied / "file"))
    with pytest.raises(OSError, match="set K24_CACHE_DIR to a folder that you may write to"):
        cache_folder()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary folder, which all users share, for somebody who has no home."""

    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("K24_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    tmp_path.chmod(0o1777)
    return tmp_path


def test_without_a_home_the_folder_is_the_users_own(temporary: Path) -> None:
    folder = cache_folder()
    assert folder.parent == temporary / f"k24-harness-{os.getuid()}"
    assert [path.stat().st_mode & 0o777 for path in (folder, folder.parent)] == [0o700, 0o700]
    assert cache_folder() == folder


def test_two_checkouts_have_two_folders(temporary: Path) -> None:
    """Machine code is of use in one place only, so an engine compiled elsewhere is not "compiled already"."""
    copy = temporary / "elsewhere"
    shutil.copytree(jit.ENGINE_FOLDER, copy)
    found = MachineCode(copy, "a copy")
    assert found.source_hash() == jit.MACHINE_CODE.source_hash()
    assert found.folder != cache_folder()


def test_an_interrupted_compilation_is_not_taken_for_a_finished_one(tmp_path: Path) -> None:
    found = MachineCode(tmp_path, "a copy", last=("step.step_one_by_one", "step.step_in_parallel"))
    for name, finished in (("rng.mix-1.py311.1.nbc", False), ("step.step_battle-1.py311.1.nbc", False)):
        (found.folder / name).touch()
        assert found.is_compiled() is finished
    (found.folder / "step.step_one_by_one-1.py311.1.nbc").touch()
    assert found.is_compiled()


@pytest.mark.parametrize("code", [jit.MACHINE_CODE, compiled.MACHINE_CODE])
def test_what_is_compiled_last_has_that_name(code: MachineCode) -> None:
    """A renamed function would make every start say that it compiles."""
    assert code.last
    for name in code.last:
        module, function = name.split(".")
        source = next(code.sources.rglob(f"{module}.py")).read_text(encoding="utf-8")
        assert re.search(rf"@kernel.*\ndef {function}\(", source)


@pytest.mark.parametrize("attack", ["open", "link", "owner"])
def test_a_folder_that_somebody_else_made_first(
    temporary: Path, attack: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = cache_folder()
    if attack == "open":
        taken.parent.chmod(0o777)
    elif attack == "link":
        taken.rename(temporary / "elsewhere")
        taken.symlink_to(temporary / "elsewhere")
    elif os.getuid() == 0:  # who may give files away
        os.chown(taken.parent, 12345, -1)
    else:
        monkeypatch.setattr(os, "getuid", lambda: 12345)
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        taken.parent.rename(temporary / "k24-harness-12345")
    folder = cache_folder()
    assert folder.parent == temporary
    assert folder.name not in (taken.name, taken.parent.name)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert "the compiled engine cannot be kept" in capsys.readouterr().err
    monkeypatch.setenv("K24_CACHE_DIR", str(temporary / f"k24-harness-{os.getuid()}"))
    with pytest.raises(OSError, match=r"(to by every user|is a link|to by user \d+, who owns it).* and others may not"):
        cache_folder()


BARE = """
import os, pwd
if {no_ids}:
    import gymnasium, numba, pettingzoo  # which rely on it, as Python itself does

def unknown(*_):
    raise KeyError("no such user")

pwd.getpwuid = pwd.getpwnam = unknown
os.environ.pop("HOME", None)
if {no_ids}:
    del os.getuid
import envs
print(envs.make("3m", seed=1).spec.n_agents)
"""


@pytest.mark.parametrize("no_ids", [False, True])
def test_the_package_imports_without_home_and_user_id(no_ids: bool, copied: Path) -> None:
    """As in a container that runs as a user of no name, or on a system that knows no user ids."""
    known = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    result = subprocess.run(
        [sys.executable, "-c", BARE.format(no_ids=no_ids)],
        cwd=copied,
        env={**known, "PYTHONPATH": str(copied), "TMPDIR": str(copied)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (result.returncode, result.stdout.strip()) == (0, "3"), result.stderr
    assert len(list(copied.glob("k24-harness-*/numba-*"))) == 1


@pytest.mark.skipif(getattr(os, "getuid", lambda: 1)() != 0, reason="only root may give folders away")
def test_the_owner_of_a_shared_folder_could_swap_what_lies_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    os.chown(shared, 12345, -1)
    monkeypatch.setenv("K24_CACHE_DIR", str(shared))
    with pytest.raises(OSError, match="shared may be written to by user 12345, who owns it"):
        cache_folder()
