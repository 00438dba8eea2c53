"""Throughput in the report: crossings from made-up measurements, and what is said where nothing was measured."""

from __future__ import annotations

from pathlib import Path

from harness.plots.throughput import plot_crossings
from harness.report.throughput import find_records, throughput_section
from harness.runs.provenance import collect
from harness.speed.record import SCHEMA, Record
from harness.speed.results import FormatResult, GridPointResult, WorkResult
from tests.harness.speed.stand_in import timing

GAINS = {64: 0.5, 256: 0.8, 1024: 1.25}
"""Hidden size -> how many times as fast as dense the compressed agent is."""


def made_up() -> Record:
    header = dict(schema=SCHEMA, device_name="a card", torch="2.13.0", cuda="13.0", cusparselt=800)
    header["provenance"] = collect("cpu")
    return Record(header=header, results=[cell(hidden, gain) for hidden, gain in GAINS.items()])


def cell(hidden: int, gain: float, subject: str = "k24 on terran_5_vs_5, fresh") -> GridPointResult:
    again = {"dense": timing(1.0), "masked": timing(1.0), "cusparselt": timing(1.0 / gain)}
    flops = {"dense": 1e9, "masked": 1e9, "cusparselt": 5e8}
    ways = {
        way: FormatResult(seconds=found.seconds, low=found.low, high=found.high, flops=flops[way])
        for way, found in again.items()
    }
    ways["cutlass"] = FormatResult(refused="too small")
    work = WorkResult(useful_flops=1e9, formats=ways, auto="cusparselt" if gain > 1 else "masked", again=again)
    where = dict(policy_label=subject, hidden=hidden, batch=4096, dtype="float16")
    return GridPointResult(**where, rows=4096, slices=1, agents={"2:4": work})


def test_a_file_becomes_plots_and_a_table(tmp_path: Path) -> None:
    made_up().save(tmp_path / "throughput-card.json")
    (tmp_path / "throughput-else.json").write_text("[]")
    (record,), (unread,) = find_records(None, tmp_path)
    assert "throughput-else.json holds no results of harness.throughput" in unread
    compressed, auto = plot_crossings(tmp_path / "plots", record, 0)
    assert compressed.title == "compressed 2:4, float16, 2:4 GRU"
    highest = "Highest: 1.25 times dense at 1,024 with 4,096 decisions"
    assert f"{highest}; 4,096 decisions crosses 1 near 474." in compressed.alt, "256 · 4^((1 − 0.8) / (1.25 − 0.8))"
    assert auto.alt.startswith("Lines over hidden sizes. Highest: 1.25 times dense")
    section = throughput_section([record], [compressed, auto], tmp_path)
    assert "a card with torch 2.13.0, cuSPARSELt 0.8.0" in section.lead[0]
    assert any("pays from between 256 and 1024 hidden units on" in line for line in section.verdicts)
    (table,) = section.tables
    column = table.heads.index("compressed")
    assert [row[column] for row in table.rows] == ["0.50 ×", "0.80 ×", "1.25 ×"]
    assert section.details[0].texts == ["cutlass: n/a, too small (3 times)"]
    assert not section.empty


def test_each_scenario_has_plots_and_a_table(tmp_path: Path) -> None:
    record = made_up()
    record.results += [cell(hidden, 2 * gain, "k24 on 3s5z, fresh") for hidden, gain in GAINS.items()]
    plots = plot_crossings(tmp_path, record, 0)
    whose = ["k24 on terran_5_vs_5, fresh"] * 2 + ["k24 on 3s5z, fresh"] * 2
    assert [subject in plot.title for plot, subject in zip(plots, whose, strict=True)] == [True] * 4
    assert len({file for plot in plots for file in plot.files}) == 8, "no picture overwrites another"
    section = throughput_section([record], plots, tmp_path)
    assert [table.caption.partition(", whole agent")[0] for table in section.tables] == [whose[0], whose[2]]
    assert section.lead[0].startswith("k24 on terran_5_vs_5, fresh; k24 on 3s5z, fresh, measured on a card")


def test_nothing_measured(tmp_path: Path) -> None:
    assert find_records(None, tmp_path) == ([], [])
    section = throughput_section([], [], tmp_path)
    assert section.empty.startswith("Not measured with this study.")
    assert section.code == [f"python -m harness.throughput --all --out {tmp_path}/throughput.json"]
