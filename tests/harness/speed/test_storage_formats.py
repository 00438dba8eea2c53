"""Padding, blocks and sizes of the storage formats."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from algorithms.protocol import PolicyLayer
from harness.speed.kernels import drawn_rows
from harness.speed.storage_formats import BATCHED, DENSE, MASKED, LayerStore, pad_to, relative_error
from tests.harness.speed.stand_in import ReferenceCutlass, StandIn


def layer_of(rows: int, columns: int, groups: int = 2) -> PolicyLayer:
    draw = torch.Generator().manual_seed(0)
    weight = torch.randn((rows, columns), generator=draw, dtype=torch.float64)
    kept = torch.stack([(torch.arange(columns) + shift) % 4 < 2 for shift in range(groups)])
    bias = torch.randn(rows, generator=draw, dtype=torch.float64)
    return PolicyLayer(weight=weight, masked=weight * kept.unsqueeze(1), bias=bias)


@pytest.mark.parametrize("storage_format", [DENSE, MASKED, BATCHED, "stand-in"])
@pytest.mark.parametrize(("rows", "columns"), [(11, 64), (64, 98), (64, 64), (1, 1)])
def test_padding_changes_no_product(rows: int, columns: int, storage_format: str) -> None:
    layer, backend = layer_of(rows, columns), StandIn()
    inputs = drawn_rows(16, columns, torch.float64, torch.device("cpu"))
    stored = LayerStore(layer, torch.float64, [backend]).stored(storage_format, 8)
    weights = [layer.weight] * 2 if storage_format == DENSE else layer.masked
    parts = zip(inputs.split(8), weights, strict=True)
    expected = torch.cat([functional.linear(part, weight, layer.bias) for part, weight in parts])
    single = storage_format in (DENSE, BATCHED)
    for given in (inputs, pad_to(inputs, 1, stored.width)):
        arrived = torch.cat(stored([given] if single else list(given.split(8))))
        torch.testing.assert_close(arrived, expected)
    assert all(shape[0] % 32 == shape[1] % 64 == 0 for shape in backend.shapes)
    assert stored.width % (64 if storage_format == "stand-in" else 8) == 0
    assert stored.width - columns < 64


def test_a_layer_is_compressed_once() -> None:
    backend = StandIn()
    store = LayerStore(layer_of(64, 64, groups=3), torch.float16, [backend])
    for rows in (8, 16, 8):
        store.stored("stand-in", rows)
    assert len(backend.shapes) == 1 + 3, "one to warm up, then each group"
    assert store.conversions["stand-in"].seconds > 0


def test_one_group_needs_no_batched_product() -> None:
    assert LayerStore(layer_of(8, 8, groups=1), torch.float32, []).formats() == [DENSE, MASKED]


def test_only_24_weights_are_offered_to_backends() -> None:
    layer = layer_of(8, 10)
    dense = PolicyLayer(weight=layer.weight, masked=layer.weight.unsqueeze(0), bias=layer.bias)
    assert LayerStore(layer, torch.float32, [ReferenceCutlass()]).formats() == [DENSE, MASKED, BATCHED, "reference"]
    assert LayerStore(dense, torch.float32, [ReferenceCutlass()]).formats() == [DENSE, MASKED]


def test_relative_error() -> None:
    expected = torch.tensor([1.0, -4.0])
    assert relative_error(torch.tensor([1.0, -3.8]), expected) == pytest.approx(0.05)
    assert not relative_error(torch.tensor([float("nan"), -4.0]), expected) <= 1.0
    assert relative_error(torch.zeros(2), torch.zeros(2)) == 0.0
