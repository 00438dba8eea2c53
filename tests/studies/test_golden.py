"""Databases written by earlier versions open and show what is in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from studies.db.schema import SCHEMA_VERSION
from tests.golden.make_database import restore
from tests.studies.sample import CONFIG, OUTCOMES, RESULT, begin, open_store, query, states

COLUMNS = """
    SELECT t.name, c.name, c."notnull", c.pk FROM sqlite_master t, pragma_table_info(t.name) c
    WHERE t.type = 'table' AND t.name LIKE 'k24_%' ORDER BY 1, 2"""
UNIQUE = """
    SELECT t.name, c.name FROM sqlite_master t, pragma_index_list(t.name) i, pragma_index_info(i.name) c
    WHERE t.type = 'table' AND t.name LIKE 'k24_%' AND i."unique" ORDER BY 1, 2"""


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_a_database_of_this_version_opens_and_goes_on(version: int, path: Path) -> None:
    restore(version, path)
    with open_store(path) as store:
        (row,) = store.rows()
        kept = {name: getattr(row, name) for name in RESULT.__dataclass_fields__}
        assert kept == vars(replace(RESULT, speedup_24=1.25, speedup_24_reason=""))
        assert (row.algorithm, row.seed, row.config, row.trial_number) == ("k24", 1, CONFIG, 0)
        assert [point.win_rate for point in store.curve_points(row.run_id)] == [0.125, 0.5, 0.71875]
        assert store.events(row.run_id) == [(2400, "masks frozen, learning rate 0.0009")]
        assert store.outcomes(row.run_id) == OUTCOMES
        assert begin(store, seed=1).status == "finished"
        failed = begin(store, seed=2)
        assert (failed.status, failed.last_error) == ("resumed", "loss is NaN at 1200 env_steps")
        assert len(failed.curve_points()) == 1
        assert begin(store, seed=3).status == "resumed"
        failed.finish(RESULT)
    assert states(path) == ["COMPLETE", "FAIL", "FAIL", "COMPLETE", "FAIL"]


@pytest.mark.parametrize("shape", [COLUMNS, UNIQUE])
def test_the_tables_did_not_change_without_a_new_version(shape: str, tmp_path: Path) -> None:
    restore(SCHEMA_VERSION, tmp_path / "golden.db")
    open_store(tmp_path / "new.db").close()
    new, golden = (query(tmp_path / name, shape) for name in ("new.db", "golden.db"))
    assert len(new) >= 5
    assert new == golden, "this needs a higher SCHEMA_VERSION and its own golden file (tests/golden/make_database.py)"
