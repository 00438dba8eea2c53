"""What only a card can show: the kernels' own numbers, CUDA graphs, and the command on them.

By hand on such a machine: ``python -m pytest tests/harness/speed tests/harness/throughput``.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from algorithms import registry
from algorithms.k24 import K24Config
from algorithms.protocol import PolicyLayers
from harness.speed.grid_point import PolicyMeasurement
from harness.speed.kernels import Backend, Refused, all_backends, drawn_rows
from harness.speed.policy_pass import gates, stores
from harness.speed.storage_formats import MASKED, LayerStore, pad_to, relative_error
from harness.speed.timing import TimingContext
from harness.throughput.__main__ import main
from tests.algorithms.worlds import SPEC
from tests.harness.speed.stand_in import SPARSE_CORES

pytestmark = [
    pytest.mark.skipif(not SPARSE_CORES, reason="needs a CUDA device with sparse tensor cores"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of what PyTorch imports for its tensor subclass
]
ROWS = 96


def policy(hidden: int) -> PolicyLayers:
    config = K24Config(rnn_hidden_dim=hidden, mask_gru=True)
    return registry.make("k24", SPEC, config, total_env_steps=1000, seed=0, device="cuda").policy_layers()


@pytest.mark.parametrize("backend", all_backends(), ids=lambda backend: backend.name)
def test_every_kernel_gives_the_masked_product(backend: Backend) -> None:
    """Widths of no multiple and of all multiples, both number formats."""
    for hidden in (20, 64, 256):
        for dtype in (torch.float16, torch.bfloat16):
            for name, store in stores(policy(hidden), dtype, (backend,)).items():
                check(store, backend, f"{name}, hidden {hidden}, {dtype}")


def check(store: LayerStore, backend: Backend, where: str) -> None:
    try:
        stored = store.stored(backend.name, ROWS)
    except Refused as refusal:
        pytest.skip(f"{where}: refused here: {refusal}")
    x = drawn_rows(ROWS, store.in_features, store.dtype, torch.device("cuda"))
    given = pad_to(x, 1, stored.width).contiguous()
    arrived = stored([given.t().contiguous() if backend.feature_major else given] * store.groups)
    expected = store.stored(MASKED, ROWS)([x] * store.groups)
    for mine, theirs in zip(arrived, expected, strict=True):
        mine = mine.t() if backend.feature_major else mine
        error = relative_error(mine, theirs)
        assert error < 2e-2, f"{where}: off by {error:.3g}"


def test_gates_on_the_card_are_those_on_the_cpu() -> None:
    x, h, state = (drawn_rows(16, width, torch.float32, torch.device("cpu"), seed=width) for width in (24, 24, 8))
    expected = gates(x, h, state)
    torch.testing.assert_close(gates(x.cuda(), h.cuda(), state.cuda()).cpu(), expected, rtol=1e-4, atol=1e-4)


def test_recorded_work_is_the_work() -> None:
    x, out = torch.ones(8, device="cuda"), torch.zeros(8, device="cuda")
    context = TimingContext(torch.device("cuda"), seconds=0.0)
    replay = context.record(lambda: out.add_(x), ["adding"])
    assert replay is not None, context.graphs_refused
    out.zero_()
    for _ in range(3):
        replay()
    torch.cuda.synchronize()
    assert out.tolist() == [3.0] * 8


def test_a_refused_recording_leaves_the_card_usable() -> None:
    context, before = TimingContext(torch.device("cuda"), seconds=0.0), torch.cuda.current_stream()
    assert context.record(lambda: torch.ones(4, device="cuda").sum().item(), ["waiting"]) is None
    assert "waiting" in context.graphs_refused
    assert torch.cuda.current_stream() == before
    assert (torch.ones(1 << 20, device="cuda") * 2).sum().item() == 2 << 20
    assert context.record(lambda: torch.ones(4, device="cuda"), ["other"]) is not None


def test_a_grid_point_on_the_card() -> None:
    context = TimingContext(torch.device("cuda"), seconds=0.01)
    result = PolicyMeasurement(policy(64), torch.float16, all_backends(), context, both_grus=True).measure(1024)
    for work in (*result.layers.values(), *result.agents.values()):
        assert work.formats["dense"].seconds
        assert any(found.seconds for name, found in work.formats.items() if name.startswith(("cutlass", "cusparselt")))
        assert all(not found.refused.startswith("its output is off") for found in work.formats.values())
    assert result.agents["2:4"].formats["masked"].peak_bytes > 0
    assert not {"dense", "masked"} & set(context.graphs_refused), context.graphs_refused


def test_the_command_on_the_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.speed.grid_point.GPU_SIZE", 1024)
    out = tmp_path / "found.json"
    assert main(["--hidden", "64,256", "--batches", "256,4096", "--out", str(out)]) == 0
    cells = json.loads(out.read_text())["cells"]
    assert {cell["dtype"] for cell in cells} == {"float16", "bfloat16"}
    assert not any(cell["problem"] for cell in cells)
