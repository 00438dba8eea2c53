"""Vector instructions for compiled functions: tiles of a matrix product and the gates of a GRU.

numba compiles loops one number at a time and leaves vectors to LLVM's guesses. Where speed depends on them, the
functions here write LLVM's vector operations themselves, so that a product runs near the processor's peak on any
machine, without a C compiler or a BLAS call. Addresses are passed as integers, ``array.ctypes.data`` in compiled code;
strides count float32 numbers. Nothing checks bounds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import llvmlite.binding
import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WIDTH = 16
"""Columns of a tile; widths of all matrices are padded to a multiple of it."""
FLOAT, INT32, ADDRESS = ir.FloatType(), ir.IntType(32), ir.IntType(64)


def has_avx512() -> bool:
    """Return whether compiled code may use 512-bit vectors, or that of ``NUMBA_CPU_NAME`` where it is set."""
    named: Any = numba.config
    if named.CPU_NAME not in (None, "", "host"):
        return "+avx512f" in (named.CPU_FEATURES or "")
    return bool(llvmlite.binding.get_host_cpu_features().get("avx512f", False))


# A tile keeps rows × (WIDTH / LANES) vectors of sums in registers: 12 of the 16 that AVX2 has, 12 of AVX-512's 32.
LANES, TILE_ROWS = (16, 12) if has_avx512() else (8, 6)


class _TileCode:
    """Code for a tile of ``rows`` × ``WIDTH`` sums, each in a lane of a register while terms are added."""

    def __init__(self, builder: Any, rows: int, lanes: int) -> None:
        self.builder = builder
        self.vector, self.columns = ir.VectorType(FLOAT, lanes), [ADDRESS(4 * at) for at in range(0, WIDTH, lanes)]
        self.rows = rows

    def generate(self, depth: Any, a: Sequence[Any], b: Sequence[Any], start: Sequence[Any], c: Sequence[Any]) -> None:
        """Write all of it; matrices are an address and strides in bytes: of rows, where it has any, then of terms."""
        build, (a, a_row, a_term), (b, b_term) = self.builder, a, b
        shifts = [build.mul(a_row, ADDRESS(row)) for row in range(self.rows)]
        first = [build.load(place, align=4) for place in self._places(*start)]
        before, loop, after = build.block, build.append_basic_block("term"), build.append_basic_block("sum")
        build.cbranch(build.icmp_signed(">", depth, ADDRESS(0)), loop, after)

        build.position_at_end(loop)
        count, at_a, at_b = (build.phi(ADDRESS) for _ in range(3))
        sums = [build.phi(self.vector) for _ in first]
        added = self._add_term([build.add(at_a, shift) for shift in shifts], at_b, sums)
        onward = build.add(count, ADDRESS(1)), build.add(at_a, a_term), build.add(at_b, b_term)
        for phi, initial, following in zip(
            (count, at_a, at_b, *sums), (ADDRESS(0), a, b, *first), (*onward, *added), strict=True
        ):
            phi.add_incoming(initial, before)
            phi.add_incoming(following, loop)
        build.cbranch(build.icmp_signed("<", onward[0], depth), loop, after)

        build.position_at_end(after)
        results = [build.phi(self.vector) for _ in first]
        for phi, initial, total in zip(results, first, added, strict=True):
            phi.add_incoming(initial, before)
            phi.add_incoming(total, loop)
        for place, result in zip(self._places(*c), results, strict=True):
            build.store(result, place, align=4)

    def _places(self, base: Any, stride: Any) -> list[Any]:
        """Point at the tile's vectors in a matrix, row by row."""
        build = self.builder
        rows = [build.add(base, build.mul(stride, ADDRESS(row))) for row in range(self.rows)]
        return [self._at(build.add(row, column), self.vector) for row in rows for column in self.columns]

    def _add_term(self, a: Sequence[Any], b: Any, sums: Sequence[Any]) -> list[Any]:
        """Add the products of one number of each row of ``a`` and one row of ``b``."""
        build = self.builder
        right = [build.load(self._at(build.add(b, column), self.vector), align=4) for column in self.columns]
        left = [_spread(build, build.load(self._at(address, FLOAT), align=4), self.vector) for address in a]
        factors = [(value, column) for value in left for column in right]
        return [_call(build, "llvm.fma", self.vector, *two, total) for two, total in zip(factors, sums, strict=True)]

    def _at(self, address: Any, kind: Any) -> Any:
        return self.builder.inttoptr(address, kind.as_pointer())


