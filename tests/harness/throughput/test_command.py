"""The command from its flags to its files, on the CPU."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.cli.console import make_console
from harness.policies.trained import read_policy_file
from harness.runs.checkpoint import POLICY, save_policy
from harness.speed.compare_kernels import DeviceLost
from harness.speed.grid_point import PolicyMeasurement
from harness.speed.record import new_record
from harness.speed.timing import TimingContext
from harness.throughput import sweep
from harness.throughput.__main__ import ALL_BATCHES, ALL_HIDDEN, main, read_flags
from harness.throughput.sweep import trained_policy
from studies.store import StudyStore
from tests.harness.conftest import ErrorOf, Printed
from tests.harness.fake_policy import content_of, untrained_policy
from tests.harness.speed.stand_in import ReferenceCutlass, ReferenceFeatures
from tests.limits import file_size_limit

QUICK = ["--device", "cpu", "--hidden", "8,16", "--batches", "30,60"]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peak of a CPU in a small product, no more rounds than needed, no line now and then on a slow machine."""
    monkeypatch.setattr("harness.speed.grid_point.CPU_SIZE", 64)
    monkeypatch.setattr(sweep, "SECONDS", 0.0)
    monkeypatch.setattr(sweep, "LINE_INTERVAL", 3600.0)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The file of results."""
    return tmp_path / "found.json"


def cells_of(out: Path) -> list[dict[str, Any]]:
    """The grid points of a file of results."""
    cells: list[dict[str, Any]] = json.loads(out.read_text())["cells"]
    return cells


def test_the_whole_command_on_a_cpu(out: Path, tmp_path: Path, printed: Printed) -> None:
    picture = tmp_path / "found.png"
    assert main([*QUICK, "--out", str(out), "--plot", str(picture)]) == 0
    output = printed()
    assert output.startswith("k24 on terran_5_vs_5, fresh; ")
    assert "cusparselt: n/a, no CUDA device with sparse tensor cores" in output
    assert f"written: {out}, {tmp_path / 'found.csv'}, {picture}" in output
    cells = cells_of(out)
    points = [(cell["hidden"], cell["batch"], cell["dtype"]) for cell in cells]
    assert points == [(hidden, batch, "float32") for hidden in (8, 16) for batch in (30, 60)]
    for cell in cells:
        assert list(cell["agents"]) == ["dense", "2:4"]
        for work in cell["agents"].values():
            seconds = {name: found["seconds"] for name, found in work["ways"].items()}
            assert min(seconds["dense"], seconds["masked"]) > 0
            assert seconds["cusparselt-search"] is None
    assert picture.stat().st_size > 5_000


def test_with_kernels_the_table_names_them(
    out: Path, tmp_path: Path, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """References in place of the kernels: compressed columns, crossings and thresholds are filled."""
    monkeypatch.setattr(sweep, "all_backends", lambda: (ReferenceCutlass(), ReferenceFeatures()))
    monkeypatch.setattr(sweep, "LINE_INTERVAL", 0.0)
    picture = tmp_path / "found.svg"
    assert main([*QUICK, "--dtypes", "float16", "--out", str(out), "--plot", str(picture)]) == 0
    output = printed()
    assert "Peak, 64³ in float16: dense 0.0" in output
    for gru in ("dense", "2:4"):
        assert re.search(rf"float16, {gru} GRU, batch 30: compressed pays .* \(8: \d+.\d\d ×, 16: \d+.\d\d ×\)", output)
    backend_and_compressing = r" 16 +60 +float16 +2:4 .* × +\d+.\d% +reference +\d+.\d "
    assert re.search(backend_and_compressing, output)
    assert re.search(r"auto reaches 0.98 × dense in \d of 8 agents", output)
    against = r"^auto against masked .* itself in (\d) agents(?:, faster in (\d), slower in (\d), within .* in (\d);)?"
    (found,) = re.finditer(against, output, re.MULTILINE)
    assert sum(int(count or 0) for count in found.groups()) == 8, "each agent is one of these"
    assert re.findall(r"^\d/4 grid points$", output, re.MULTILINE) == [f"{n}/4 grid points" for n in range(5)]
    assert "nothing compressed ran here" not in picture.read_text()


def test_several_scenarios_in_one_file(out: Path, tmp_path: Path, printed: Printed) -> None:
    """One command, one file, a table each; what one scenario has is not measured again beside the other."""
    command = ["--device", "cpu", "--hidden", "8", "--batches", "30", "--out", str(out), "--scenarios"]
    assert main([*command, "3s5z"]) == 0
    first = cells_of(out)
    printed()
    assert main([*command, "terran_5_vs_5,3s5z", "--plot", str(tmp_path / "found.png")]) == 0
    output = printed()
    cells = cells_of(out)
    assert cells[:1] == first
    assert [cell["subject"] for cell in cells] == ["k24 on 3s5z, fresh", "k24 on terran_5_vs_5, fresh"]
    same, other = (cell["layers"]["fc1"]["useful_flops"] for cell in cells)
    assert same == first[0]["layers"]["fc1"]["useful_flops"] != other, "each with the widths of its own scenario"
    for cell in cells:
        assert f"{cell['subject']}: whole agent" in output
        assert f"{cell['subject']}: auto reaches" in output
    assert main([*command, "terran_5_vs_5", "--algo", "qmix"]) == 0, "and another algorithm"
    assert len(cells_of(out)) == 3


def test_a_stopped_run_goes_on_where_it_was(out: Path, printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    measure, count = PolicyMeasurement.measure, []

    def stopped(self: PolicyMeasurement, batch: int) -> object:
        if len(count) == 1:
            raise KeyboardInterrupt
        count.append(batch)
        return measure(self, batch)

    monkeypatch.setattr(PolicyMeasurement, "measure", stopped)
    assert main([*QUICK, "--out", str(out)]) == 130
    first = json.loads(out.read_text())
    assert len(first["cells"]) == 1
    monkeypatch.setattr(PolicyMeasurement, "measure", measure)
    assert main([*QUICK, "--out", str(out), "--minutes", "1e-9"]) == 1
    missing = "3 grid points are missing, the time was up. The same command goes on with the next grid point"
    assert missing in printed()
    assert main([*QUICK, "--out", str(out)]) == 0
    whole = json.loads(out.read_text())
    assert len(whole["cells"]) == 4
    assert (whole["cells"][0], whole["peaks"]) == (first["cells"][0], first["peaks"]), "nothing is measured twice"


def test_a_grid_point_without_memory_is_a_fact_and_a_lost_device_ends_the_run(
    out: Path, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = PolicyMeasurement.measure

    def choosy(self: PolicyMeasurement, batch: int) -> object:
        if self.hidden == 8:
            raise RuntimeError("CUDA out of memory" if batch == 30 else "CUDA error")
        return measure(self, batch)

    def alive(device: object, why: str) -> None:
        if why == "CUDA error":
            raise DeviceLost("CUDA error; the device does not answer any more")

    monkeypatch.setattr(PolicyMeasurement, "measure", choosy)
    monkeypatch.setattr(sweep, "still_alive", alive)
    assert main([*QUICK, "--out", str(out)]) == 1
    output = printed()
    assert "does not answer any more. The same command goes on with the next grid point" in output
    assert [cell["problem"] for cell in cells_of(out)] == ["CUDA out of memory", "CUDA error"]
    assert main([*QUICK, "--out", str(out)]) == 0, "neither is tried again"
    assert len(cells_of(out)) == 4


def test_a_full_disk_costs_no_number(out: Path, tmp_path: Path, printed: Printed) -> None:
    """What was measured is shown, what was stored stays, and each message says what to do; no traceback."""
    picture = tmp_path / "found.png"
    command = ["--device", "cpu", "--hidden", "8", "--out", str(out), "--batches"]
    with file_size_limit(1000):
        assert main([*command, "30", "--plot", str(picture)]) == 1
    output = printed()
    assert re.search(r" 8 +30 +float32 +2:4 ", output), "the table"
    assert f"--out {out} cannot be written (File too large). What was stored in it before is safe. Free some" in output
    assert f"--plot {picture} cannot be written (File too large). Free some space" in output
    assert [file.name for file in tmp_path.iterdir()] == [".found.json.lock"], "no half-written file, no draft"
    assert main([*command, "30"]) == 0
    before = out.read_bytes(), out.with_suffix(".csv").read_bytes()
    with file_size_limit(1000):
        assert main([*command, "30,60"]) == 1
    assert before == (out.read_bytes(), out.with_suffix(".csv").read_bytes())
    assert main([*command, "30,60"]) == 0
    assert len(cells_of(out)) == 2


def test_places_that_cannot_be_written(out: Path, tmp_path: Path, printed: Printed, error_of: ErrorOf) -> None:
    (tmp_path / "taken").write_text("a file where the folder belongs")
    assert "taken cannot be written to" in error_of(main, "--out", str(tmp_path / "taken" / "found.json"))
    out.mkdir()
    assert f"--out {out} is a folder; name a file in it: --out {out}/found.json" in error_of(main, "--out", str(out))
    (tmp_path / "x.csv").mkdir()
    assert main(["--device", "cpu", "--hidden", "8", "--batches", "30", "--out", str(tmp_path / "x.json")]) == 1
    assert f"--out {tmp_path}/x.json cannot be written (Is a directory)" in printed()


def test_what_another_command_has_measured_by_now_is_not_measured_again(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured, measure = [], PolicyMeasurement.measure

    def beside(self: PolicyMeasurement, batch: int) -> object:
        measured.append((self.hidden, batch))
        if len(measured) == 1:  # while the first grid point is measured, another command does the next two
            assert main(["--device", "cpu", "--hidden", "8,16", "--batches", "60", "--out", str(out)]) == 0
        return measure(self, batch)

    monkeypatch.setattr(PolicyMeasurement, "measure", beside)
    assert main([*QUICK, "--out", str(out)]) == 0
    assert measured == [(8, 30), (8, 60), (16, 60), (16, 30)]
    assert len(cells_of(out)) == 4


def test_json_and_nothing_else_on_stdout(printed: Printed) -> None:
    assert main(["--device", "cpu", "--hidden", "8", "--batches", "30", "--algo", "qmix", "--json"]) == 0
    content = json.loads(printed())
    assert list(content["cells"][0]["agents"]) == ["dense"]
    assert list(content["cells"][0]["layers"]["fc2"]["ways"]) == ["dense", "masked"]


def test_a_trained_policy_of_other_settings_is_measured_as_well(tmp_path: Path) -> None:
    out, grus = tmp_path / "results.json", []
    for mask_gru in (False, True):
        save_policy(
            tmp_path / POLICY,
            content_of(untrained_policy("k24", "terran_5_vs_5", rnn_hidden_dim=12, mask_gru=mask_gru)),
        )
        assert main(["--device", "cpu", "--run", str(tmp_path), "--batches", "30", "--out", str(out)]) == 0
        grus.append([list(cell["agents"]) for cell in json.loads(out.read_text())["cells"]])
    assert grus == [[["dense"]], [["dense"], ["2:4"]]]


def test_a_trained_policy_is_measured_as_it_is(tmp_path: Path, printed: Printed) -> None:
    """By its folder: its own hidden size and masks, its dense GRU and no other."""
    made = untrained_policy("k24", "terran_5_vs_5", rnn_hidden_dim=12)
    save_policy(tmp_path / POLICY, content_of(made))
    source = trained_policy(read_policy_file(tmp_path))
    assert (source.label.partition(", settings")[0], source.hidden_sizes) == (
        "k24, 100 env steps on terran_5_vs_5",
        (12,),
    )
    found = source.build(12, "cpu").after["fc3"]
    assert torch.equal(found.masked, made.policy_layers().after["fc3"].masked)
    assert main(["--device", "cpu", "--run", str(tmp_path), "--batches", "30", "--json"]) == 0
    (cell,) = json.loads(printed())["cells"]
    assert (cell["hidden"], list(cell["agents"])) == (12, ["dense"])


def test_all_means_the_whole_grid() -> None:
    grid = read_flags(["--device", "cpu", "--all", "--dtypes", "float16,bfloat16"])
    (source,) = grid.policies
    assert (source.hidden_sizes, grid.batches) == (ALL_HIDDEN, ALL_BATCHES)
    assert (ALL_HIDDEN[0], ALL_HIDDEN[-1], ALL_BATCHES[0], ALL_BATCHES[-1]) == (64, 4096, 256, 2**20)
    assert len(grid.points()) == 7 * 5 * 2
    order = [point.hidden for point in grid.points()]
    assert order == sorted(order), "a policy of one size is made once"


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ("--hidden 64,x", "--hidden 64,x: whole numbers, separated by commas, such as 64,1024"),
        ("--batches 0", "--batches is 0, it must be at least 1"),
        ("--dtypes float8", "unknown dtype 'float8'; did you mean"),
        ("--out x.csv", "--out x.csv: the results are kept as JSON, a CSV file beside it; name it x.json"),
        ("--plot x.gif", "--plot x.gif: a picture ends in .png, .svg, .pdf; name it x.png"),
        ("--algo k25", "unknown algorithm 'k25'; did you mean k24"),
        ("--minutes -1", "--minutes is -1.0, it must be a number above 0"),
        ("--set k24.rnn_hidden_dim=32", "hidden sizes are named by --hidden"),
        ("--algo k24,qmix", "one algorithm is measured at a time: --algo k24, then --algo qmix; the same --out"),
        ("--scenarios 3s5z,terran_5_vs_6", "unknown scenario 'terran_5_vs_6'; did you mean"),
        ("--run runs/x --hidden 64", "--run measures a policy as it was trained"),
        ("--run {0}", "no policy.pt there"),
        ("--run 3 --storage sqlite:///{0}/s.db", "--run 3 names a trial, but there is no database"),
        ("--algo qmix-per-type --device cpu --hidden 8", "does not give its policy layer by layer"),
    ],
)
def test_mistakes_in_the_command(tmp_path: Path, error_of: ErrorOf, flags: str, says: str) -> None:
    assert says in error_of(main, *flags.format(tmp_path).split())


def test_a_study_that_is_not_there(storage: str, error_of: ErrorOf) -> None:
    StudyStore.open(storage, "mine").close()
    error = error_of(main, "--run", "3", "--study", "other", "--storage", storage)
    assert "unknown study 'other'; known: none. It is looked for in" in error


def test_a_timing_context_knows_the_refusals_of_an_earlier_start(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def nothing(grid: object, record: object, context: object) -> list[object]:
        seen.append(dict(context.graphs_refused))  # type: ignore[attr-defined]
        return []

    monkeypatch.setattr(sweep, "measure_missing", nothing)
    grid = read_flags(QUICK)
    record = new_record(grid.device)
    record.graphs_refused = {"cutlass": "not while capturing"}
    sweep.measure(make_console(), grid, record)
    assert seen == [{"cutlass": "not while capturing"}]
    assert TimingContext(grid.device, seconds=0.0).graphs_refused == {}
