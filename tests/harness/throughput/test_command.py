"""The command from its flags to its files, on the CPU."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest
import torch

import algorithms.registry
import envs.registry
from algorithms.k24 import K24Config
from algorithms.protocol import Algorithm
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
from tests.harness.speed.stand_in import ReferenceCutlass, ReferenceFeatures
from tests.limits import file_size_limit

QUICK = ["--device", "cpu", "--hidden", "8,16", "--batches", "30,60"]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peak of a CPU in a small product, and no more rounds than needed."""
    monkeypatch.setattr("harness.speed.grid_point.CPU_SIZE", 64)
    monkeypatch.setattr(sweep, "SECONDS", 0.0)


def error_of(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert main(argv) == 2
    return capsys.readouterr().err


def test_the_whole_command_on_a_cpu(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, picture = tmp_path / "found.json", tmp_path / "found.png"
    assert main([*QUICK, "--out", str(out), "--plot", str(picture)]) == 0
    output = capsys.readouterr().out
    assert output.startswith("k24 on terran_5_vs_5, fresh; ")
    assert "cusparselt: n/a, no CUDA device with sparse tensor cores" in output
    assert f"written: {out}, {tmp_path / 'found.csv'}, {picture}" in output
    content = json.loads(out.read_text())
    points = [(cell["hidden"], cell["batch"], cell["dtype"]) for cell in content["cells"]]
    assert points == [(hidden, batch, "float32") for hidden in (8, 16) for batch in (30, 60)]
    for cell in content["cells"]:
        assert list(cell["agents"]) == ["dense", "2:4"]
        for work in cell["agents"].values():
            assert work["ways"]["dense"]["seconds"] > 0
            assert work["ways"]["masked"]["seconds"] > 0
            assert work["ways"]["cusparselt-search"]["seconds"] is None
    assert picture.stat().st_size > 5_000


def test_with_kernels_the_table_names_them(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    """References in place of the kernels: compressed columns, crossings and thresholds are filled."""
    monkeypatch.setattr(sweep, "all_backends", lambda: (ReferenceCutlass(), ReferenceFeatures()))
    monkeypatch.setattr(sweep, "LINE_INTERVAL", 0.0)
    out, picture = tmp_path / "found.json", tmp_path / "found.svg"
    assert main([*QUICK, "--dtypes", "float16", "--out", str(out), "--plot", str(picture)]) == 0
    output = capsys.readouterr().out
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


def test_several_scenarios_in_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One command, one file, a table each; what one scenario has is not measured again beside the other."""
    out = tmp_path / "found.json"
    command = ["--device", "cpu", "--hidden", "8", "--batches", "30", "--out", str(out), "--scenarios"]
    assert main([*command, "3s5z"]) == 0
    first = json.loads(out.read_text())["cells"]
    capsys.readouterr()
    assert main([*command, "terran_5_vs_5,3s5z", "--plot", str(tmp_path / "found.png")]) == 0
    output = capsys.readouterr().out
    cells = json.loads(out.read_text())["cells"]
    assert cells[:1] == first
    assert [cell["subject"] for cell in cells] == ["k24 on 3s5z, fresh", "k24 on terran_5_vs_5, fresh"]
    same, other = (cell["layers"]["fc1"]["useful_flops"] for cell in cells)
    assert same == first[0]["layers"]["fc1"]["useful_flops"] != other, "each with the widths of its own scenario"
    for cell in cells:
        assert f"{cell['subject']}: whole agent" in output
        assert f"{cell['subject']}: auto reaches" in output
    assert main([*command, "terran_5_vs_5", "--algo", "qmix"]) == 0, "and another algorithm"
    assert len(json.loads(out.read_text())["cells"]) == 3


def test_a_stopped_run_goes_on_where_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "found.json"
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
    assert missing in capsys.readouterr().out
    assert main([*QUICK, "--out", str(out)]) == 0
    whole = json.loads(out.read_text())
    assert len(whole["cells"]) == 4
    assert (whole["cells"][0], whole["peaks"]) == (first["cells"][0], first["peaks"]), "nothing is measured twice"


def test_a_grid_point_without_memory_is_a_fact_and_a_lost_device_ends_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
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
    out = tmp_path / "found.json"
    assert main([*QUICK, "--out", str(out)]) == 1
    output = capsys.readouterr().out
    assert "does not answer any more. The same command goes on with the next grid point" in output
    assert [cell["problem"] for cell in json.loads(out.read_text())["cells"]] == ["CUDA out of memory", "CUDA error"]
    assert main([*QUICK, "--out", str(out)]) == 0, "neither is tried again"
    assert len(json.loads(out.read_text())["cells"]) == 4


def test_a_full_disk_costs_no_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was measured is shown, what was stored stays, and each message says what to do; no traceback."""
    out, picture = tmp_path / "found.json", tmp_path / "found.png"
    command = ["--device", "cpu", "--hidden", "8", "--out", str(out), "--batches"]
    with file_size_limit(1000):
        assert main([*command, "30", "--plot", str(picture)]) == 1
    output = capsys.readouterr().out
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
    assert len(json.loads(out.read_text())["cells"]) == 2


def test_places_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").write_text("a file where the folder belongs")
    (tmp_path / "found.json").mkdir()
    assert "taken cannot be written to" in error_of(capsys, "--out", str(tmp_path / "taken" / "found.json"))
    folder = f"--out {tmp_path}/found.json is a folder; name a file in it: --out {tmp_path}/found.json/found.json"
    assert folder in error_of(capsys, "--out", str(tmp_path / "found.json"))
    (tmp_path / "x.csv").mkdir()
    assert main(["--device", "cpu", "--hidden", "8", "--batches", "30", "--out", str(tmp_path / "x.json")]) == 1
    assert f"--out {tmp_path}/x.json cannot be written (Is a directory)" in capsys.readouterr().out


def test_what_another_command_has_measured_by_now_is_not_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, measured = tmp_path / "found.json", []
    measure = PolicyMeasurement.measure

    def beside(self: PolicyMeasurement, batch: int) -> object:
        measured.append((self.hidden, batch))
        if len(measured) == 1:  # while the first grid point is measured, another command does the next two
            assert main(["--device", "cpu", "--hidden", "8,16", "--batches", "60", "--out", str(out)]) == 0
        return measure(self, batch)

    monkeypatch.setattr(PolicyMeasurement, "measure", beside)
    assert main([*QUICK, "--out", str(out)]) == 0
    assert measured == [(8, 30), (8, 60), (16, 60), (16, 30)]
    assert len(json.loads(out.read_text())["cells"]) == 4


def test_json_and_nothing_else_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--device", "cpu", "--hidden", "8", "--batches", "30", "--algo", "qmix", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert list(content["cells"][0]["agents"]) == ["dense"]
    assert list(content["cells"][0]["layers"]["fc2"]["ways"]) == ["dense", "masked"]


def save_trained(folder: Path, config: K24Config) -> Algorithm:
    """Write a policy as a run leaves it."""
    spec = envs.registry.make("terran_5_vs_5", 1, seed=0).spec
    made = algorithms.registry.make("k24", spec, config, total_env_steps=100, seed=3)
    identity = {
        "algorithm": {"name": "k24", **dataclasses.asdict(config)},
        "env": {"scenario": "terran_5_vs_5", "fight": {}},
        "train": {"env_steps": 100},
    }
    save_policy(folder / POLICY, {"identity": identity, "algorithm": made.state_dict(), "env_steps": 100})
    return made


def test_a_trained_policy_of_other_settings_is_measured_as_well(tmp_path: Path) -> None:
    out, grus = tmp_path / "results.json", []
    for mask_gru in (False, True):
        save_trained(tmp_path, K24Config(rnn_hidden_dim=12, mask_gru=mask_gru))
        assert main(["--device", "cpu", "--run", str(tmp_path), "--batches", "30", "--out", str(out)]) == 0
        grus.append([list(cell["agents"]) for cell in json.loads(out.read_text())["cells"]])
    assert grus == [[["dense"]], [["dense"], ["2:4"]]]


def test_a_trained_policy_is_measured_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By its folder: its own hidden size and masks, its dense GRU and no other."""
    made = save_trained(tmp_path, K24Config(rnn_hidden_dim=12))
    source = trained_policy(read_policy_file(tmp_path))
    assert (source.label.partition(", settings")[0], source.hidden_sizes) == (
        "k24, 100 env steps on terran_5_vs_5",
        (12,),
    )
    found = source.build(12, "cpu").after["fc3"]
    assert torch.equal(found.masked, made.policy_layers().after["fc3"].masked)
    assert main(["--device", "cpu", "--run", str(tmp_path), "--batches", "30", "--json"]) == 0
    (cell,) = json.loads(capsys.readouterr().out)["cells"]
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
def test_mistakes_in_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: str, says: str) -> None:
    assert says in error_of(capsys, *flags.format(tmp_path).split())


def test_a_study_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    storage = f"sqlite:///{tmp_path}/none.db"
    StudyStore.open(storage, "mine").close()
    error = error_of(capsys, "--run", "3", "--study", "other", "--storage", storage)
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
