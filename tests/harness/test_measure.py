"""What ``harness.measure`` stores of finished runs, beside the decisions/s of ``results/test_in_turn.py``."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
import torch
from sqlalchemy import select

from harness import measure
from harness.cli.common import WRONG_USE
from harness.speed.speedup24 import Speedup24
from studies.db.schema import Machine
from studies.store import StudyStore
from tests.harness.results.rows import turn_reading
from tests.studies.sample import RESULT, begin, open_store


@pytest.mark.parametrize(
    ("found", "reason"),
    [(Speedup24(speedup=1.3, reason=None), ""), (Speedup24(speedup=None, reason="no kernel"), "no kernel")],
)
def test_on_a_card_the_speedup_is_measured_again_while_the_machine_is_quiet(
    found: Speedup24, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[str] = []

    def speedup(policy: object) -> Speedup24:
        held.append(store.url.redacted)
        assert store_is_quiet(), "no run may begin meanwhile"
        return found

    with open_store(tmp_path / "s.db") as store:
        row = begin(store).finish(RESULT)

        def store_is_quiet() -> bool:
            with store._run_table.transaction() as session:
                return all(machine.owner_pid is not None for machine in session.scalars(select(Machine)))

        monkeypatch.setattr(measure, "_policies", lambda *_: {row.run_id: "a policy"})
        monkeypatch.setattr(measure, "on_card", lambda policy: policy == "a policy")
        monkeypatch.setattr(measure, "measure_in_turn", lambda *_, **__: {row.run_id: turn_reading()})
        monkeypatch.setattr(measure, "measure_speedup24", speedup)
        assert measure.measure_runs(store, [row], tmp_path, message=print) == {row.run_id}
        after = store.rows()[0]
    assert len(held) == 1
    assert (after.speedup_24, after.speedup_24_reason) == (found.speedup, reason)
    assert after.details["speedup_24"]["alone"] is True
    assert after.in_turn == turn_reading()


def test_policies_on_a_processor_have_no_card_to_share() -> None:
    class Policy:
        device = torch.device("cpu")

    assert not measure.on_card(Policy())  # type: ignore[arg-type]  # its device is all that is asked for


def test_a_wrong_name_makes_no_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--study", "typo", "--storage", f"sqlite:///{tmp_path}/s.db"]
    assert measure.main(flags) == WRONG_USE
    assert "There is no database" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    with StudyStore.open(f"sqlite:///{tmp_path}/s.db", "other"):
        pass
    assert measure.main(flags) == WRONG_USE
    assert "typo" not in optuna.get_all_study_names(storage=f"sqlite:///{tmp_path}/s.db")