def make_tile(rows: int, lanes: int) -> Any:
    """Make the function that computes ``c = start + a @ b`` for a tile of ``rows`` × ``WIDTH`` numbers.

    Its arguments: ``depth`` (terms of each sum), then a tuple for each matrix, its address and strides: of ``a`` (rows
    apart, terms apart), of ``b`` (terms apart; columns lie together), of ``start`` and of ``c`` (rows apart; a stride
    of 0 repeats one row, such as a bias). ``start`` may be ``c``.
    """

    @intrinsic
    def tile(typing: Any, depth: Any, a: Any, b: Any, start: Any, c: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
            # one copy of the function around the tiles, not one in each caller: compiling takes a third of the time
            builder.function.attributes.add("noinline")
            depth, *packed = args
            found = [cgutils.unpack_tuple(builder, each, each.type.count) for each in packed]
            in_bytes = [(at, *(builder.shl(stride, ADDRESS(2)) for stride in strides)) for at, *strides in found]
            _TileCode(builder, rows, lanes).generate(depth, *in_bytes)
            return context.get_dummy_value()

        matrices = (types.UniTuple(types.int64, fields) for fields in (3, 2, 2, 2))
        return types.void(types.int64, *matrices), generate

    return tile


def _call(builder: Any, name: str, vector: Any, *args: Any) -> Any:
    """Call one of LLVM's own functions on vectors."""
    kind = ir.FunctionType(vector, [vector] * len(args))
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"{name}.v{vector.count}f32"), args)


def _spread(builder: Any, value: Any, vector: Any) -> Any:
    """Return a vector that holds one value in every lane."""
    empty = ir.Constant(vector, ir.Undefined)
    zeros = ir.Constant(ir.VectorType(INT32, vector.count), [0] * vector.count)
    return builder.shuffle_vector(builder.insert_element(empty, value, INT32(0)), empty, zeros)


class Vector:
    """A vector while code for it is generated, with arithmetic as operators; numbers are spread over its lanes."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def _of(self, other: Any) -> Any:
        if isinstance(other, Vector):
            return other.value
        return ir.Constant(self.value.type, [float(other)] * self.value.type.count)

    def __add__(self, other: Any) -> Vector:
        return Vector(self.builder, self.builder.fadd(self.value, self._of(other)))

    def __sub__(self, other: Any) -> Vector:
        return Vector(self.builder, self.builder.fsub(self.value, self._of(other)))

    def __rsub__(self, other: Any) -> Vector:
        return Vector(self.builder, self.builder.fsub(self._of(other), self.value))

    def __mul__(self, other: Any) -> Vector:
        return Vector(self.builder, self.builder.fmul(self.value, self._of(other)))

    def __rtruediv__(self, other: Any) -> Vector:
        return Vector(self.builder, self.builder.fdiv(self._of(other), self.value))

    def times_plus(self, factor: Any, addend: Any) -> Vector:
        """Return ``self · factor + addend``, rounded once."""
        return self._called("llvm.fma", self._of(factor), self._of(addend))

    def clipped(self, low: float, high: float) -> Vector:
        """Bring every lane into [low, high]; what is no number stays so."""
        return self._chosen("<", low, self._of(low))._chosen(">", high, self._of(high))

    def positive(self) -> Vector:
        """Return 0 in place of negative numbers."""
        return self._chosen("<", 0.0, self._of(0.0))

    def where_positive(self, condition: Vector) -> Vector:
        """Return 0 in place of lanes where ``condition`` is 0 or below."""
        below = self.builder.fcmp_ordered("<=", condition.value, self._of(0.0))
        return Vector(self.builder, self.builder.select(below, self._of(0.0), self.value))

    def magnitude(self) -> Vector:
        """Return the absolute value."""
        return self._called("llvm.fabs")

    def shifted_to_exponent(self) -> Vector:
        """Return 2^k for lanes that hold ``_ROUNDING + k``, k whole from −126 to 127."""
        whole = ir.VectorType(INT32, self.value.type.count)
        bias, shift = (ir.Constant(whole, [number] * whole.count) for number in (127 << 23, 23))
        bits = self.builder.shl(self.builder.bitcast(self.value, whole), shift)
        return Vector(self.builder, self.builder.bitcast(self.builder.add(bits, bias), self.value.type))

    def _chosen(self, comparison: str, bound: float, other: Any) -> Vector:
        true = self.builder.fcmp_ordered(comparison, self.value, self._of(bound))
        return Vector(self.builder, self.builder.select(true, other, self.value))

    def _called(self, name: str, *args: Any) -> Vector:
        return Vector(self.builder, _call(self.builder, name, self.value.type, self.value, *args))


_ROUNDING = 1.5 * 2.0**23
"""Added to a number below 2^22 it leaves that number's nearest whole one in the last bits of the sum."""
_POWER_OF_TWO = [math.log(2) ** k / math.factorial(k) for k in range(8)]
"""Taylor coefficients of 2^f at 0; the remainder for |f| ≤ 1/2 is below 2^-27 of the value."""


