"""A grid point: layers and the whole agent in every format, all checked before they are timed, refusals recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from harness.speed import compare_kernels as comparing
from harness.speed.compare_kernels import READINGS_AGAIN, Candidate, DeviceLost, compare_kernels
from harness.speed.grid_point import MOST_ACTIVATIONS, PolicyMeasurement, measure_layer
from harness.speed.kernels import Backend, Product
from harness.speed.results import FormatResult, GridPointResult, WorkResult
from harness.speed.storage_formats import LayerStore
from harness.speed.timing import Timing, TimingContext
from harness.throughput.tables import auto_thresholds
from tests.algorithms.worlds import learner
from tests.harness.speed.stand_in import ReferenceCutlass, ReferenceFeatures, StandIn, script_rounds, timing

CPU, HALF = torch.device("cpu"), torch.float16
LAYERS = ["fc1", "gru_ih", "gru_hh", "fc2", "fc3", "fc4"]


def measured(
    *backends: Backend, id: str = "k24", batch: int = 50, both: bool = True, **changes: object
) -> GridPointResult:
    policy = learner(id, **changes).policy_layers()
    return PolicyMeasurement(policy, HALF, backends, TimingContext(CPU, seconds=0.0), both_grus=both).measure(batch)


class Unwilling(StandIn):
    """Compresses, and then knows no kernel for the shape."""

    name = "unwilling"

    def product(self, stored: Any, bias: Tensor, rows: int) -> Product:
        raise NotImplementedError("no kernel for this shape\nand a long stack of frames")


class Failing(StandIn):
    """Has a kernel that fails when it runs."""

    name = "failing"

    def product(self, stored: Any, bias: Tensor, rows: int) -> Product:
        def multiply(x: Tensor) -> Tensor:
            raise RuntimeError("CUDA error: operation not supported")

        return Product(multiply=multiply)


def test_everything_is_there() -> None:
    result = measured(ReferenceCutlass(), ReferenceFeatures(), mask_gru=True)
    assert (result.hidden, result.batch, result.rows, result.slices, result.dtype) == (16, 50, 72, 1, "float16")
    assert list(result.layers) == LAYERS
    assert list(result.agents) == ["dense", "2:4"]
    for work in (*result.layers.values(), *result.agents.values()):
        assert {"dense", "masked", work.auto, work.best_masked(), work.best_sparse()} == set(work.again)
        assert all(found.repeats >= READINGS_AGAIN for found in work.again.values())
    for work in result.layers.values():
        assert list(work.formats) == ["dense", "masked", "masked-batched", "reference", "reference-features"]
        assert all(found.seconds and found.low <= found.seconds <= found.high for found in work.formats.values())
        assert work.auto in ("masked", "reference"), "layers of one agent have their activations in rows"
        dense, masked, *others = (found.error for found in work.formats.values())
        assert (dense, masked) == (None, None), "another function, and itself"
        assert max(others) < 1e-3
    for work in result.agents.values():
        assert set(work.formats) - {"mixed"} == {"dense", "masked", "masked-batched", "reference"}
        assert work.auto != "dense"
        others = [work.first_seconds(name) for name in work.formats if name != "dense"]
        assert work.first_seconds(work.auto) == min(others)
    assert set(result.agents["dense"].plan) == {"fc1", "fc2", "fc3", "fc4"}
    assert list(result.agents["2:4"].plan) == LAYERS
    assert result.conversion_seconds["reference"] > 0


def test_operations_are_counted_with_and_without_padding() -> None:
    result = measured(ReferenceCutlass(), mask_gru=True)
    work = result.layers["fc1"]
    assert work.useful_flops == 2 * 72 * 16 * 17
    assert work.formats["dense"].flops == 2 * 72 * 16 * 24, "17 inputs become 24, as tensor cores like it"
    assert work.formats["reference"].flops == 72 * 32 * 64, "half of 2 · 32 · 64"
    assert work.formats["reference"].nbytes == 3 * 32 * 64 * 2 * 9 // 16
    assert work.formats["masked"].nbytes == 3 * 16 * 24 * 2
    agent = result.agents["2:4"]
    assert agent.useful_flops == sum(layer.useful_flops for layer in result.layers.values())
    assert agent.formats["reference"].flops == sum(layer.formats["reference"].flops for layer in result.layers.values())


@pytest.mark.parametrize("id", ["qmix", "kalei", "k24"])
def test_what_cannot_be_compressed_is_not(id: str) -> None:
    result = measured(StandIn(), id=id)
    assert list(result.agents) == ["dense"]
    tried = {name for work in result.layers.values() for name in work.formats}
    assert ("stand-in" in tried) is (id == "k24")
    assert "stand-in" not in result.layers["gru_hh"].formats
    assert result.agents["dense"].seconds("masked") is not None


def test_a_large_batch_goes_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.speed.grid_point.MOST_ACTIVATIONS", 16 * 100)
    result = measured(batch=1000)
    assert (result.slices, result.rows) == (10, 10 * 3 * 40)
    assert result.layers["fc2"].useful_flops == 2 * 1200 * 16 * 16
    assert MOST_ACTIVATIONS // 4096 == 131_072


def test_a_refused_shape_is_recorded_and_the_rest_goes_on() -> None:
    result = measured(Unwilling(), Failing(), StandIn())
    for work in (*result.layers.values(), *result.agents.values()):
        if "unwilling" in work.formats:
            assert work.formats["unwilling"] == FormatResult(refused="no kernel for this shape")
            assert work.formats["failing"] == FormatResult(refused="CUDA error: operation not supported")
            assert work.seconds("stand-in") is not None
    assert "unwilling" in result.layers["fc1"].formats


def test_a_wrong_layer_is_not_timed_and_not_chosen() -> None:
    result = measured(StandIn(lambda padded: padded * 1.1))
    found = result.layers["fc2"].formats["stand-in"]
    assert found.seconds is None
    assert found.refused.startswith("its output is off by 0.")
    assert result.layers["fc2"].auto == "masked"
    assert set(result.agents["dense"].plan.values()) == {"masked"}
    assert "mixed" not in result.agents["dense"].formats


def test_the_agent_is_built_from_what_is_fastest_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """fc2 and fc3 are faster compressed, by script, the others are not; so is the agent that mixes the two."""
    calls = iter([layer for layer in LAYERS for _ in ("first rounds", "second rounds")])

    def seconds(names: set[str]) -> dict[str, float]:
        return {"stand-in": 1.0 if next(calls, "agent") in ("fc2", "fc3") else 3.0, "mixed": 1.5}

    script_rounds(monkeypatch, seconds, others=2.0)
    result = measured(StandIn(), both=False)
    agent = result.agents["dense"]
    assert agent.plan == {"fc1": "masked", "fc2": "stand-in", "fc3": "stand-in", "fc4": "masked"}
    assert (agent.auto, agent.gain("mixed").times, agent.best_sparse()) == ("mixed", 2.0 / 1.5, "stand-in")


def compared(factories: Mapping[str, Callable[[], Candidate]]) -> WorkResult:
    return compare_kernels(
        factories,
        lambda name: factories[name](),
        HALF,
        TimingContext(CPU, seconds=0.0),
        useful_flops=1.0,
        usable=lambda name: name != "dense",
    )


def test_the_chosen_ones_are_timed_again_in_rounds_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a played clock: what was fastest at first is not, and the second rounds alone say what it gains."""
    first = {"dense": 4.0, "masked": 3.0, "masked-batched": 2.0, "slow": 9.0, "quick": 1.0}
    second = {"dense": 4.0, "masked": 3.0, "masked-batched": 2.0, "quick": 2.5}
    rounds: list[tuple[set[str], object]] = []

    def played(works: dict[str, object], device: torch.device, **how: object) -> dict[str, Timing]:
        rounds.append((set(works), how.get("fewest")))
        script = (first, second)[len(rounds) - 1]
        return {name: timing(script[name]) for name in works}

    monkeypatch.setattr(comparing, "time_in_turn", played)
    found = compared(dict.fromkeys(first, idle))
    assert rounds == [(set(first), None), (set(second), READINGS_AGAIN)]
    assert (found.auto, found.best_masked(), found.best_sparse()) == ("quick", "masked-batched", "quick")
    assert (found.first_gain("quick"), found.gain("quick").times) == (4.0, 1.6)
    assert found.gain("quick", over="masked-batched").times == 0.8
    assert found.gain("slow") is None, "it was not timed again"


