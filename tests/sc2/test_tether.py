"""No process of a game outlives its parent, whichever process is killed; all with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from envs.sc2 import tether
from tests.programs import started
from tests.sc2.fake_game import children, clean_environment, is_running, use_fake, wait_for_end

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")

BATCH = """
import envs, time
env = envs.make("terran_5_vs_5", 1, backend="sc2")
env.reset()
print(env._workers[0].pid, env.game()["pid"], env._folder, flush=True)
time.sleep(600)
"""
TETHERED = """
import os, subprocess, sys, time
command = [sys.executable, "-c", "import time; time.sleep(600)"]
code = f"import sys; sys.path.insert(0, {sys.argv[1]!r}); import tether; "
code += f"tether.main(sys.argv[1:], by_kernel={sys.argv[2]})"
started = subprocess.Popen([sys.executable, "-c", code, str(os.getpid()), *command], stdin=subprocess.PIPE)
print(started.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("victim", ["batch", "worker"])
def test_killing_whom_it_may(victim: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_fake(monkeypatch, tmp_path)
    with started("-c", BATCH, TMPDIR=str(tmp_path)) as (batch, (*pids, folder)):
        worker, game = map(int, pids)
        assert Path(folder).is_dir()
        assert is_running(worker)
        assert is_running(game)
        os.kill(batch.pid if victim == "batch" else worker, signal.SIGKILL)
        assert wait_for_end(worker)
        assert wait_for_end(game)
        assert Path(folder).exists() == (victim == "worker"), "who is killed cannot clean up, so the worker does"


@pytest.mark.parametrize("by_kernel", [True, False], ids=["by the kernel", "by a watch"])
def test_the_tether_alone(by_kernel: bool) -> None:
    """Where the kernel does it, the started process is the game itself; elsewhere the game is its child."""
    with started("-c", TETHERED, str(Path(tether.__file__).parent), str(by_kernel)) as (parent, (pid,)):
        game = int(pid) if by_kernel else _only_child(int(pid))
        assert is_running(game)
        parent.kill()
        assert wait_for_end(game)
        assert wait_for_end(int(pid))


def test_a_watch_ends_its_game_on_request() -> None:
    code = "import sys; from envs.sc2 import tether; tether.main(sys.argv[1:], by_kernel=False)"
    words = [sys.executable, "-c", code, "0", sys.executable, "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, env=clean_environment()) as watch:
        game = _only_child(watch.pid)
        watch.terminate()
        assert wait_for_end(game)
        assert watch.wait(10) == signal.SIGKILL


def test_a_parent_that_ended_before_the_kernel_was_asked() -> None:
    words = [sys.executable, tether.__file__, "1", sys.executable, "-c", "print('the game')"]
    done = subprocess.run(words, capture_output=True, check=False)
    assert done.returncode == tether.PARENT_GONE
    assert done.stdout == b""


def _only_child(pid: int) -> int:
    found: list[int] = []
    while not found:
        assert is_running(pid)
        found = children(pid)
    (child,) = found
    return child
