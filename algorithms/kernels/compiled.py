"""The decorator for every compiled function of the learner, and when they are used."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from common.machine_code import MachineCode

MACHINE_CODE = MachineCode(
    Path(__file__).parent, "the compiled learner", last=("agent_back.backward_block", "agent_pass.choose")
)
kernel = MACHINE_CODE.kernel
announce_compiling = partial(MACHINE_CODE.announce_compiling, "the learner", "about a minute")


def compiled_for(x: Tensor) -> bool:
    """Return whether the compiled passes take such numbers: float32 on a CPU. PyTorch computes all else."""
    return x.device.type == "cpu" and x.dtype == torch.float32
