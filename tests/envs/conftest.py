"""Settings for all tests of battles."""

from collections.abc import Iterator

import pytest

from envs import registry
from envs.battle import terrain
from envs.battle.unit_types import unit_types


@pytest.fixture(autouse=True)
def _forget_what_a_test_registers() -> Iterator[None]:
    with registry.scenarios.preserved(), terrain.terrains.preserved(), unit_types.preserved():
        yield
