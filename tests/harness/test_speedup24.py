"""The 2:4 speed-up is measured or absent with its reason; what a CPU can check of it is checked here."""

from __future__ import annotations

import pytest
import torch

from harness.speedup24 import (
    BATCH_MULTIPLE,
    COLUMN_MULTIPLE,
    ROW_MULTIPLE,
    is_two_of_four,
    measure_speedup24,
    no_speedup_reason,
    pad_to,
)
from tests.harness.fake_algorithm import RuleAlgorithm, RuleConfig
from tests.harness.fake_env import FakeEnv

CPU = torch.device("cpu")
GOOD = torch.tensor([[1.0, 0.0, 2.0, 0.0, 0.0, 3.0]])
BAD = torch.tensor([[1.0, 4.0, 2.0, 0.0, 0.0, 3.0]])
SPARSE_CORES = torch.cuda.is_available() and torch.cuda.get_device_capability() >= (8, 0)


def test_two_of_four() -> None:
    assert is_two_of_four(GOOD)
    assert not is_two_of_four(BAD)
    assert is_two_of_four(torch.zeros(3, 2, 8))
    assert not is_two_of_four(torch.stack([GOOD, BAD])), "one bad group spoils the stack"
    assert not is_two_of_four(torch.tensor([[0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]])), "a cut group counts as well"


def test_groups_lie_along_the_inputs() -> None:
    columns = torch.zeros(4, 4)
    columns[:, :2] = 1.0
    assert is_two_of_four(columns)
    assert not is_two_of_four(columns.T)


@pytest.mark.parametrize(("rows", "columns"), [(11, 64), (64, 98), (64, 64), (1, 1)])
def test_padding_reaches_the_multiples_and_changes_no_product(rows: int, columns: int) -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn((rows, columns), generator=generator, dtype=torch.float64)
    inputs = torch.randn((13, columns), generator=generator, dtype=torch.float64)
    padded = pad_to(weight, ROW_MULTIPLE, COLUMN_MULTIPLE)
    padded_inputs = pad_to(inputs, BATCH_MULTIPLE, COLUMN_MULTIPLE)
    assert padded.shape[0] % ROW_MULTIPLE == padded.shape[1] % COLUMN_MULTIPLE == padded_inputs.shape[0] % 8 == 0
    assert padded.shape[0] - rows < ROW_MULTIPLE
    assert padded.shape[1] - columns < COLUMN_MULTIPLE
    torch.testing.assert_close((padded_inputs @ padded.T)[:13, :rows], inputs @ weight.T)


def test_padding_suits_both_backends() -> None:
    from torch.sparse import semi_structured

    for backend in (
        semi_structured.SparseSemiStructuredTensorCUTLASS,
        semi_structured.SparseSemiStructuredTensorCUSPARSELT,
    ):
        asked = backend._DTYPE_SHAPE_CONSTRAINTS[torch.float16]
        assert ROW_MULTIPLE % asked.sparse_min_rows == 0
        assert COLUMN_MULTIPLE % asked.sparse_min_cols == 0
        assert BATCH_MULTIPLE % asked.dense_min_rows == 0


def test_reasons() -> None:
    assert no_speedup_reason(CPU, {}) == "no masked layers"
    assert no_speedup_reason(CPU, {"fc1": GOOD, "fc2": BAD}) == "weights are not 2:4 (fc2)"
    assert no_speedup_reason(CPU, {"fc1": GOOD}) == "no CUDA device with sparse tensor cores"


def test_an_older_gpu_has_no_sparse_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert no_speedup_reason(torch.device("cuda"), {"fc1": GOOD}) == "no CUDA device with sparse tensor cores"
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
    assert no_speedup_reason(torch.device("cuda"), {"fc1": GOOD}) is None


def test_no_estimate_on_a_cpu() -> None:
    found = measure_speedup24(RuleAlgorithm("rule", FakeEnv(1, 0).spec, RuleConfig()))
    assert (found.speedup, found.layers) == (None, ())
    assert found.reason == "no CUDA device with sparse tensor cores"


def test_a_refusing_backend_is_a_reason_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.speedup24.no_speedup_reason", lambda device, weights: None)
    found = measure_speedup24(RuleAlgorithm("rule", FakeEnv(1, 0).spec, RuleConfig()), rows=8)
    assert found.speedup is None
    assert found.reason is not None
    assert found.reason.startswith("PyTorch cannot compress fc here: ")


@pytest.mark.skipif(not SPARSE_CORES, reason="needs a CUDA device with sparse tensor cores")
def test_measured_where_the_cores_are() -> None:
    algorithm = RuleAlgorithm("rule", FakeEnv(1, 0).spec, RuleConfig(), device="cuda")
    weight = torch.randn((2, 64, 98), generator=torch.Generator().manual_seed(0))
    weight[..., 0::4] = 0.0
    weight[..., 3::4] = 0.0
    algorithm.masked_weights = lambda: {"fc": weight.cuda()}  # type: ignore[method-assign]
    found = measure_speedup24(algorithm)
    assert found.reason is None
    assert found.speedup is not None
    assert found.speedup > 0
    assert [timing.group for timing in found.layers] == [0, 1]
    assert all(timing.largest_error < 1e-2 for timing in found.layers)
