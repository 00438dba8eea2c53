"""Machine code on disk never outlives the sources it was made from, not even those of a called function."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from envs.battle import jit

# numba notices an edit of this file, where the caller is, but not of rng.py, where the callee is.
CALLER = """
from envs.battle.jit import kernel
from envs.battle.rules.rng import mix

@kernel
def scrambled(z):
    return mix(z)

print(scrambled(1), sum(scrambled.stats.cache_hits.values()))
"""
EDIT = ("_MUL_1 = np.uint64(0xBF58476D1CE4E5B9)", "_MUL_1 = np.uint64(1)")
HASHED, FIXED = "return digest.hexdigest()[:16]", 'return "fixed"'


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The package's sources (without its data) and a caller beside them."""
    package = jit.ENGINE_FOLDER.parent
    for source in package.rglob("*"):
        if source.suffix in (".py", ".json"):
            target = tmp_path / "envs" / source.relative_to(package)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    (tmp_path / "caller.py").write_text(CALLER)
    return tmp_path


def replace(path: Path, edit: tuple[str, str]) -> None:
    text = path.read_text()
    assert text.count(edit[0]) == 1
    path.write_text(text.replace(*edit))


def run_caller(folder: Path) -> tuple[int, int]:
    """(value, hits of the cache on disk) in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "K24_CACHE_DIR": str(folder / "cache")}
    command = [sys.executable, "caller.py"]
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    value, hits = result.stdout.split()
    return int(value), int(hits)


def mixed(multiplier: int) -> int:
    """The finaliser of splitmix64 of 1, by hand: 1 >> 30 is 0."""
    z = multiplier % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


def test_an_edited_callee_is_compiled_anew(copied: Path) -> None:
    assert run_caller(copied) == (mixed(0xBF58476D1CE4E5B9), 0)
    assert run_caller(copied) == (mixed(0xBF58476D1CE4E5B9), 1)  # the cache is used
    replace(copied / "envs/battle/rules/rng.py", EDIT)
    assert run_caller(copied) == (mixed(1), 0)
    assert len(list((copied / "cache").iterdir())) == 2


def test_with_one_folder_for_all_numba_would_serve_the_old_value(copied: Path) -> None:
    replace(copied / "envs/battle/jit.py", (HASHED, FIXED))
    assert run_caller(copied) == (mixed(0xBF58476D1CE4E5B9), 0)
    replace(copied / "envs/battle/rules/rng.py", EDIT)
    assert run_caller(copied) == (mixed(0xBF58476D1CE4E5B9), 1)  # stale


def test_the_hash_covers_every_source(copied: Path) -> None:
    engine = copied / "envs/battle"
    hashes = {jit.source_hash(engine)}
    assert hashes == {jit.source_hash()}
    for path in sorted(engine.rglob("*.py")):
        path.write_text(path.read_text() + "\n# edited")
        hashes.add(jit.source_hash(engine))
    (engine / "rules" / "new.py").write_text("")
    hashes.add(jit.source_hash(engine))
    assert len(hashes) == len(list(engine.rglob("*.py"))) + 1


def test_a_folder_that_cannot_be_written(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (copied / "file").write_text("")
    monkeypatch.setenv("K24_CACHE_DIR", str(copied / "file"))
    with pytest.raises(OSError, match="set K24_CACHE_DIR to a folder that you may write to"):
        jit.cache_folder()
