"""What ``harness.measure`` stores of finished runs, beside the decisions/s of ``speed/test_in_turn.py``."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import optuna
import pytest
import torch
from sqlalchemy import select

from harness import measure
from harness.speed.speedup24 import Speedup24
from studies.db.schema import Machine
from studies.store import StudyStore
from tests.harness.conftest import ErrorOf
from tests.studies.sample import RESULT, begin, open_store, turn_reading


@pytest.mark.parametrize(
    ("found", "reason"),
    [(Speedup24(speedup=1.3, reason=None), ""), (Speedup24(speedup=None, reason="no kernel"), "no kernel")],
)
def test_on_a_card_the_speedup_is_measured_again_while_the_machine_is_quiet(
    found: Speedup24, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []

    def speedup(policy: object) -> Speedup24:
        measured.append(policy)
        with store._run_table.db.transaction() as session:
            machines = session.scalars(select(Machine))
            assert all(machine.owner_pid is not None for machine in machines), "no run may begin meanwhile"
        return found

    card, processor = (SimpleNamespace(device=torch.device(kind)) for kind in ("cuda", "cpu"))
    with open_store(tmp_path / "s.db") as store:
        one, other = (begin(store, seed=seed).finish(RESULT) for seed in (1, 2))
        policies = {one.run_id: card, other.run_id: processor}
        monkeypatch.setattr(measure, "_policies", lambda *_: policies)
        monkeypatch.setattr(measure, "measure_in_turn", lambda *_, **__: {run: turn_reading() for run in policies})
        monkeypatch.setattr(measure, "measure_speedup24", speedup)
        assert measure.measure_runs(store, [one, other], tmp_path, message=print) == set(policies)
        after, untouched = store.rows()
    assert measured == [card], "policies on a processor have no card to share"
    assert (after.speedup_24, after.speedup_24_reason) == (found.speedup, reason)
    assert after.details["speedup_24"]["alone"] is True
    assert after.in_turn == untouched.in_turn == turn_reading()


def test_a_wrong_name_makes_no_study(tmp_path: Path, storage: str, error_of: ErrorOf) -> None:
    flags = ["--study", "typo", "--storage", storage]
    assert "There is no database" in error_of(measure.main, *flags)
    assert list(tmp_path.iterdir()) == []
    StudyStore.open(storage, "other").close()
    assert "unknown study 'typo'" in error_of(measure.main, *flags)
    assert "typo" not in optuna.get_all_study_names(storage=storage)
