"""Crossings, thresholds, tables, picture and file of a record."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from matplotlib.figure import Figure
from rich.console import Console

from benchmarks.learner.roofline import LayerProduct, agent, tables
from harness.cli.errors import UsageError
from harness.plots.style import series
from harness.plots.throughput import Point, crossing, draw_gains, offset_of, plot
from harness.speed.record import Record, new_record, open_record, read_record
from harness.speed.results import FormatResult, Gain, GridPointResult, Peak, WorkResult
from harness.throughput.tables import (
    agent_thresholds,
    auto_thresholds,
    conclusions,
    crossings,
    cusparselt_version,
    library_warnings,
    print_tables,
)
from studies.db.errors import StorageError
from tests.harness.speed.stand_in import timing

CPU = torch.device("cpu")
ROOT = Path(__file__).parents[3]
POLICY = "k24 on a made-up scenario"


def format_result(seconds: float, flops: float = 1e9) -> FormatResult:
    spread = dict(low=0.9 * seconds, high=1.1 * seconds)
    return FormatResult(seconds=seconds, **spread, error=1e-3, flops=flops, nbytes=1_000_000)


def gain(times: float, low: float, high: float) -> Gain:
    return Gain(times=times, low=low, high=high)


def work(
    dense: float, masked: float, sparse: float | None, auto: str, *, again: dict[str, float] | None = None
) -> WorkResult:
    """An agent or layer with made-up seconds; None: the backend refused. Second rounds say the same or ``again``."""
    compressed = format_result(sparse, 0.5e9) if sparse else FormatResult(refused="no such kernel")
    formats = {"dense": format_result(dense), "masked": format_result(masked), "cusparselt-search": compressed}
    second = {name: found.seconds for name, found in formats.items() if found.seconds} | (again or {})
    return WorkResult(
        useful_flops=1e9, formats=formats, auto=auto, again={name: timing(seconds) for name, seconds in second.items()}
    )


def result(
    hidden: int, batch: int, made: WorkResult, layer: WorkResult | None = None, policy_label: str = POLICY
) -> GridPointResult:
    point = dict(policy_label=policy_label, hidden=hidden, batch=batch, rows=batch, slices=1, dtype="float16")
    works = dict(layers={"gru_hh": layer or made}, agents={"2:4": made})
    return GridPointResult(**point, **works, conversion_seconds={"cusparselt-search": 0.007})


def record() -> Record:
    """64 units: slower compressed; 2048: as fast; 4096: faster. One batch where the backend refuses."""
    made = new_record(CPU)
    made.peaks["float16"] = Peak(size=8192, dtype="float16", work=work(1.0, 1.0, 0.8, "cusparselt-search"))
    made.results = [
        result(64, 1000, work(1.0, 1.25, 2.0, "masked")),
        result(2048, 1000, work(1.0, 1.02, 1.0, "cusparselt-search")),
        result(4096, 1000, work(1.0, 1.0, 0.8, "cusparselt-search"), layer=work(1.0, 1.0, 0.75, "cusparselt-search")),
        result(4096, 2000, work(1.0, 1.0, None, "masked")),
    ]
    return made


def test_the_crossing_is_given_for_each_batch() -> None:
    assert crossings(record().results) == [
        "float16, 2:4 GRU, batch 1,000: compressed pays from between 2048 and 4096 hidden units on, no difference "
        "within the spread at 2048 (64: 0.50 ×, 2048: 1.00 ×, 4096: 1.25 ×)"
    ]
    always = [result(64, 10, work(1.0, 1.0, 0.5, "masked")), result(128, 20, work(1.0, 1.0, 1.5, "masked"))]
    assert [line.partition("compressed ")[2] for line in crossings(always)] == [
        "pays at every hidden size measured (64: 2.00 ×)",
        "pays at none measured (128: 0.67 ×)",
    ]
    falls = [result(64, 10, work(1.0, 1.0, 0.5, "masked")), result(128, 10, work(1.0, 1.0, 1.5, "masked"))]
    assert crossings(falls)[0].endswith("compressed pays at 64 only (64: 2.00 ×, 128: 0.67 ×)")


def test_a_gain_within_the_spread_is_no_crossing() -> None:
    assert [gain(*each).side for each in ((1.3, 1.1, 1.5), (1.1, 0.9, 1.3), (0.8, 0.7, 0.9))] == [1, 0, -1]
    slow, level, above = work(1.0, 1.0, 1.5, "masked"), work(1.0, 1.0, 1.05, "masked"), work(1.0, 1.0, 0.9, "masked")
    results = [result(64, 10, slow), result(128, 10, level), result(256, 10, above)]
    assert crossings(results)[0].endswith(
        "compressed pays at none measured, no difference within the spread at 128 and 256 "
        "(64: 0.67 ×, 128: 0.95 ×, 256: 1.11 ×)"
    )


def test_auto_is_held_against_dense_and_against_masked() -> None:
    assert auto_thresholds(record().results) == [
        "auto reaches 0.98 × dense in 3 of 4 agents; lowest 0.80 × [0.65, 0.98] (hidden 64, batch 1,000, float16, 2:4 "
        "GRU)",
        "auto against masked dense, which computes the same: is masked dense itself in 2 agents, faster in 1, slower "
        "in 0, within the spread in 1; lowest 1.02 × [0.83, 1.25] (hidden 2048, batch 1,000, float16, 2:4 GRU)",
    ]
    assert auto_thresholds([]) == []


def test_what_was_chosen_can_turn_out_slower() -> None:
    """The fastest of the first rounds may lose in the second: the sentence says so."""
    lucky = work(1.0, 1.0, 0.8, "cusparselt-search", again={"cusparselt-search": 1.3})
    assert (lucky.first_gain("cusparselt-search"), lucky.gain("cusparselt-search").times) == (1.25, 1.0 / 1.3)
    lines = auto_thresholds([result(64, 10, lucky)])
    where = "(hidden 64, batch 10, float16, 2:4 GRU)"
    assert lines[0] == f"auto reaches 0.98 × dense in 0 of 1 agents; lowest 0.77 × [0.63, 0.94] {where}"
    assert lines[1].endswith(f"faster in 0, slower in 1, within the spread in 0; lowest 0.77 × [0.63, 0.94] {where}")
    assert crossings([result(64, 10, lucky)])[0].endswith("compressed pays at none measured (64: 0.77 ×)")


def test_the_agent_is_held_against_the_best_product_of_the_run() -> None:
    assert agent_thresholds(record()) == [
        "float16: whole agent 1.25 × [1.02, 1.53] dense (hidden 4096, batch 1,000, 2:4 GRU), best single product 1.33 "
        "× [1.09, 1.63] (gru_hh, hidden 4096, batch 1,000): 0.94 of it, threshold 0.9 met"
    ]
    small = record()
    small.results = small.results[:1]
    assert agent_thresholds(small) == [], "nothing of 2048 units was measured"
    slow = record()
    slow.results = slow.results[1:2]
    assert agent_thresholds(slow)[0].endswith(
        "best single product 1.25 × [1.02, 1.53] (8192³): 0.80 of it, threshold 0.9 not met"
    )


def test_the_best_is_chosen_by_the_first_rounds_and_its_gain_is_that_of_the_second() -> None:
    made = record()
    lucky = work(1.0, 1.0, 0.5, "cusparselt-search", again={"cusparselt-search": 1.0})
    made.results.append(result(4096, 3000, lucky))
    (line,) = agent_thresholds(made)
    assert line.startswith("float16: whole agent 1.00 × [0.82, 1.22] dense (hidden 4096, batch 3,000, 2:4 GRU), best ")
    assert "best single product 1.00 × [0.82, 1.22] (gru_hh, hidden 4096, batch 3,000): 1.00 of it" in line


def test_the_drawn_crossing_lies_on_the_line() -> None:
    def line(*times: float, spread: float = 0.05) -> list[Point]:
        return [(64.0 * 4**n, gain(each, each - spread, each + spread)) for n, each in enumerate(times)]

    assert crossing(line(0.5, 1.5)) == pytest.approx(128.0)
    assert crossing(line(1.5, 0.5, 1.5)) == pytest.approx(512.0)
    assert crossing(line(0.5, 1.0, 1.5)) == pytest.approx(256.0), "where the medians rise, the middle one undecided"
    assert crossing(line(0.5, 1.02)) is None, "not beyond the spread"
    assert crossing(line(0.98, 1.5)) is None
    assert crossing(line(0.5, 0.9)) is None
    assert crossing(line(1.5)) is None


def test_bars_reach_from_quartile_to_quartile() -> None:
    axes = Figure().add_subplot()
    draw_gains(axes, [(64.0, gain(0.5, 0.4, 0.7)), (256.0, gain(1.5, 1.2, 1.6))], 0.0, series(0), "one batch")
    assert axes.lines[-1].get_xydata().tolist() == [[pytest.approx(128.0), 1.0]], "a stroke where it crosses"
    assert [offset_of(number, 3) for number in range(3)] == [-1.0, 0.0, 1.0]
    assert offset_of(0, 1) == 0.0
    (bars,) = axes.containers[0].lines[2]
    ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
    assert ends == [pytest.approx([0.4, 0.7]), pytest.approx([1.2, 1.6])]


def tables_of(made: Record, width: int = 220) -> str:
    """What the command prints."""
    text = io.StringIO()
    print_tables(Console(file=text, width=width), made)
    return text.getvalue()


def test_the_tables_say_what_was_measured_and_what_was_not(tmp_path: Path) -> None:
    made = record()
    made.graphs_refused = {"cusparselt": "operation not permitted when stream is capturing"}
    made.results.append(dataclasses.replace(made.results[0], batch=9, layers={}, agents={}, problem="out of memory"))
    output = tables_of(made)
    assert "Peak, 8192³ in float16: dense 0.00 TFLOP/s; cusparselt-search 1.25 × ± 20.2%" in output
    assert "out of memory" in output
    assert "cusparselt-search: n/a, no such kernel (2 times)" in output
    assert "cusparselt: no CUDA graph (operation not permitted when stream is capturing)" in output
    rows = {" ".join(line.split()[:4]): " ".join(line.split()[4:]) for line in output.splitlines()}
    cells = "1,000 10.0% 0.98 × 1.00 × 20.2% cusparselt-search 7.0 1.00 × 20.2% cusparselt-search 50% 1.0"
    assert rows["2048 1,000 float16 2:4"] == cells
    assert "n/a" in rows["4096 2,000 float16 2:4"], "refused"
    assert all(line in output for line in conclusions(made))
    for name in ("picture.png", "picture.svg"):
        plot(tmp_path / name, made)
        assert (tmp_path / name).stat().st_size > 5_000


def test_several_policies_have_their_own_tables(tmp_path: Path) -> None:
    made = record()
    other = result(64, 1000, work(1.0, 1.0, 0.5, "cusparselt-search"), policy_label="k24 on another")
    made.results.insert(1, other)
    assert {label: len(part.results) for label, part in made.by_policy().items()} == {POLICY: 4, "k24 on another": 1}
    lines = conclusions(made)
    assert lines[: len(conclusions(record()))] == [f"{POLICY}: {line}" for line in conclusions(record())]
    assert f"k24 on another: {crossings([other])[0]}" in lines
    output = tables_of(made)
    assert output.startswith(f"{POLICY}; k24 on another; {made.header['device_name']}, torch ")
    first, _, second = output.partition("k24 on another: whole agent")
    rows = [[line.split()[:4] for line in text.splitlines()] for text in (first, second)]
    assert [each.count(["64", "1,000", "float16", "2:4"]) for each in rows] == [1, 1], "a table of its own each"
    plot(tmp_path / "found.svg", made)
    assert (tmp_path / "found.svg").read_text().count("made-up scenario<") == 2, "above both panels"


def test_the_tables_fit_a_narrow_terminal() -> None:
    output = tables_of(record(), width=80)
    rows = [line for line in output.splitlines() if " float16 " in line]
    assert rows, "the key columns are repeated in each part"
    assert max(map(len, rows)) <= 80
    assert "…" not in output


def test_the_file_comes_back_as_it_was(tmp_path: Path) -> None:
    path, made = tmp_path / "found.json", record()
    made.save(path)
    back = open_record(path, CPU)
    assert (back.results, back.peaks, back.header) == (made.results, made.peaks, made.header)
    points = {(64, 1000), (2048, 1000), (4096, 1000), (4096, 2000)}
    assert back.done() == {(POLICY, hidden, batch, "float16") for hidden, batch in points}
    assert sorted(file.name for file in tmp_path.iterdir() if file.suffix != ".lock") == ["found.csv", "found.json"]
    with (tmp_path / "found.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 2 * 3, "grid points, parts, formats"
    where = {"hidden": "4096", "batch": "1000", "part": "agent, 2:4 GRU", "auto": "True"}
    (row,) = (row for row in rows if where.items() <= row.items())
    assert (row["way"], float(row["gain_over_dense"])) == ("cusparselt-search", 1.25)
    expected = dict(gain_low=0.9 / (0.8 * 1.1), first_gain=1.25, again_seconds=0.8, share_of_peak=0.5 / 0.8)
    expected |= dict(executed_tflops=0.5e9 / 0.8 / 1e12, useful_tflops=1e9 / 0.8 / 1e12)
    assert {name: float(row[name]) for name in expected} == pytest.approx(expected)


def test_a_file_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    """Its keys ``cells``, ``subject`` and ``ways`` are kept; the file is written back as it was."""
    timing = {"seconds": 1.0, "low": 0.9, "high": 1.1, "repeats": 5, "inner": 1}
    dense = {"refused": "", "seconds": 1.0, "low": 0.9, "high": 1.1, "graph": False, "eager_seconds": 1.0}
    dense |= {"error": None, "flops": 1e9, "nbytes": 8, "peak_bytes": 0, "setting": ""}
    stored = {"useful_flops": 1e9, "ways": {"dense": dense}, "auto": "", "again": {"dense": timing}, "plan": {}}
    cell = {"subject": "k24 on 3s5z, fresh", "hidden": 64, "batch": 8, "rows": 8, "slices": 1, "dtype": "float16"}
    cell |= {"layers": {"fc1": stored}, "agents": {"2:4": stored}, "conversion_seconds": {}, "problem": ""}
    peaks = {"float16": {"size": 8192, "dtype": "float16", "work": stored}}
    content = {**new_record(CPU).header, "graphs_refused": {}, "peaks": peaks, "cells": [cell]}
    path = tmp_path / "found.json"
    path.write_text(json.dumps(content))
    back = open_record(path, CPU)
    assert back.results[0].point == ("k24 on 3s5z, fresh", 64, 8, "float16")
    assert back.results[0].agents["2:4"].formats["dense"].seconds == 1.0
    assert back.peaks["float16"].flops_per_second == 1e9
    assert json.dumps(json.loads(back.as_json())) == json.dumps(content), "in the same order too"


def test_two_commands_fill_one_file(tmp_path: Path) -> None:
    """Both began with an empty file, and neither knows of the other's results until it saves."""
    path, (first, second, third, fourth) = tmp_path / "found.json", record().results
    one, other = new_record(CPU), new_record(CPU)
    one.results, one.graphs_refused = [first], {"cutlass": "no"}
    one.save(path)
    mine = result(first.hidden, first.batch, work(9.0, 9.0, 9.0, "masked"))
    other.results, other.peaks = [mine, second], record().peaks
    other.save(path)
    assert other.results == [first, second], "what was there first stays, and is known from now on"
    one.results.append(third)
    one.save(path)
    assert one.results == [first, second, third]
    assert (one.peaks, other.graphs_refused) == (record().peaks, {"cutlass": "no"})
    assert read_record(path).results == one.results
    one.header["device_name"] = "another card"
    one.results.append(fourth)
    with pytest.raises(UsageError, match="here it is 'another card'; name another file"):
        one.save(path)
    assert len(read_record(path).results) == 3


