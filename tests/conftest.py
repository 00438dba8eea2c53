"""Settings for all tests."""

import pytest
from hypothesis import HealthCheck, settings

import harness  # noqa: F401  says how OpenMP threads wait, which must happen before torch is loaded
import tests.no_waiting  # noqa: F401

settings.register_profile("k24", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("k24")  # the same examples every time, however slow the machine is

LONGEST = (
    "tests/docs/test_commands.py",
    "tests/harness/test_compare.py",
    "tests/harness/training/test_bit_for_bit.py",
    "tests/harness/launchers/test_slurm.py",
    "tests/harness/test_tune.py",
    "tests/harness/test_worker.py",
    "tests/harness/training/test_resume.py",
)
"""Files of which each takes half a minute to three: they begin first, so that no process is left alone with one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the others keep their order."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
