"""The decorator for every compiled function of the learner."""

from __future__ import annotations

from pathlib import Path

from common.machine_code import MachineCode

MACHINE_CODE = MachineCode(Path(__file__).parent, "the compiled learner")
kernel = MACHINE_CODE.kernel
