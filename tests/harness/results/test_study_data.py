"""A study is read while others work on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.results.study_data import collect
from studies.reader import StudyReader
from studies.rows import RunRow, UnfinishedRun
from tests.studies.sample import OUTCOMES, RESULT, begin, open_store, url


@pytest.mark.parametrize("first", ["rows", "unfinished"])
def test_a_run_that_ends_while_the_study_is_read_is_in_it_once(
    first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "studies.db"
    with open_store(path) as store, StudyReader.open(url(path), "compare") as reader:
        run = begin(store)
        read = getattr(reader, first)

        def then_it_ends() -> list[RunRow] | list[UnfinishedRun]:
            found = read()
            run.outcomes(OUTCOMES)
            run.finish(RESULT)
            return found

        monkeypatch.setattr(reader, first, then_it_ends)
        data = collect(reader, "compare")
        assert [found.run_id for *_, found in data.every()] == [run.run_id]
        assert all(data.outcomes(found.run_id) == OUTCOMES for *_, found in data.finished())
