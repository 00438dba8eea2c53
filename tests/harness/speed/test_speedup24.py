"""The 2:4 speed-up is measured or absent with its reason; what a CPU can check of it is checked here."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
import torch

from algorithms import registry
from algorithms.protocol import Algorithm, PolicyLayers
from harness.speed import speedup24
from harness.speed.kernels import Backend
from harness.speed.speedup24 import Speedup24, compare_formats, measure_speedup24, no_speedup_reason
from tests.algorithms.worlds import SPEC, learner
from tests.harness.fake_algorithm import rule
from tests.harness.speed.stand_in import SPARSE_CORES, StandIn, script_rounds

CPU = torch.device("cpu")
GOOD = torch.tensor([[1.0, 0.0, 2.0, 0.0, 0.0, 3.0]])
BAD = torch.tensor([[1.0, 4.0, 2.0, 0.0, 0.0, 3.0]])


def compare(*backends: Backend, decisions: int = 50, **changes: object) -> Speedup24:
    """The comparison on the CPU, with stand-ins for compression."""
    policy = learner("k24", **changes).policy_layers()
    return compare_formats(policy, decisions=decisions, dtype=torch.float16, backends=backends, seconds=0.0)


def test_reasons() -> None:
    assert no_speedup_reason(CPU, {}) == "no masked layers"
    assert no_speedup_reason(CPU, {"fc1": GOOD, "fc2": BAD}) == "weights are not 2:4 (fc2)"
    assert no_speedup_reason(CPU, {"fc1": torch.stack([GOOD, BAD])}) == "weights are not 2:4 (fc1)"
    assert no_speedup_reason(CPU, {"fc1": GOOD}) == "no CUDA device with sparse tensor cores"


def test_an_older_gpu_has_no_sparse_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert no_speedup_reason(torch.device("cuda"), {"fc1": GOOD}) == "no CUDA device with sparse tensor cores"
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
    assert no_speedup_reason(torch.device("cuda"), {"fc1": GOOD}) is None


@pytest.mark.parametrize(
    ("id", "reason"),
    [
        ("qmix", "weights are not 2:4 (fc1, fc2, fc3, fc4)"),
        ("kalei", "weights are not 2:4 (fc1, fc2, fc3, fc4)"),
        ("k24", "no CUDA device with sparse tensor cores"),
    ],
)
def test_no_estimate_on_a_cpu(id: str, reason: str) -> None:
    assert measure_speedup24(learner(id)) == Speedup24(speedup=None, reason=reason)


def test_a_policy_of_another_form_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speedup24, "no_speedup_reason", lambda device, weights: None)
    assert measure_speedup24(rule()).reason == "the policy is not given layer by layer"


@pytest.mark.skipif(SPARSE_CORES, reason="needs a machine without sparse tensor cores")
def test_a_refusing_backend_is_a_reason_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speedup24, "no_speedup_reason", lambda device, weights: None)
    found = measure_speedup24(learner("k24"), decisions=8)
    assert found.speedup is None
    assert found.reason.startswith("PyTorch cannot run 2:4 products here: ")


def test_all_formats_are_timed_and_the_ratio_is_theirs() -> None:
    backend = StandIn()
    found = compare(backend)
    assert found.reason is None
    assert found.speedup == found.dense_seconds / found.compressed_seconds
    assert found.decisions == 3 * 24, "50 decisions over three types, each a multiple of 8"
    assert (found.dtype, found.backend) == ("float16", "stand-in")
    assert min(found.dense_seconds, found.masked_dense_seconds, found.compressed_seconds) > 0
    assert found.auto in ("masked", "masked-batched", "stand-in", "mixed")
    assert min(found.auto_seconds, found.conversion_seconds) > 0
    assert found.largest_error < 1e-3
    assert backend.shapes == [(32, 64)] * 16, "four layers of three types, and one to warm up each layer"
    assert list(found.layers) == ["fc1", "gru_ih", "gru_hh", "fc2", "fc3", "fc4"]
    assert (found.layers["fc1"].out_features, found.layers["fc1"].in_features) == (16, 17)
    compressed = {name for name, timing in found.layers.items() if timing.compressed_seconds is not None}
    assert compressed == {"fc1", "fc2", "fc3", "fc4"}, "the GRU is dense"
    json.dumps(dataclasses.asdict(found))


def test_a_masked_gru_is_compressed_and_timed_too() -> None:
    backend = StandIn()
    found = compare(backend, mask_gru=True)
    assert found.reason is None
    assert found.layers["gru_hh"].out_features == 48
    assert found.layers["gru_hh"].compressed_seconds is not None
    assert backend.shapes.count((64, 64)) == 8, "two sides of three types, and one to warm up each"


def test_each_format_gets_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is scripted: dense 6 s, masked dense 5 s, compressed 2 s, one batched product 4 s."""
    script = {"dense": 6.0, "masked": 5.0, "masked-batched": 4.0, "stand-in": 2.0, "mixed": 3.0}
    script_rounds(monkeypatch, lambda names: script)
    found = compare(StandIn())
    assert (found.dense_seconds, found.masked_dense_seconds, found.compressed_seconds) == (6.0, 5.0, 2.0)
    assert (found.speedup, found.auto, found.auto_seconds) == (3.0, "stand-in", 2.0)
    monkeypatch.setitem(script, "stand-in", 8.0)
    slow = compare(StandIn())
    assert (slow.speedup, slow.auto, slow.auto_seconds) == (0.75, "masked-batched", 4.0), "reported as it is"


@pytest.mark.parametrize("wrong", [1.05, float("nan")])
def test_a_wrong_product_is_not_timed(wrong: float, monkeypatch: pytest.MonkeyPatch) -> None:
    timed: set[str] = set()

    def watched(names: set[str]) -> dict[str, float]:
        timed.update(names)
        return {}

    script_rounds(monkeypatch, watched)
    found = compare(StandIn(lambda padded: padded * wrong))
    assert timed == {"dense", "masked", "masked-batched"}
    assert found.speedup is None
    assert re.search(r"its output is off by .* of the largest value \(allowed 0\.02\)", found.reason)


@pytest.mark.skipif(not SPARSE_CORES, reason="needs a CUDA device with sparse tensor cores")
def test_measured_where_the_cores_are() -> None:
    algorithm: Algorithm = registry.make("k24", SPEC, total_env_steps=1000, seed=0, device="cuda")
    found = measure_speedup24(algorithm, decisions=8192)
    assert found.reason is None
    assert found.speedup > 0
    assert found.dtype == "float16"
    assert found.largest_error < 1e-2


def test_the_policy_is_only_read() -> None:
    made = learner("k24")
    policy: PolicyLayers = made.policy_layers()
    before = {name: layer.masked.clone() for name, layer in policy.after.items()}
    compare_formats(policy, decisions=24, dtype=torch.float16, backends=(StandIn(),), seconds=0.0)
    assert all(torch.equal(policy.after[name].masked, weight) for name, weight in before.items())
