"""The decorator for every compiled function of the engine; no fastmath, so that results are the same everywhere."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from common.machine_code import MachineCode

ENGINE_FOLDER = Path(__file__).parent
MACHINE_CODE = MachineCode(ENGINE_FOLDER, "the compiled engine", last=("step.step_one_by_one", "step.step_in_parallel"))
kernel = MACHINE_CODE.kernel
is_compiled = MACHINE_CODE.is_compiled
announce_compiling = partial(MACHINE_CODE.announce_compiling, "the battle engine", "a minute or two")
