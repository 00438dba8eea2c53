"""A checkpoint is whole or not there."""

from __future__ import annotations

import grp
import os
import pwd
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import envs.registry
from algorithms import registry
from common import ownership
from harness.cli.errors import UsageError
from harness.runs.checkpoint import (
    load_checkpoint,
    load_policy_content,
    save_checkpoint,
    save_policy,
    set_aside,
    unusable,
)
from studies.db.errors import StorageError
from tests.limits import file_size_limit


def test_round_trip_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "run" / "checkpoint.pt"
    assert load_checkpoint(path) is None
    for step in (1, 2):
        save_checkpoint(path, {"step": step, "weight": torch.arange(3)})
    content = load_checkpoint(path)
    assert content is not None
    assert (content["step"], content["weight"].tolist()) == (2, [0, 1, 2])
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.pt"]


def test_a_failed_write_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"step": 1})
    with pytest.raises(Exception, match="pickle"):
        save_checkpoint(path, {"cannot": lambda: 0})
    assert load_checkpoint(path) == {"step": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a run" / "checkpoint.pt"
    path.parent.mkdir()
    path.write_bytes(b"half")
    with pytest.raises(UsageError, match=r"checkpoint .* cannot be read \(.*Nothing was changed.*again: ") as caught:
        load_checkpoint(path)
    assert f"mv '{path}' '{path}.old'; then the same command again" in str(caught.value)
    assert path.read_bytes() == b"half"


def test_a_long_reason_is_cut(tmp_path: Path) -> None:
    error = unusable(tmp_path / "c.pt", "does not fit", RuntimeError("missing keys:\n" + "fc1.weight, " * 500))
    assert "does not fit (RuntimeError: missing keys: fc1.weight, fc1.weight," in str(error)
    assert len(str(error)) < 1000
    assert "\n" not in str(error)


def test_what_is_set_aside_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    for step in (1, 2):
        save_checkpoint(path, {"step": step})
        assert set_aside(path) == tmp_path / f"checkpoint-aside-{step}.pt"
        assert not path.exists()
    kept = [load_checkpoint(tmp_path / f"checkpoint-aside-{step}.pt") for step in (1, 2)]
    assert kept == [{"step": 1}, {"step": 2}]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc: open files cannot be listed")
def test_a_draft_that_did_not_fit_is_not_held_open(tmp_path: Path) -> None:
    """What closes after the failure, the database above all, needs the room that the draft has taken."""
    with file_size_limit(10_000), pytest.raises(StorageError) as caught:
        save_checkpoint(tmp_path / "checkpoint.pt", {"weights": torch.zeros(100_000)})
    held = []
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # that of the list itself
            held.append(os.readlink(f"/proc/self/fd/{number}"))
    assert [name for name in held if str(tmp_path) in name] == [], caught.value


def test_a_full_disk_keeps_the_old_checkpoint_and_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"step": 1})
    message = r"checkpoint .* cannot be written .*The one before .*df -h .*harness.compare .*--checkpoint-replay no"
    with file_size_limit(path.stat().st_size + 1000), pytest.raises(StorageError, match=message):
        save_checkpoint(path, {"step": 2, "replay": torch.zeros(10_000)})
    assert load_checkpoint(path) == {"step": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


class Trap:
    """Unpickling it writes a file: what a colleague's checkpoint could do."""

    def __init__(self, sign: Path) -> None:
        self.sign = sign

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.sign,))


PLAIN = {
    "identity": {"name": "k24", "sizes": [1, 2], "rate": 0.5, "masked": True, "nothing": None},
    "algorithm": {"weight": torch.arange(3.0), "pair": (1, 2), "array": np.arange(4), "big": 2**100},
}


def test_a_policy_comes_out_as_it_went_in(tmp_path: Path) -> None:
    path = tmp_path / "policy.pt"
    assert load_policy_content(path) is None
    save_policy(path, {**PLAIN, "scalar": np.float32(0.5)})
    content = load_policy_content(path)
    assert content is not None
    assert content["identity"] == PLAIN["identity"]
    saved = content["algorithm"]
    assert (saved["weight"].tolist(), saved["array"].tolist()) == ([0, 1, 2], [0, 1, 2, 3])
    assert (saved["pair"], saved["big"], content["scalar"]) == ((1, 2), 2**100, 0.5)


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, lambda: 0, np.array([object()])], ids=["object", "set", "lambda", "objects"]
)
def test_a_policy_of_more_than_plain_values_is_not_written(tmp_path: Path, value: object) -> None:
    with pytest.raises(TypeError, match=r"algorithm/memory/1 is a \w+; policy\.pt holds tensors and plain values only"):
        save_policy(tmp_path / "policy.pt", {"algorithm": {"memory": [0, value]}})
    assert list(tmp_path.iterdir()) == []


