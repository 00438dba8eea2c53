"""The kernels that multiply with a compressed 2:4 weight, as PyTorch offers them.

| name | kernel | what it tests |
|---|---|---|
| ``cutlass`` | CUTLASS through ``torch.sparse`` | the stock path; its result is transposed back by a copy |
| ``cutlass-features`` | the same, activations stored (features, rows) | no transposed copies at all |
| ``cusparselt`` | cuSPARSELt through ``torch.sparse`` | the stock path, default algorithm, transpose fused |
| ``cusparselt-search`` | cuSPARSELt directly | its search over algorithms and split-k, transpose fused |
| ``cusparselt-features`` | the same, activations stored (features, rows) | whether the fused transpose costs anything |

A backend may refuse a card, a build of PyTorch or a shape: that is an exception of ``REFUSALS`` and a fact worth
recording, not a fault of the run. PyTorch calls all of this a prototype, and the search is not public at all.

Source: ``torch/sparse/semi_structured.py`` of PyTorch 2.11 to 2.13.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

REFUSALS = (RuntimeError, AssertionError, ValueError, AttributeError, TypeError, ImportError)
"""Errors of PyTorch for a card, a build or a shape that it refuses; the last three: a release lacks a private name."""
BATCH_MULTIPLE = 8
"""Rows of the batch, for all backends, in fp16 and bf16."""
SEARCH_ROWS = 16_384
"""Rows that an algorithm is searched with at most: enough to fill a card, and the search tries every one it has."""


class Refused(RuntimeError):
    """This kernel is not available here; see the message."""


@dataclass(frozen=True, kw_only=True)
class Product:
    """A compressed weight, ready to multiply."""

    multiply: Callable[[Tensor], Tensor]
    """(R, in) contiguous -> (R, out), bias added; both transposed where the backend is ``feature_major``."""
    setting: str = ""
    """Settings of its kernel, for example ``algorithm 7, split-k 2``."""


class Backend(ABC):
    """One kind of compressed weight and its kernel."""

    name: ClassVar[str]
    row_multiple: ClassVar[int]
    """output features must be a multiple of it"""
    column_multiple: ClassVar[int]
    """likewise input features"""
    feature_major: ClassVar[bool] = False
    """whether activations are (features, rows); such backends are timed layer by layer only"""

    def unavailable(self, device: torch.device) -> str | None:
        """Return why it cannot run on this device; None where it may."""
        return no_sparse_cores(device)

    @abstractmethod
    def compress(self, padded: Tensor) -> Any:
        """Compress a 2:4 weight (out, in) whose sizes are multiples of the backend's."""

    @abstractmethod
    def product(self, stored: Any, bias: Tensor, rows: int) -> Product:
        """Prepare a compressed weight for multiplication.

        Args:
            stored: what ``compress`` gave.
            bias: (out,), padded like the weight.
            rows: R of the products to come, a multiple of ``BATCH_MULTIPLE``.
        """

    def nbytes(self, stored: Any) -> int:
        """Return the bytes of the compressed weight, its metadata included."""
        parts = (stored,) if type(stored) is Tensor else (stored.packed, stored.meta)
        return sum(part.nbytes for part in parts if part is not None)


class TorchSparse(Backend):
    """A kernel as ``torch.sparse`` runs it."""

    tensor_class: ClassVar[str]
    """name in ``torch.sparse`` of its compressed weights"""
    setting: ClassVar[str] = ""

    def compress(self, padded: Tensor) -> Any:
        with warnings.catch_warnings():
            # The tensor subclass announces itself as a prototype once per process; that is known and recorded here.
            warnings.filterwarnings("ignore", message=".*SparseSemiStructuredTensor is in prototype stage.*")
            return getattr(torch.sparse, self.tensor_class).from_dense(padded)

    def product(self, stored: Any, bias: Tensor, rows: int) -> Product:
        return Product(multiply=lambda x: functional.linear(x, stored, bias), setting=self.setting)


class Cutlass(TorchSparse):
    """CUTLASS as ``torch.sparse`` runs it."""

    name, tensor_class = "cutlass", "SparseSemiStructuredTensorCUTLASS"
    row_multiple, column_multiple = 32, 64