def test_random_times_show_no_gain_and_a_real_one_survives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five formats of the same speed: the first rounds always favour the chosen one, the second do not."""
    rng = np.random.default_rng(0)

    def noisy(works: dict[str, object], device: torch.device, **how: object) -> dict[str, Timing]:
        return {name: timing((0.5 if name == "real" else 1.0) * np.exp(rng.normal(0, 0.05)), 0.0) for name in works}

    monkeypatch.setattr(comparing, "time_in_turn", noisy)
    equal = [compared(dict.fromkeys(("dense", "masked", "a", "b", "c"), idle)) for _ in range(200)]
    chosen = [work for work in equal if work.auto != "masked"]
    assert all(work.first_gain(work.auto, over="masked") > 1 for work in chosen), "by being chosen"
    second = np.array([work.gain(work.auto, over="masked").times for work in chosen])
    assert 0.35 < np.mean(second < 1) < 0.65, "as often slower as faster"
    assert abs(np.log(second).mean()) < 0.02
    assert "slower in 0" not in auto_thresholds([result_of(work) for work in equal])[1]
    real = [compared(dict.fromkeys(("dense", "masked", "a", "real"), idle)) for _ in range(50)]
    assert {work.auto for work in real} == {"real"}
    assert np.mean([work.gain("real").times for work in real]) == pytest.approx(2.0, rel=0.05)


def idle() -> Candidate:
    return Candidate(work=lambda: None, outputs=lambda: [torch.ones(1)], layer_formats=(), flops=1.0, nbytes=1)


def result_of(work: WorkResult) -> GridPointResult:
    return GridPointResult(hidden=64, batch=8, rows=8, slices=1, dtype="float16", agents={"dense": work})


def test_without_the_reference_nothing_is_timed() -> None:
    def fails() -> Candidate:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 25 GiB")

    def never() -> Candidate:
        raise AssertionError("asked although there is nothing to compare with")

    found = compared({"dense": never, "masked": fails})
    assert found.formats["masked"].refused == "CUDA out of memory. Tried to allocate 25 GiB"
    assert found.formats["dense"].refused.startswith("the masked result is missing (CUDA out of memory")
    assert (found.auto, found.again, found.gain("masked")) == ("", {}, None)


def test_a_device_that_does_not_answer_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(device: torch.device) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(comparing, "wait", broken)
    with pytest.raises(DeviceLost, match=r"no kernel for this shape; the device does not answer any more: CUDA error"):
        measured(Unwilling())


def test_bf16_may_be_a_little_further_off() -> None:
    layer = learner("k24").policy_layers().after["fc2"]
    for dtype, refused in ((torch.float16, True), (torch.bfloat16, False)):
        backend = StandIn(lambda padded: padded * 1.03)
        found = measure_layer(LayerStore(layer, dtype, [backend]), [8, 8, 8], 1, TimingContext(CPU, seconds=0.0))
        assert bool(found.formats["stand-in"].refused) is refused


def test_kernels_that_refuse_a_graph_are_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, streams = [], []

    def refuse(work: object, device: torch.device) -> None:
        asked.append(work)
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr("harness.speed.timing._capture", refuse)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: "the stream before")
    monkeypatch.setattr(torch.cuda, "set_stream", streams.append)
    context = TimingContext(torch.device("cuda"), seconds=0.0)
    for names in (["sparse"], ["sparse"], ["masked", "sparse"]):
        assert context.record(lambda: None, names) is None
    assert len(asked) == 1
    assert context.graphs_refused == {"sparse": "operation not permitted when stream is capturing"}
    assert streams == ["the stream before"], "a broken capture leaves its own in force"
    assert context.record(lambda: None, ["masked", "other"]) is None
    assert "other" not in context.graphs_refused, "of several, no single one is to blame"
    assert TimingContext(CPU, seconds=0.0).record(lambda: None, ["masked"]) is None
    assert len(asked) == 2
