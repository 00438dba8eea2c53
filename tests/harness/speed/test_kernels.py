"""Compression and the path to the kernels, as far as a CPU can go: PyTorch's own classes run, the kernels are played.

The played kernels read their operands as the real ones do, by shape and whether they are contiguous, so a layout that
cuSPARSELt would misread gives wrong numbers here too.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.sparse import SparseSemiStructuredTensorCUSPARSELT, SparseSemiStructuredTensorCUTLASS
from torch.sparse._semi_structured_conversions import (
    sparse_semi_structured_from_dense_cutlass,
    sparse_semi_structured_to_dense_cutlass,
)

from harness.speed import kernels as backends
from harness.speed.kernels import (
    BATCH_MULTIPLE,
    SEARCH_ROWS,
    Backend,
    CusparseLt,
    CusparseLtFeatures,
    CusparseLtSearch,
    Cutlass,
    CutlassFeatures,
    all_backends,
    drawn_rows,
)
from harness.speed.policy_pass import stores
from harness.speed.storage_formats import MASKED, LayerStore, Refused, pad_to
from tests.algorithms.worlds import SPEC
from tests.harness.speed.stand_in import trained

CPU, HALF = torch.device("cpu"), torch.float16
ROWS = 24


class PlayedKernels:
    """cuSPARSELt's and CUTLASS's entry points, computing in plain PyTorch what they would read."""

    def __init__(self) -> None:
        self.compressed: dict[int, Tensor] = {}
        self.calls: list[dict[str, Any]] = []
        self.searched: list[tuple[int, ...]] = []
        self._kept: list[Tensor] = []

    def compress(self, weight: Tensor) -> Tensor:
        packed = weight.new_empty(weight.shape[0], weight.shape[1] * 9 // 16)
        self._kept.append(packed)
        self.compressed[packed.data_ptr()] = weight.clone()
        return packed

    def multiply(
        self,
        packed: Tensor,
        columns: Tensor,
        bias: Tensor | None = None,
        alpha: None = None,
        out_dtype: None = None,
        transpose_result: bool = False,
        **chosen: int,
    ) -> Tensor:
        self.calls.append({"transpose_result": transpose_result, **chosen})
        weight, (k, n) = self.compressed[packed.data_ptr()], columns.shape
        assert weight.shape[1] == k
        assert k % 16 == n % BATCH_MULTIPLE == weight.shape[0] % 16 == 0
        stored = columns.untyped_storage()
        flat = torch.empty(0, dtype=columns.dtype).set_(stored, columns.storage_offset(), (k * n,), (1,))
        read = flat.view(k, n) if columns.is_contiguous() else flat.view(n, k).t()  # strides are not asked for
        result = (weight.float() @ read.float() + (0 if bias is None else bias.float().unsqueeze(1))).to(columns.dtype)
        return result.t().contiguous() if transpose_result else result

    def search(self, packed: Tensor, columns: Tensor, bias: Tensor, alpha: None, dtype: None, transpose: bool) -> Any:
        self.searched.append((*self.compressed[packed.data_ptr()].shape, columns.shape[1]))
        assert transpose is (not columns.is_contiguous())
        return 7, 2, 1, 40

    def addmm(self, bias: Tensor, packed: Tensor, meta: Tensor, columns: Tensor) -> Tensor:
        weight = sparse_semi_structured_to_dense_cutlass(packed, meta)
        assert weight.shape[0] % 32 == weight.shape[1] % 64 == columns.shape[1] % BATCH_MULTIPLE == 0
        return (weight.float() @ columns.float() + bias.float().unsqueeze(1)).to(columns.dtype)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> PlayedKernels:
    """The kernels' names lead to played ones; compression is allowed on the CPU, its rules on shapes stay."""
    kernels = PlayedKernels()
    monkeypatch.setattr(torch, "_cslt_compress", kernels.compress)
    monkeypatch.setattr(torch, "_cslt_sparse_mm", kernels.multiply)
    monkeypatch.setattr(torch, "_sparse_semi_structured_addmm", kernels.addmm)
    monkeypatch.setattr(torch._C, "_cusparselt", SimpleNamespace(mm_search=kernels.search), raising=False)
    for kind in (SparseSemiStructuredTensorCUTLASS, SparseSemiStructuredTensorCUSPARSELT):
        monkeypatch.setattr(kind, "_validate_device_dim_dtype_shape", classmethod(shape_rules))
    monkeypatch.setattr(Backend, "unavailable", lambda self, device: None)
    monkeypatch.setattr(CusparseLt, "unavailable", lambda self, device: None)
    return kernels


