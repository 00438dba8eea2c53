"""Where a number came from, and the name of a configuration."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from harness.runs import provenance
from harness.runs.provenance import collect, config_hash, describe_changes, typed_command


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def test_a_hash_names_the_settings_and_not_their_order() -> None:
    first = config_hash({"lr": 0.001, "k24": {"div_coef": 0.1, "layers": (1, 2)}})
    assert first == config_hash({"k24": {"layers": [1, 2], "div_coef": 0.1}, "lr": 1e-3})
    assert first != config_hash({"k24": {"layers": [1, 2], "div_coef": 0.2}, "lr": 1e-3})
    assert first != config_hash({"k24": {"layers": [2, 1], "div_coef": 0.1}, "lr": 1e-3})


def test_a_hash_is_the_same_on_every_machine() -> None:
    by_hand = "83eef250cdf3"  # printf '%s' '{"a":"\u03b5","b":[1,null,true]}' | sha256sum | cut -c1-12
    assert config_hash({"b": [1, None, True], "a": "ε"}) == by_hand


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Path("x"), np.float32(0.5)])
def test_what_json_cannot_express_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"cannot be hashed \(.*only numbers, texts.*dataclasses.asdict"):
        config_hash({"lr": value})


def test_everything_collected_can_be_stored() -> None:
    record = collect("cpu")
    assert json.loads(json.dumps(record)) == record
    assert record["device"] == "cpu"
    assert record["device_name"] == record["cpu"] != ""
    assert record["cores"] >= 1
    assert {"torch", "numpy", "numba", "optuna", "sqlalchemy"} <= set(record["packages"])
    assert datetime.fromisoformat(record["started"]).tzinfo is not None
    assert str(Path.home()) + "/" not in json.dumps(record)


@pytest.mark.parametrize(
    ("storage", "shown"),
    [
        ("sqlite:////home/someone/a b.db", "sqlite:///~/a b.db"),
        ("postgresql://ann:se:cret@host:5432/k24?a=b@c", "postgresql://ann:***@host:5432/k24?a=b@c"),
    ],
)
def test_the_command_shows_no_home_folder_and_no_password(
    storage: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    typed = ["/home/someone/.venv/bin/python", "-m", "harness.compare", "--storage", storage]
    assert typed_command(typed) == f"python -m harness.compare --storage '{shown}'"


def test_a_commit_is_given_with_whether_files_differ(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a.py").write_text("a = 1\n")
    git(tmp_path, "add", "a.py")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    commit, dirty = provenance._commit(tmp_path)
    assert (len(commit), dirty) == (40, False)
    (tmp_path / "a.py").write_text("a = 2\n")
    assert provenance._commit(tmp_path) == (commit, False), "a video beside the sources changes no result"
    (tmp_path / "harness").mkdir()
    (tmp_path / "harness" / "new.py").write_text("")
    assert provenance._commit(tmp_path) == (commit, True)
    (tmp_path / "site-packages").mkdir()
    inner = provenance._commit(tmp_path / "site-packages")
    assert inner == ("unknown", None), "a checkout around an installed copy says nothing about it"


def test_what_is_committed_while_a_process_runs_is_not_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter([("a" * 40, False), ("b" * 40, True)])
    monkeypatch.setattr(provenance, "_commit", lambda root: next(found))
    provenance._code_in_memory.cache_clear()
    try:
        records = [provenance.collect("cpu") for _ in range(2)]
    finally:
        provenance._code_in_memory.cache_clear()
    assert [(record["commit"], record["dirty"]) for record in records] == [("a" * 40, False)] * 2


def test_outside_a_checkout_or_without_git_the_commit_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert provenance._commit(tmp_path) == ("unknown", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance._commit(Path(__file__).parents[3]) == ("unknown", None)


def test_a_machine_without_proc_still_names_its_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_path: Path, **_how: str) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    assert provenance.cpu_model() != ""


def test_differences_name_code_and_versions() -> None:
    packages = {"torch": "2.13.0", "numpy": "2.4.0", "numba": "0.62", "optuna": "5.0"}
    now = {"commit": "0123456789abcdef", "dirty": False, "packages": packages}
    assert describe_changes(now, now) == ""
    assert describe_changes({**now, "packages": {**packages, "optuna": "4.0"}}, now) == "", "it computes no result"
    assert describe_changes({**now, "dirty": True}, now) == "at commit 0123456789 with local changes (now 0123456789)"
    older = {**now, "commit": "fedcba9876543210", "packages": {**packages, "torch": "2.11.0"}}
    assert describe_changes(older, now) == "at commit fedcba9876 (now 0123456789), with torch 2.11.0 (now 2.13.0)"
    unknown = "at commit unknown (now 0123456789), with torch unknown (now 2.13.0), with "
    assert describe_changes({}, now).startswith(unknown)
    assert describe_changes(now, {**now, "threads": 2}) == "", "not every record knows it"
    own = {**now, "imports": {"mine": "0123456789", "left_out": "0"}}
    assert describe_changes(own, {**now, "imports": {"mine": "abcdef0123"}}) == "with an earlier mine"
    assert describe_changes({**now, "threads": 1}, {**now, "threads": 2}) == "on 1 thread (now 2)"
