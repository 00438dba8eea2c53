"""Workers as Ray tasks: what is said without a cluster; ``test_ray_cluster.py`` starts one."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.common import WRONG_USE
from tests.harness.launchers.test_slurm import compare

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own, of many kinds


def test_without_a_cluster_the_error_says_how_to_start_one(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    assert compare(postgres, tmp_path, "no-ray", "--workers", "ray:1", "--env-steps", "400") == WRONG_USE
    assert "no Ray cluster at auto" in capsys.readouterr().err
