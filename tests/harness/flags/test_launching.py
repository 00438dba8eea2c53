"""``--workers``: what is read, and what is refused with which words."""

from __future__ import annotations

import pytest

from harness.cli.errors import UsageError
from harness.flags.compare import read_flags
from harness.flags.planning import plan_runs
from harness.flags.workers import Workers, parse_workers

SERVER = ["--storage", "postgresql://a@b/c"]


def test_places_and_numbers() -> None:
    assert parse_workers("slurm:8") == ("slurm", 8)
    assert parse_workers("3") == ("local", 3)


NO_PLACES = ["slurm", "slurm:0", "slurm:x", "slurm:1001", "mars:2", "", ":2", "0", "local:999999999", "local:²"]


@pytest.mark.parametrize("text", [*NO_PLACES, "ray:" + "9" * 5000], ids=lambda text: text[:16])
def test_anything_else_is_no_place_and_number(text: str) -> None:
    with pytest.raises(UsageError, match=r"give where and how many \(1 to 1,000\), such as local:2"):
        parse_workers(text)


@pytest.mark.parametrize("kind", ["slurm", "ray"])
def test_sqlite_is_refused_with_the_reason(kind: str) -> None:
    says = r"file locks, which do not hold between the machines.*--storage postgresql://"
    with pytest.raises(UsageError, match=says):
        read_flags(["--workers", f"{kind}:2"])


def test_flags_become_a_request() -> None:
    assert read_flags([]).workers == Workers()
    assert read_flags(["--n-jobs", "3"]).n_jobs == read_flags(["--workers", "local:3"]).n_jobs == 3
    words = ["--workers", "slurm:4", "--worker-cpus", "2", "--worker-gpus", "0.5"]
    found = read_flags([*SERVER, *words, "--sbatch=--partition=gpu", "--sbatch=--time=1:00:00"]).workers
    assert (found.count, found.cpus, found.gpus) == (4, 2, 0.5)
    assert found.sbatch == ("--partition=gpu", "--time=1:00:00")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--worker-cpus", "2"], "--worker-cpus does not go with --workers local, it is for --workers slurm:N or"),
        (["--n-jobs", "2", "--worker-gpus", "1"], "--worker-gpus does not go with --workers local"),
        (["--workers", "ray:2", "--sbatch=--time=1"], "--sbatch does not go with --workers ray, it is for .* slurm:N"),
        (["--workers", "ray:2", "--no-wait"], "--no-wait does not go with --workers ray"),
        (["--workers", "local:2", "--n-jobs", "2"], "give one of them"),
        (["--workers", "slurm:2", "--worker-gpus", "-1"], "--worker-gpus is -1, it must be a finite number"),
        (["--workers", "slurm:2", "--worker-gpus", "nan"], "--worker-gpus is nan, it must be a finite number"),
    ],
)
def test_flags_that_would_be_ignored_or_make_no_sense_are_refused(flags: list[str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_flags([*SERVER, *flags])


def test_runs_on_a_cluster_use_its_cards_and_not_those_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)

    def planned(*flags: str) -> set[str]:
        return {plan.device for plan in plan_runs(read_flags([*SERVER, "--algos", "k24,qmix", *flags]))[0]}

    assert planned("--workers", "slurm:2", "--worker-gpus", "1") == {"cuda"}
    assert planned("--workers", "slurm:2", "--device", "cuda") == {"cuda"}
    assert planned("--workers", "slurm:2", "--worker-gpus", "1", "--device", "cpu") == {"cpu"}
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert planned("--workers", "slurm:2") == {"cpu"}
    with pytest.raises(UsageError, match="unknown --device 'card'"):
        planned("--workers", "slurm:2", "--device", "card")
    with pytest.raises(UsageError, match="PyTorch sees 0 CUDA devices here"):
        planned("--device", "cuda")
