"""Workers as Ray tasks, on a local cluster of several nodes of which one is killed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cli.common import ALL_DONE, WRONG_USE
from harness.launchers.start import launch
from tests.harness.launchers.test_slurm import compare, rows, when_running

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own, of many kinds


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two nodes of one worker each, beside a head that takes none."""
    from ray.cluster_utils import Cluster

    monkeypatch.setattr(launch, "__kwdefaults__", {"poll": 0.2})
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    found.nodes = [found.add_node(num_cpus=1) for _ in range(2)]
    monkeypatch.setenv("RAY_ADDRESS", found.address)
    yield found
    ray.shutdown()
    found.shutdown()


def test_a_killed_node_costs_nothing(cluster: Any, postgres: str, tmp_path: Path) -> None:
    killed = threading.Event()

    def kill_node() -> None:
        cluster.remove_node(cluster.nodes[0], allow_graceful=False)
        cluster.add_node(num_cpus=1)
        killed.set()

    killer = when_running(postgres, "ray", kill_node)
    flags = ("--workers", "ray:2", "--seeds", "3", "--env-steps", "20000")
    assert compare(postgres, tmp_path, "ray", *flags) == ALL_DONE
    killer.join()
    assert killed.is_set()
    assert rows(postgres, "ray") == dict.fromkeys(range(3), 20000)


def test_without_a_cluster_the_error_says_how_to_start_one(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    assert compare(postgres, tmp_path, "no-ray", "--workers", "ray:1", "--env-steps", "400") == WRONG_USE
    assert "no Ray cluster at auto" in capsys.readouterr().err