def test_many_at_once_lose_nothing(tmp_path: Path) -> None:
    """Each adds its own results to one file at the same time; the lock holds between threads too."""
    path = tmp_path / "found.json"

    def fill(hidden: int) -> None:
        made = new_record(CPU)
        for batch in (10, 20, 30):
            made.results.append(result(hidden, batch, work(1.0, 1.0, 0.8, "masked")))
            made.save(path)

    with ThreadPoolExecutor() as pool:
        list(pool.map(fill, (1, 2, 3, 4)))
    wanted = {(POLICY, hidden, batch, "float16") for hidden in (1, 2, 3, 4) for batch in (10, 20, 30)}
    assert read_record(path).done() == wanted
    with path.with_suffix(".csv").open() as file:
        assert len(list(csv.DictReader(file))) == 12 * 2 * 3
    assert not list(tmp_path.glob(".*.part*"))


def test_a_file_that_is_held_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "found.json"
    monkeypatch.setattr("harness.speed.record.LOCK_SECONDS", 0.05)
    message = r"found.json is held by another command .* fuser -v .*\.found.json.lock; then"
    with FileLock(tmp_path / ".found.json.lock"), pytest.raises(StorageError, match=message):
        record().save(path)
    assert not path.exists()


def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    record().save(path)
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "device_name": "a card"}))
    with pytest.raises(UsageError, match=r"device_name = 'a card', here it is .*name another file"):
        open_record(path, CPU)
    path.write_text(json.dumps({**content, "schema": 1}))
    for read in (read_record, lambda path: open_record(path, CPU)):
        with pytest.raises(UsageError, match=r"other.json holds results of schema 1, .* reads 2 .*; measure again: py"):
            read(path)
    for text in ("not JSON", "[]", '{"cells": []}'):
        path.write_text(text)
        with pytest.raises(UsageError, match=r"other.json is not a file of this command .*name another file"):
            open_record(path, CPU)


