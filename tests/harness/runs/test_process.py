"""What is set once for the whole process."""

from __future__ import annotations

import platform

import pytest
import torch

from harness.cli.common import ALL_DONE
from tests.harness.conftest import Compare
from tests.programs import output_of

MEMORY = """
import numpy as np
from harness.runs.process import prepare_process

if {prepared}:
    prepare_process(deterministic=False)

def resident():
    with open("/proc/self/statm") as numbers:
        return int(numbers.read().split()[1]) * 4096

before = resident()
np.ones(20_000_000, np.uint8)  # after this glibc takes pieces of up to 20 MB from its heap
arrays, between = [], []
for _ in range(40):
    arrays.append(np.ones(5_000_000, np.uint8))
    between.append(np.ones(100_000, np.uint8))
del arrays
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc has such a setting")
def test_freed_memory_is_returned() -> None:
    """Bytes that a process still holds after it freed 200 MB in pieces with smaller ones between them."""
    assert int(output_of("-c", MEMORY.format(prepared=False))) > 150_000_000
    assert int(output_of("-c", MEMORY.format(prepared=True))) < 50_000_000


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
    printed = output_of("-c", THREADS.format(kept=kept), OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="2")
    assert int(printed) == threads


def test_deterministic_operations_are_asked_for(compare: Compare) -> None:
    for flags, expected in ((["--deterministic"], True), ([], False)):
        assert compare("--algos", "qmix", "--env-steps", "80", *flags) == ALL_DONE
        assert torch.are_deterministic_algorithms_enabled() == expected
