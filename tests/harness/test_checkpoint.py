"""A checkpoint is whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from harness.checkpoint import load_checkpoint, save_checkpoint
from harness.errors import UsageError


def test_round_trip_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "run" / "checkpoint.pt"
    assert load_checkpoint(path, config_hash="a") is None
    for step in (1, 2):
        save_checkpoint(path, {"config_hash": "a", "step": step, "weight": torch.arange(3)})
    content = load_checkpoint(path, config_hash="a")
    assert content is not None
    assert content["step"] == 2
    assert content["weight"].tolist() == [0, 1, 2]
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.pt"]


def test_a_failed_write_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"config_hash": "a", "step": 1})
    with pytest.raises(Exception, match="pickle"):
        save_checkpoint(path, {"config_hash": "a", "cannot": lambda: 0})
    content = load_checkpoint(path, config_hash="a")
    assert content is not None
    assert content["step"] == 1
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_damaged(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(b"half")
    with pytest.raises(UsageError, match=r"checkpoint .* cannot be read .*; remove it to start this run anew"):
        load_checkpoint(path, config_hash="a")


def test_of_another_run(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c.pt", {"config_hash": "a"})
    with pytest.raises(UsageError, match="belongs to another run; give another --out folder or remove it"):
        load_checkpoint(tmp_path / "c.pt", config_hash="b")