def test_reading_a_policy_runs_none_of_its_content(tmp_path: Path) -> None:
    path, sign = tmp_path / "policy.pt", tmp_path / "ran"
    torch.save({"format": 1, "identity": Trap(sign)}, path)
    with pytest.raises(UsageError, match=r"cannot be read as tensors and plain values, and nothing of it was run"):
        load_policy_content(path)
    assert not sign.exists()
    torch.load(path, weights_only=False)
    assert sign.exists(), "the trap itself works"


NO_ARRAY = r"policy.pt holds an array that cannot be read \(TypeError: "


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"format": 99}, r"another version of this program \(format 99, this one reads 1\)"),
        ({"format": 1, "algorithm": [{"array/": 5}]}, NO_ARRAY),
        ({"format": 1, "algorithm": [{"array/": torch.zeros(1, dtype=torch.bfloat16)}]}, NO_ARRAY),
    ],
    ids=["version", "int", "bfloat16"],
)
def test_content_that_this_program_cannot_read_is_refused(tmp_path: Path, content: object, says: str) -> None:
    path = tmp_path / "policy.pt"
    torch.save(content, path)
    with pytest.raises(UsageError, match=says):
        load_policy_content(path)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
@pytest.mark.parametrize("load", [load_policy_content, load_checkpoint])
def test_only_a_regular_file_is_opened(tmp_path: Path, make: Any, load: Any) -> None:
    make(tmp_path / "policy.pt")
    with pytest.raises(UsageError, match=r"policy\.pt is a (pipe, socket or device|folder), not a regular file"):
        load(tmp_path / "policy.pt")


def test_a_checkpoint_that_another_user_could_have_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sign = tmp_path / "resume.pt", tmp_path / "ran"
    torch.save({"trap": Trap(sign)}, path)
    path.chmod(0o666)
    with pytest.raises(UsageError, match=r"may be written to by every user.*Nothing was read. If you trust it.*chmod"):
        load_checkpoint(path)
    path.chmod(0o644)
    if os.getuid() == 0:  # who may give files away
        os.chown(path, 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(UsageError, match=r"by user \d+, who owns it, and to go on from it would run whatever code it"):
        load_checkpoint(path)
    assert not sign.exists()


def test_a_checkpoint_of_a_group_is_trusted_only_where_the_group_is_its_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sign = tmp_path / "resume.pt", tmp_path / "ran"
    torch.save({"trap": Trap(sign)}, path)
    path.chmod(0o664)
    monkeypatch.setattr(pwd, "getpwuid", lambda _: SimpleNamespace(pw_name="ann"))
    monkeypatch.setattr(ownership, "_ROOT", -1)
    for group in (
        SimpleNamespace(gr_name="lab", gr_mem=["ann", "bob"]),
        SimpleNamespace(gr_name="ann", gr_mem=["bob"]),
    ):
        monkeypatch.setattr(grp, "getgrgid", lambda _, group=group: group)
        with pytest.raises(UsageError, match=r"may be written to by everybody of group \d+.*chmod go-w"):
            load_checkpoint(path)
    assert not sign.exists()
    monkeypatch.setattr(grp, "getgrgid", lambda _: SimpleNamespace(gr_name="ann", gr_mem=[]))
    load_checkpoint(path)
    assert sign.exists(), "the user's own file"


def test_what_is_saved_can_be_trusted_later(tmp_path: Path) -> None:
    """Where a group shares everything by default, its members must not write a checkpoint all the same."""
    before = os.umask(0o000)
    try:
        save_checkpoint(tmp_path / "resume.pt", {"a": 1})
    finally:
        os.umask(before)
    assert (tmp_path / "resume.pt").stat().st_mode & 0o022 == 0


@pytest.mark.parametrize("algorithm", registry.ids())
def test_the_state_of_every_algorithm_is_plain(algorithm: str, tmp_path: Path) -> None:
    spec, config = envs.registry.make("3m", 1, seed=0).spec, registry.config_class(algorithm)()

    def made(seed: int) -> Any:
        return registry.make(algorithm, spec, config, total_env_steps=100, seed=seed, device="cpu")

    save_policy(tmp_path / "policy.pt", {"algorithm": made(1).state_dict()})
    content = load_policy_content(tmp_path / "policy.pt")
    assert content is not None
    other = made(2)
    other.load_state_dict(content["algorithm"])
    masked = made(1).masked_weights()
    assert all(torch.equal(weight, masked[name]) for name, weight in other.masked_weights().items())