def shape_rules(kind: Any, weight: Tensor) -> None:
    asked = kind._DTYPE_SHAPE_CONSTRAINTS[weight.dtype]
    assert weight.is_contiguous()
    assert weight.shape[0] % asked.sparse_min_rows == weight.shape[1] % asked.sparse_min_cols == 0


def layers(*kinds: Backend, hidden: int = 20, dtype: torch.dtype = HALF) -> dict[str, LayerStore]:
    """All six matrices of a trained policy; 17 inputs, 20 hidden units and 6 actions: no width is a multiple of 8."""
    return stores(trained("k24", rnn_hidden_dim=hidden, mask_gru=True).policy_layers(), dtype, kinds)


@pytest.mark.parametrize("hidden", [16, 18, 64])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_compression_loses_nothing_of_any_layer(hidden: int, dtype: torch.dtype) -> None:
    """PyTorch's reference of the CUTLASS format, there and back."""
    found = layers(hidden=hidden, dtype=dtype)
    assert list(found) == ["fc1", "gru_ih", "gru_hh", "fc2", "fc3", "fc4"]
    for name, store in found.items():
        for weight in store.layer.masked.to(dtype):
            padded = pad_to(weight, Cutlass.row_multiple, Cutlass.column_multiple).contiguous()
            values, metadata = sparse_semi_structured_from_dense_cutlass(padded)
            assert values.shape == (padded.shape[0], padded.shape[1] // 2)
            back = sparse_semi_structured_to_dense_cutlass(values, metadata)
            assert torch.equal(back, padded), name


def test_compression_of_other_weights_loses_them() -> None:
    """The broken twin: a weight before masking does not come back."""
    weight = pad_to(layers()["fc2"].layer.weight.to(HALF), 32, 64).contiguous()
    back = sparse_semi_structured_to_dense_cutlass(*sparse_semi_structured_from_dense_cutlass(weight))
    assert not torch.equal(back, weight)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", [Cutlass, CutlassFeatures, CusparseLt, CusparseLtSearch, CusparseLtFeatures])
def test_every_backend_gives_the_masked_product(kind: Callable[[], Backend], played: PlayedKernels) -> None:
    backend = kind()
    for name, store in layers(backend).items():
        x = drawn_rows(ROWS, store.in_features, HALF, CPU)
        for width in {store.in_features, store.stored(backend.name, ROWS).width}:
            given = pad_to(x, 1, width)[:, :width].contiguous()
            if backend.feature_major:
                given = pad_to(x, 1, store.stored(backend.name, ROWS).width).t().contiguous()
            arrived = store.stored(backend.name, ROWS)([given] * store.groups)
            expected = store.stored(MASKED, ROWS)([x] * store.groups)
            for mine, theirs in zip(arrived, expected, strict=True):
                mine = mine.t() if backend.feature_major else mine
                torch.testing.assert_close(mine, theirs, msg=lambda text, name=name: f"{name}: {text}")


def test_a_view_into_wider_rows_is_not_handed_to_a_kernel(played: PlayedKernels) -> None:
    """cuSPARSELt asks for no strides; the slice has to become rows of its own."""
    backend = CusparseLtSearch()
    store = layers(backend)["fc2"]
    wide = drawn_rows(ROWS, 96, HALF, CPU)
    view = wide[:, :32]
    padded = pad_to(store.layer.masked[0].to(HALF), 16, 16)
    expected = view.float() @ padded.float().t() + torch.nn.functional.pad(store.layer.bias, (0, 12))
    arrived = store.stored(backend.name, ROWS).linears[0](view)
    torch.testing.assert_close(arrived.float(), expected[:, :20], rtol=1e-2, atol=1e-2)
    misread = played.multiply(store.convert(backend).compressed[0].packed, view.t(), None, transpose_result=True)
    assert (misread.float() - expected).abs().max() > 0.1, "the played kernel would have shown it"


def test_the_search_is_asked_once_a_shape_and_obeyed(played: PlayedKernels) -> None:
    store = layers(backend := CusparseLtSearch())["gru_ih"]
    stored = store.stored(backend.name, ROWS)
    assert played.searched == [(64, 32, ROWS)], "three mask groups, one search"
    assert stored.setting == "algorithm 7, split-k 2"
    played.calls.clear()
    stored([drawn_rows(ROWS, 20, HALF, CPU)] * 3)
    assert played.calls == [{"transpose_result": True, "alg_id": 7, "split_k": 2, "split_k_mode": 1}] * 3
    store.stored(backend.name, 2 * SEARCH_ROWS)
    store.stored(backend.name, 3 * SEARCH_ROWS)
    assert played.searched[1:] == [(64, 32, SEARCH_ROWS)], "a search never sees more rows than that"


def test_an_older_release_searches_by_its_older_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def deprecated(packed: Tensor, columns: Tensor, bias: Tensor, transpose_result: bool) -> int:
        warnings.warn("torch._cslt_sparse_mm_search is deprecated and will go", UserWarning, stacklevel=1)
        return 5

    monkeypatch.setattr(torch._C, "_cusparselt", None, raising=False)
    monkeypatch.setattr(torch, "_cslt_sparse_mm_search", deprecated)
    one = torch.ones(8, 8)
    assert backends.search(one, one, one[0], True) == {"alg_id": 5}


def test_a_split_of_one_is_not_passed_on(played: PlayedKernels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch._C, "_cusparselt", SimpleNamespace(mm_search=lambda *given: (3, 1, 0, 40)))
    store = layers(backend := CusparseLtSearch())["fc2"]
    stored = store.stored(backend.name, ROWS)
    stored([drawn_rows(ROWS, 20, HALF, CPU)] * 3)
    assert played.calls[-1] == {"transpose_result": True, "alg_id": 3}
    assert stored.setting == "algorithm 3, split-k 1"


def test_bytes_of_a_compressed_weight(played: PlayedKernels) -> None:
    """Half of the values, and two bits for each: nine sixteenths."""
    for backend in (Cutlass(), CusparseLtSearch()):
        store = layers(backend, hidden=64)["gru_hh"]
        assert store.stored(backend.name, ROWS).nbytes == 3 * 192 * 64 * 2 * 9 // 16


@pytest.mark.parametrize("backend", all_backends(), ids=lambda backend: backend.name)
def test_without_a_card_the_reason_is_given(backend: Backend) -> None:
    store = layers(backend)["fc2"]
    with pytest.raises(Refused, match="no CUDA device with sparse tensor cores"):
        store.stored(backend.name, ROWS)


def test_a_build_without_cusparselt_and_an_older_card_are_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(torch.backends.cusparselt, "is_available", lambda: False)
    assert CusparseLt().unavailable(cuda) == "this build of PyTorch has no cuSPARSELt"
    assert Cutlass().unavailable(cuda) is None
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert Cutlass().unavailable(cuda) == "no CUDA device with sparse tensor cores"


@pytest.mark.parametrize(
    ("kind", "backend"),
    [(SparseSemiStructuredTensorCUTLASS, Cutlass), (SparseSemiStructuredTensorCUSPARSELT, CusparseLt)],
)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_multiples_are_those_that_pytorch_asks_for(kind: Any, backend: type[Backend], dtype: torch.dtype) -> None:
    asked = kind._DTYPE_SHAPE_CONSTRAINTS[dtype]
    assert (backend.row_multiple, backend.column_multiple) == (asked.sparse_min_rows, asked.sparse_min_cols)
    assert BATCH_MULTIPLE % asked.dense_min_rows == BATCH_MULTIPLE % asked.dense_min_cols == 0


def test_the_world_is_as_narrow_as_the_tests_say() -> None:
    assert SPEC.obs_size + SPEC.n_actions + SPEC.n_agents == 17
