"""A checkpoint is whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from harness.cli.errors import UsageError
from harness.runs.checkpoint import load_checkpoint, save_checkpoint, set_aside, unusable
from studies.db.errors import StorageError
from tests.limits import file_size_limit


def test_round_trip_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "run" / "checkpoint.pt"
    assert load_checkpoint(path) is None
    for step in (1, 2):
        save_checkpoint(path, {"step": step, "weight": torch.arange(3)})
    content = load_checkpoint(path)
    assert content is not None
    assert content["step"] == 2
    assert content["weight"].tolist() == [0, 1, 2]
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.pt"]


def test_a_failed_write_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"step": 1})
    with pytest.raises(Exception, match="pickle"):
        save_checkpoint(path, {"cannot": lambda: 0})
    content = load_checkpoint(path)
    assert content is not None
    assert content["step"] == 1
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a run" / "checkpoint.pt"
    path.parent.mkdir()
    path.write_bytes(b"half")
    with pytest.raises(UsageError, match=r"checkpoint .* cannot be read \(.*Nothing was changed.*anew: ") as caught:
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


def test_a_full_disk_keeps_the_old_checkpoint_and_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"step": 1})
    told = r"checkpoint .* cannot be written .*The one before .*df -h .*harness.compare .*--checkpoint-replay no"
    with file_size_limit(path.stat().st_size + 1000), pytest.raises(StorageError, match=told):
        save_checkpoint(path, {"step": 2, "replay": torch.zeros(10_000)})
    assert load_checkpoint(path) == {"step": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]