def test_limits_are_those_of_the_data_sheet() -> None:
    large = LayerProduct(rows=2**20, out_features=12288, in_features=4096, groups=3)
    assert large.flops == pytest.approx(1.0555e14, rel=1e-3)
    assert large.seconds("dense") == pytest.approx(large.flops / 989e12)
    assert (large.bound, large.most_gain) == ("cores", pytest.approx(2.0, rel=1e-2))
    small = LayerProduct(rows=256, out_features=64, in_features=64, groups=3)
    assert (small.bound, small.most_gain) == ("kernels", pytest.approx(1 / 3))
    assert small.nbytes(compressed=True, groups=3) == 2 * (256 * 128 + 3 * 64 * 64 * 9 / 16)
    narrow = LayerProduct(rows=2**20, out_features=11, in_features=4096, groups=3)
    assert (narrow.bound, narrow.most_gain) == ("memory", pytest.approx(1.0, rel=1e-2))
    dense, compressed = agent(4096, 2**20, inputs=98, actions=11, groups=3)
    assert 1.5 < dense / compressed < 2.0


def test_the_document_holds_the_computed_tables() -> None:
    assert tables() in (ROOT / "docs" / "throughput.md").read_text()


@pytest.mark.parametrize(("number", "name"), [(602, "0.6.2"), (701, "0.7.1"), (800, "0.8.0"), (1002, "1.0.2")])
def test_the_sparse_library_is_named_by_its_version(number: int, name: str) -> None:
    assert cusparselt_version(number) == name


def test_the_version_that_is_slow_on_hopper_is_warned_of() -> None:
    (line,) = library_warnings({"cusparselt": 800})
    assert line.startswith("cuSPARSELt 0.8.0 is called slow on Hopper")
    assert library_warnings({"cusparselt": 701}) == library_warnings({"cusparselt": None}) == []
