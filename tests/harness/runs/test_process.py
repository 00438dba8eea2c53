"""What is set once for the whole process."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest
import torch

from harness.cli.common import ALL_DONE
from tests.harness.conftest import Compare

PAGES = """
import resource
import numpy as np
from harness.runs.process import prepare_process

if {kept}:
    prepare_process(deterministic=False)
for round in range(20):
    if round == 10:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    array = np.ones(100_000_000, np.uint8)
    del array
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*, kept: bool) -> int:
    """Pages that the system had to hand out for ten arrays of 100 MB, each freed before the next."""
    done = subprocess.run([sys.executable, "-c", PAGES.format(kept=kept)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc has such a setting")
def test_freed_memory_is_used_again() -> None:
    assert faults(kept=True) < faults(kept=False) / 4


THREADS = """
import numba, torch
from harness.runs.process import prepare_process

if {kept}:
    prepare_process(deterministic=False)
numba.set_num_threads(2)
print(torch.get_num_threads())
"""


@pytest.mark.parametrize(("kept", "threads"), [(True, 1), (False, 2)])
def test_the_engines_threads_leave_those_of_torch_alone(kept: bool, threads: int) -> None:
    """Numba sets both when it starts its own; without the preparation that is seen."""
    own = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2"}
    command = [sys.executable, "-c", THREADS.format(kept=kept)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=own)
    assert int(done.stdout) == threads


def test_deterministic_operations_are_asked_for(compare: Compare) -> None:
    flags = ("--algos", "qmix", "--env-steps", "80")
    assert compare(*flags, "--deterministic") == ALL_DONE
    assert torch.are_deterministic_algorithms_enabled()
    assert compare(*flags) == ALL_DONE
    assert not torch.are_deterministic_algorithms_enabled()
