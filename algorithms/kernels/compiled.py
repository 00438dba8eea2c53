"""The decorator for every compiled function of the learner."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

from common.machine_code import MachineCode

MACHINE_CODE = MachineCode(Path(__file__).parent, "the compiled learner")
kernel = MACHINE_CODE.kernel


@functools.cache
def announce_compiling() -> None:
    """Say once in a process why the first update begins late, if it does."""
    if not MACHINE_CODE.is_compiled():
        print("compiling the learner, once for this version: about a minute …", file=sys.stderr, flush=True)
