"""Starts the fake game, which is a process that sleeps."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace


class StarcraftProcess:
    def __init__(self, command: list[str]) -> None:
        self.process = self._launch(SimpleNamespace(cwd=None, env=None), command)
        self.pid = self.process.pid

    def _launch(self, run_config: SimpleNamespace, args: list[str], **kwargs: object) -> subprocess.Popen[bytes]:
        raise AssertionError("every game has to be tethered")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
