"""The decorator for every compiled function of the learner, and when they are used."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import torch
from torch import Tensor

from common.machine_code import MachineCode

MACHINE_CODE = MachineCode(
    Path(__file__).parent, "the compiled learner", last=("agent_back.backward_block", "agent_pass.choose")
)
kernel = MACHINE_CODE.kernel


@functools.cache
def announce_compiling() -> None:
    """Say once in a process why the first update begins late, if it does."""
    if not MACHINE_CODE.is_compiled():
        print("compiling the learner, once for this version: about a minute …", file=sys.stderr, flush=True)


def compiled_for(x: Tensor) -> bool:
    """Return whether the compiled passes take such numbers: float32 on a CPU. PyTorch computes all else."""
    return x.device.type == "cpu" and x.dtype == torch.float32
