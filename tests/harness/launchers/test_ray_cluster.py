"""Workers on a Ray cluster of several nodes, all on this machine, of which one is lost while its worker trains.

python -m pytest -m long tests/harness/launchers/test_ray_cluster.py
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.cli.common import ALL_DONE
from studies.store import StudyStore
from tests.harness.launchers.test_slurm import compare
from tests.studies.test_postgres import ask

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore")]  # warnings are Ray's own, of many kinds

NODES, WORKERS, RUNS, ENV_STEPS = 3, 2, 5, 20_000
"""One node more than workers, so that Ray can start the lost one's worker elsewhere."""
STEPS_APART = 1_000
"""Between two evaluations of a run."""


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Nodes of one worker each, beside a head that takes none."""
    from ray.cluster_utils import Cluster

    monkeypatch.setattr("harness.launchers.complete_all.POLL", 0.2)
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(NODES):
        found.add_node(num_cpus=1)
    found.wait_for_nodes()
    monkeypatch.setenv("RAY_ADDRESS", found.address)
    yield found
    ray.shutdown()
    found.shutdown()


def lose_a_node(cluster: Any, url: str, study: str, runs: Path, compared: threading.Event) -> int:
    """Remove the node of a worker that has saved a checkpoint and trains on; returns the seed of its run.

    All processes of the node stop at the same moment and never go on, as with a loss of power: nobody saves.
    """
    query = f"SELECT id, seed, owner_pid FROM k24_runs WHERE study = '{study}' AND state = 'running'"
    while not compared.is_set():
        for run, seed, pid in ask(url, query):
            saved = any(runs.glob(f"{study}/rule-fake-seed{seed}-*/resume.pt"))
            node = node_of(cluster, int(str(pid)))
            if not saved or node is None:
                continue
            lost = psutil.Process(raylet_of(node)).children(recursive=True)
            for process in lost:
                process.suspend()
            assert int(str(pid)) in [process.pid for process in lost]
            if (run,) not in ask(url, f"SELECT id FROM k24_runs WHERE id = {run} AND state = 'running'"):
                for process in lost:  # it finished just before
                    process.resume()
                continue
            cluster.remove_node(node, allow_graceful=False)
            for process in lost:
                process.kill()
            return int(str(seed))
        time.sleep(0.05)
    raise AssertionError("no worker was seen in mid-run")


def raylet_of(node: Any) -> int:
    pid: int = node.all_processes["raylet"][0].process.pid
    return pid


def node_of(cluster: Any, pid: int) -> Any:
    """Return the node that a process belongs to; None where the process has ended."""
    try:
        above = {parent.pid for parent in psutil.Process(pid).parents()}
    except psutil.NoSuchProcess:
        return None
    return next((node for node in cluster.worker_nodes if raylet_of(node) in above), None)


def test_a_lost_node_costs_no_run(cluster: Any, postgres: str, tmp_path: Path) -> None:
    StudyStore.open(postgres, "ray").close()  # makes the tables
    compared = threading.Event()
    flags = ("--seeds", str(RUNS), "--env-steps", str(ENV_STEPS), "--checkpoint-replay", "yes")
    with ThreadPoolExecutor() as threads:
        lost = threads.submit(lose_a_node, cluster, postgres, "ray", tmp_path / "runs", compared)
        try:
            code = compare(postgres, tmp_path, "ray", "--workers", f"ray:{WORKERS}", *flags)
        finally:
            compared.set()
        seed = lost.result()
    assert code == ALL_DONE
    assert len(cluster.worker_nodes) == NODES - 1
    assert compare(postgres, tmp_path, "undisturbed", *flags) == ALL_DONE
    disturbed, undisturbed = (results(postgres, study) for study in ("ray", "undisturbed"))
    assert sorted(disturbed) == list(range(RUNS))
    assert disturbed == undisturbed, "the lost node changed no result, curve or battle"
    states = Counter(str(state) for (state,) in ask(postgres, "SELECT state FROM k24_runs WHERE study = 'ray'"))
    assert states == {"finished": RUNS}
    sessions = "k24_provenance JOIN k24_runs ON k24_runs.id = run_id WHERE study = 'ray'"
    counted = ask(postgres, f"SELECT seed, count(*) FROM {sessions} GROUP BY seed")
    assert set(counted) == {(number, 2 if number == seed else 1) for number in range(RUNS)}
    logs = "".join(path.read_text() for path in (tmp_path / "runs" / "ray" / "workers").glob("*.log"))
    assert logs.count("resumes at") == 1
    assert f"rule fake seed {seed}: resumes at" in logs
    for number in range(RUNS):
        assert logs.count(f"rule fake seed {number}: win rate") == 1, "finished once"


def results(url: str, study: str) -> dict[int, Any]:
    """Seed -> what its run has left, but for times."""
    found = {}
    with StudyStore.open(url, study) as store:
        rows = store.rows()
        assert len(rows) == len({row.seed for row in rows})
        for row in rows:
            points = store.curve_points(row.run_id)
            curve = [(point.env_steps, point.win_rate, point.return_mean, point.loss) for point in points]
            assert [steps for steps, *_ in curve] == list(range(0, ENV_STEPS + 1, STEPS_APART))
            found[row.seed] = (row.env_steps, row.wins, row.return_mean, curve, store.outcomes(row.run_id))
    return found