class CutlassFeatures(Cutlass):
    """CUTLASS on transposed activations, which is how its kernel reads and writes them."""

    name = "cutlass-features"
    feature_major = True

    def product(self, stored: Any, bias: Tensor, rows: int) -> Product:
        packed, meta = stored.packed, stored.meta
        return Product(multiply=lambda x: torch._sparse_semi_structured_addmm(bias, packed, meta, x))


class CusparseLt(TorchSparse):
    """cuSPARSELt as ``torch.sparse`` runs it."""

    name, tensor_class = "cusparselt", "SparseSemiStructuredTensorCUSPARSELT"
    row_multiple, column_multiple = 16, 16
    setting = "algorithm 0"

    def unavailable(self, device: torch.device) -> str | None:
        if (reason := super().unavailable(device)) is not None:
            return reason
        return None if torch.backends.cusparselt.is_available() else "this build of PyTorch has no cuSPARSELt"


class CusparseLtSearch(CusparseLt):
    """cuSPARSELt with the algorithm and split-k that its own search finds fastest for the shape."""

    name = "cusparselt-search"

    def __init__(self) -> None:
        self._found: dict[tuple[object, ...], dict[str, int]] = {}

    def product(self, stored: Any, bias: Tensor, rows: int) -> Product:
        """See ``Backend``; the first product of a shape searches, later ones use its result."""
        packed, transpose = stored.packed, not self.feature_major
        shape = (*stored.shape, min(rows, SEARCH_ROWS), stored.dtype)
        if shape not in self._found:
            drawn = drawn_rows(min(rows, SEARCH_ROWS), stored.shape[1], stored.dtype, bias.device)
            columns = drawn.t().contiguous() if self.feature_major else drawn.t()
            self._found[shape] = search(packed, columns, bias, transpose)
        chosen: dict[str, Any] = self._found[shape]

        # a result in the order of rows is written by the kernel itself; the input's transpose is a view
        def multiply(x: Tensor) -> Tensor:
            columns = x.t() if transpose else x
            return torch._cslt_sparse_mm(packed, columns, bias=bias, transpose_result=transpose, **chosen)

        setting = f"algorithm {chosen['alg_id']}, split-k {chosen.get('split_k', 1)}"
        return Product(multiply=multiply, setting=setting)


class CusparseLtFeatures(CusparseLtSearch):
    """The same on transposed activations."""

    name = "cusparselt-features"
    feature_major = True


def search(packed: Tensor, columns: Tensor, bias: Tensor, transpose_result: bool) -> dict[str, int]:
    """Search for cuSPARSELt's fastest algorithm; return keywords of ``torch._cslt_sparse_mm``.

    Args:
        packed: the compressed weight.
        columns: (in, R) dense factor, contiguous or the transpose of something contiguous.
        bias: (out,).
        transpose_result: whether the result is to be (R, out).
    """
    bindings: Any = getattr(torch._C, "_cusparselt", None)
    if hasattr(bindings, "mm_search"):
        algorithm, split_k, mode, _ = bindings.mm_search(packed, columns, bias, None, None, transpose_result)
        # a mode without a split would be passed on to a library that may refuse it
        split = {"split_k": split_k, "split_k_mode": mode} if split_k > 1 else {}
        return {"alg_id": algorithm, **split}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*_cslt_sparse_mm_search is deprecated.*")
        return {"alg_id": torch._cslt_sparse_mm_search(packed, columns, bias, transpose_result=transpose_result)}


def no_sparse_cores(device: torch.device) -> str | None:
    """Return that the device has no sparse tensor cores, in words; None where it has some."""
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0):
        return None
    return "no CUDA device with sparse tensor cores"


def all_backends() -> tuple[Backend, ...]:
    """Return new instances of every backend; each keeps what its searches find."""
    return Cutlass(), CutlassFeatures(), CusparseLt(), CusparseLtSearch(), CusparseLtFeatures()


def drawn_rows(rows: int, width: int, dtype: torch.dtype, device: torch.device, seed: int = 0) -> Tensor:
    """Draw (rows, width) numbers in [-1, 1), the range of hidden states and of most inputs."""
    generator = torch.Generator(device).manual_seed(seed)
    return (2 * torch.rand((rows, width), generator=generator, device=device) - 1).to(dtype)


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's message, or its type's name."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
