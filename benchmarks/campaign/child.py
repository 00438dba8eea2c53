"""A command that dies before its n-th COMMIT, or that may write no large file: ``child N BYTES MODULE FLAGS…``."""

from __future__ import annotations

import os
import resource
import runpy
import signal
import sys
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine


def main() -> None:
    """Arm it and run the command."""
    kill_at, largest, module, *flags = sys.argv[1:]
    if int(largest):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest), int(largest)))
    commits = [0]

    def count(_connection: Any) -> None:
        commits[0] += 1
        if commits[0] == int(kill_at):
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "commit", count)
    sys.argv = [module, *flags]
    runpy.run_module(module, run_name="__main__")


main()
