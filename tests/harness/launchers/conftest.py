"""A PostgreSQL server for workers that are started beyond this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.studies.server import server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with server() as (url, _):
        yield url
