"""``harness.patterns`` on finished runs of the fake world: tables, CSV, pictures, mistakes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from harness.patterns import main
from studies.store import StudyStore
from tests.harness.conftest import Compare, ErrorOf, Printed


@pytest.fixture
def own(tmp_path: Path, storage: str) -> list[str]:
    """Flags that name the test's own study."""
    return ["--storage", storage, "--out", str(tmp_path / "runs"), "--study", "s"]


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_tables_csv_and_pictures(
    compare: Compare, own: list[str], storage: str, tmp_path: Path, printed: Printed
) -> None:
    small = [f"--set={id}.rnn_hidden_dim=16" for id in ("k24", "kalei", "k24-magnitude", "qmix")]
    many = ["--set", "kalei.threshold_init_bias=1", "--set", "k24.mask_gru=true", *small]
    compare("--algos", "k24,kalei,k24-magnitude,qmix", "--study", "s", "--env-steps", "200", *many)
    printed()
    assert main(own) == 0
    said = printed()
    assert "k24 fake seed 0 (200 env steps, config " in said
    assert "kalei fake seed 0" in said
    assert "qmix fake" not in said, "a dense policy has no masks to show"
    assert "agrees with others" in said
    assert "(50%); total " in said

    folder = tmp_path / "runs" / "s" / "patterns"
    masks = lines(folder / "patterns.csv")
    k24 = [line for line in masks if line["algorithm"] == "k24"]
    assert [line["layer"] for line in k24[::2]] == ["fc1", "gru_ih", "gru_hh", "fc2", "fc3", "fc4"]
    assert {line["group"] for line in k24} == {"left", "right"}
    for line in k24:
        shares = [float(value) for name, value in line.items() if name.startswith("pattern_")]
        assert (len(shares), sum(shares)) == (6, pytest.approx(1))
        assert 0.4 < float(line["flops_kept"]) / float(line["flops_dense"]) < 0.6
    kalei = [line for line in masks if line["algorithm"] == "kalei"]
    assert all(line["pattern_1100"] == "" and 0 < float(line["sparsity"]) < 1 for line in kalei)
    assert {line["group"] for line in masks if line["algorithm"] == "k24-magnitude"} == {"all"}

    measures = {(line["algorithm"], line["measure"]) for line in lines(folder / "training.csv")}
    assert {("k24", "pattern_use/fc2/left/1010"), ("k24", "pattern_churn/gru_hh")} <= measures
    assert ("kalei", "mask_sparsity/fc3/right") in measures
    pictures = sorted(folder.glob("*.png"))
    assert [path.name.rsplit("-", 1)[1] for path in pictures] == ["masks.png", "training.png"] * 3
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)

    with StudyStore.open(storage, "s") as store:
        row = next(run for run in store.rows() if run.algorithm == "k24")
        trial = next(t for t in store._run_table.trials.of_run(row.run_id))
    assert trial.user_attrs["FLOPs of a decision, dense"] == row.details["flops"]["dense"]
    assert trial.user_attrs["FLOPs of a decision, kept"] < 0.6 * row.details["flops"]["dense"]

    assert main([*own, "--algos", "kalei"]) == 0
    assert {line["algorithm"] for line in lines(folder / "patterns.csv")} == {"kalei"}


def test_mistakes(compare: Compare, own: list[str], tmp_path: Path, error_of: ErrorOf) -> None:
    assert f"There is no database {tmp_path}/s.db. Make one: python -m harness.compare" in error_of(main, *own)
    compare("--algos", "qmix", "--study", "s", "--env-steps", "200")
    for flags, message in (
        (["--study", "ss"], "unknown study 'ss'; did you mean s? Known: s. It is looked for in sqlite:///"),
        ([], "study s holds no finished run with masks (finished: qmix; runs of earlier versions kept no"),
        (["--algos", "k24"], "unknown algorithm of study s 'k24'; known: qmix."),
        (["--scenarios", "fakes"], "unknown scenario of study s 'fakes'; did you mean fake?"),
        (["--seed"], "all flags: python -m harness.patterns --help"),
    ):
        assert message in error_of(main, *own, *flags)