def exp(x: Vector) -> Vector:
    """Return e^x, within 2^-18 of its value for |x| ≤ 80 and 2^-22 for |x| ≤ 2; beyond ±80 as at ±80."""
    exponent = x.clipped(-80.0, 80.0) * math.log2(math.e)
    rounded = exponent + _ROUNDING
    fraction = exponent - (rounded - _ROUNDING)
    power = fraction * _POWER_OF_TWO[-1] + _POWER_OF_TWO[-2]
    for coefficient in reversed(_POWER_OF_TWO[:-2]):
        power = power.times_plus(fraction, coefficient)
    return power * rounded.shifted_to_exponent()


def sigmoid(x: Vector) -> Vector:
    """Return 1 / (1 + e^-x), within 2^-22 for every x."""
    return 1.0 / (exp(x * -1.0) + 1.0)


def tanh(x: Vector) -> Vector:
    """Return the hyperbolic tangent as 2 σ(2x) − 1, within 2^-22 for every x."""
    return sigmoid(x * 2.0) * 2.0 - 1.0


def make_elementwise(n_arrays: int, formula: Any) -> Any:
    """Make a compiled loop over arrays of one length.

    Args:
        n_arrays: how many addresses it takes, after the number of float32 numbers (a multiple of ``WIDTH``).
        formula: given a vector of each array, says which arrays get which vectors: {number: vector}.
    """
    vector = ir.VectorType(FLOAT, LANES)

    @intrinsic
    def loop(typing: Any, count: Any, addresses: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
            count, packed = args
            bases = cgutils.unpack_tuple(builder, packed, n_arrays)
            with cgutils.for_range_slice(builder, ADDRESS(0), count, ADDRESS(LANES), ADDRESS) as (at, _):
                shift = builder.shl(at, ADDRESS(2))
                pointers = [builder.inttoptr(builder.add(base, shift), vector.as_pointer()) for base in bases]
                loaded = [Vector(builder, builder.load(pointer, align=4)) for pointer in pointers]
                for number, result in formula(*loaded).items():
                    builder.store(result.value, pointers[number], align=4)
            return context.get_dummy_value()

        return types.void(types.int64, types.UniTuple(types.int64, n_arrays)), generate

    return loop


def _gates(r: Vector, u: Vector, n: Vector, recurrent: Vector, before: Vector, after: Vector) -> dict[int, Vector]:
    reset, update = sigmoid(r), sigmoid(u)
    new = tanh(recurrent.times_plus(reset, n))
    return {0: reset, 1: update, 2: new, 5: (before - new).times_plus(update, new)}


def _gate_gradients(
    r: Vector, u: Vector, n: Vector, recurrent: Vector, before: Vector, d_state: Vector, *_: Vector
) -> dict[int, Vector]:
    kept = 1.0 - u
    d_new = d_state * kept * (1.0 - n * n)
    d_reset = d_new * recurrent * r * (1.0 - r)
    d_update = d_state * (before - n) * u * kept
    return {5: d_state * u, 6: d_reset, 7: d_update, 8: d_new * r, 9: d_new}


gates = make_elementwise(6, _gates)
"""Sums r, u, n, recurrent part of n, state before -> gates in the places of the sums, and the state after (last)."""
gate_gradients = make_elementwise(10, _gate_gradients)
"""Gates r, u, n, recurrent part of n, state before, gradient of the state after -> that gradient times u in its place,
and gradients of the sums: r, u, recurrent part of n, n."""

relu = make_elementwise(1, lambda x: {0: x.positive()})
"""Negative numbers become 0."""
relu_gradient = make_elementwise(2, lambda gradient, output: {0: gradient.where_positive(output)})
"""The gradient behind a ReLU of this output, in place."""
add = make_elementwise(2, lambda total, x: {0: total + x})
"""The second is added to the first."""
add_magnitude = make_elementwise(2, lambda total, x: {0: total + x.magnitude()})
"""The second's absolute value is added to the first."""


def _elu(x: Vector) -> dict[int, Vector]:
    below = x.clipped(-80.0, 0.0)
    return {0: x.positive() + (exp(below) - 1.0)}


elu = make_elementwise(1, _elu)
"""Negative numbers become e^x − 1."""
