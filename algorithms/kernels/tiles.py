"""Matrix products of compiled functions, tile by tile."""

from __future__ import annotations

import numpy as np

from algorithms.kernels.compiled import kernel
from algorithms.kernels.simd import LANES, TILE_ROWS, WIDTH, make_tile

_tile = make_tile(TILE_ROWS, LANES)
_tile_1, _tile_2, _tile_3, _tile_4, _tile_5, _tile_6 = (make_tile(rows, LANES) for rows in range(1, 7))


@kernel
def multiply(rows, columns, depth, a, b, start, c):
    """Compute ``c = start + a @ b`` for (rows, depth) @ (depth, columns); matrices as in ``make_tile``.

    ``columns`` is a multiple of ``WIDTH``. ``b`` has a stride more, before that of terms: how far apart one ``WIDTH``
    of columns and the next lie, ``WIDTH`` in a plain matrix, ``depth * WIDTH`` in one packed by ``pack``.
    """
    (a, a_row, a_term), (b, b_panel, b_term), (start, start_row), (c, c_row) = a, b, start, c
    for panel in range(columns // WIDTH):
        left, shift = rows, panel * WIDTH * 4
        bp, sp, cp, ap = b + panel * b_panel * 4, start + shift, c + shift, a
        while left >= TILE_ROWS:
            _tile(depth, (ap, a_row, a_term), (bp, b_term), (sp, start_row), (cp, c_row))
            ap, sp, cp = ap + TILE_ROWS * a_row * 4, sp + TILE_ROWS * start_row * 4, cp + TILE_ROWS * c_row * 4
            left -= TILE_ROWS
        if left >= 6:
            _tile_6(depth, (ap, a_row, a_term), (bp, b_term), (sp, start_row), (cp, c_row))
            ap, sp, cp = ap + 6 * a_row * 4, sp + 6 * start_row * 4, cp + 6 * c_row * 4
            left -= 6
        if left == 5:
            _tile_5(depth, (ap, a_row, a_term), (bp, b_term), (sp, start_row), (cp, c_row))
        elif left == 4:
            _tile_4(depth, (ap, a_row, a_term), (bp, b_term), (sp, start_row), (cp, c_row))
        elif left == 3:
            _tile_3(depth, (ap, a_row, a_term), (bp, b_term), (sp, start_row), (cp, c_row))
        elif left == 2:
            _tile_2(depth, (ap, a_row, a_term), (bp, b_term), (sp, start_row), (cp, c_row))
        elif left == 1:
            _tile_1(depth, (ap, a_row, a_term), (bp, b_term), (sp, start_row), (cp, c_row))


@kernel
def times(rows, columns, depth, a, a_row, packed, start, start_row, c):
    """Compute ``c = start + a @ b`` for a packed ``b``; ``c`` is contiguous."""
    multiply(rows, columns, depth, (a, a_row, 1), (packed, depth * WIDTH, WIDTH), (start, start_row), (c, columns))


@kernel
def add_outer(rows, left, left_width, right, right_width, c):
    """Add ``leftᵀ @ right`` to ``c`` (left_width, right_width), a weight's gradient; all three are contiguous."""
    total = c, right_width
    multiply(left_width, right_width, rows, (left, 1, left_width), (right, WIDTH, right_width), total, total)


@kernel
def pack(matrix, transpose, rows, columns, out):
    """Lay a matrix out in panels of ``WIDTH`` columns, as ``times`` reads it.

    Args:
        matrix: (r, c), or (c, r) with ``transpose``.
        transpose: whether to pack its transpose.
        rows: at least r; missing rows are zero.
        columns: at least c, a multiple of ``WIDTH``; missing columns are zero.
        out: (rows * columns,) receives them.
    """
    r, c = (matrix.shape[1], matrix.shape[0]) if transpose else matrix.shape
    for panel in range(columns // WIDTH):
        for i in range(rows):
            for k in range(WIDTH):
                j = panel * WIDTH + k
                value = np.float32(0)
                if i < r and j < c:
                    value = matrix[j, i] if transpose else matrix[i, j]
                out[(panel * rows + i) * WIDTH + k] = value
