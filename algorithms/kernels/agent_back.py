"""The agent network's way back through time over a block of sequences; see ``agent_pass.py``."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from algorithms.kernels.agent_inputs import (
    add_blank_gradients,
    add_layer_gradients,
    add_rows,
    blank_layers,
    gates_to_first,
    gather,
)
from algorithms.kernels.agent_layout import (
    FIRST,
    HEAD,
    NEW,
    RECURRENT,
    RESET,
    STATE,
    UPDATE,
    weight_places,
)
from algorithms.kernels.compiled import kernel
from algorithms.kernels.simd import WIDTH, add, gate_gradients, relu_gradient
from algorithms.kernels.tiles import add_outer, multiply, times

ROOM = 2
"""Time steps whose gradients the backward pass collects at least before it forms weight gradients."""


class BackwardAreas(NamedTuple):
    """Where the parts of the backward pass's scratch begin, rows of time steps that are collected."""

    reset: int
    """gradients of the gates' sums"""
    update: int
    recurrent: int
    new: int
    before: int
    """states before the step"""
    live: int
    """of the rows that have a view: fc1's output, and gradients of the gates r, u, n"""
    first: int
    """gradients of fc1's output, of the same rows"""
    head: int
    """gradients of the heads' outputs"""
    values: int
    """gradients of the values"""
    x: int
    """observations of the same rows"""
    state: int
    """gradient of the states, of one time step"""
    zeros: int
    """one row"""
    end: int


@kernel
def backward_areas(sizes, rows):
    """Lay out the scratch of a block of ``rows`` sequences."""
    room = ROOM * rows
    wide = room * sizes.hidden_padded
    values = (9 + sizes.heads) * wide
    x = values + room * sizes.actions_padded
    state = x + room * sizes.obs
    zeros = state + rows * sizes.hidden_padded
    end = zeros + sizes.hidden_padded
    return BackwardAreas(
        0, wide, 2 * wide, 3 * wide, 4 * wide, 5 * wide, 9 * wide, 10 * wide, values, x, state, zeros, end
    )


@kernel
def _gates_at(areas, scratch):
    """Return the addresses of the gradients of r, u, the recurrent part of n, and n."""
    return (
        scratch + areas.reset * 4,
        scratch + areas.update * 4,
        scratch + areas.recurrent * 4,
        scratch + areas.new * 4,
    )


@kernel
def backward_block(sizes, sequences, counts, first_row, obs, actions, online, saved, scratch, d_taken, gradient):
    """Walk a block back through time; arguments as in ``forward_block``.

    Gradients of a few time steps are collected before weight gradients are formed: longer sums, fewer passes over them.

    Args:
        d_taken: (B · (T + 1) · N,) gradient of the value of each action taken.
        gradient: (numbers,) zeros that receive the gradients of all weights, laid out as ``weight_places`` says.
    """
    a, room = sizes.actions_padded, ROOM * len(sequences)
    areas = backward_areas(sizes, len(sequences))
    values, x = areas.values, areas.x
    scratch[values:x] = 0
    scratch[areas.state : areas.end] = 0
    last, agent = np.empty(room, np.int64), np.empty(room, np.int64)
    is_blank, blank = np.empty(len(sequences), np.bool_), blank_layers(sizes, online)
    blank_sums = np.zeros((3, sizes.agents, sizes.hidden_padded), np.float32)
    steps, row = 0, first_row
    while steps < len(counts) and counts[steps] > 0:
        row += counts[steps]
        steps += 1
    at, live = room, 0  # collected rows lie at the end, in the order of ``saved``; those with a view at the front
    for step in range(steps - 1, -1, -1):
        rows = counts[step]
        if rows > at:
            _add_gradients(room - at, sizes, len(sequences), scratch, saved, row, gradient)
            _add_input_gradients(live, sizes, len(sequences), scratch, last, agent, gradient)
            scratch[values:x] = 0
            at, live = room, 0
        row, at = row - rows, at - rows
        seen = gather(
            rows, step, sizes, sequences, obs, actions, scratch[x + live * sizes.obs :], last[live:], agent[live:],
            is_blank,
        )  # fmt: skip
        for i in range(rows):
            sequence = sequences[i]
            if step < sequence.steps:
                chosen = actions[sequence.action + step * sizes.agents]
                scratch[values + (at + i) * a + chosen] = d_taken[sequence.row + step * sizes.agents]
        earlier = row - counts[step - 1] if step > 0 else -1
        _heads_back(rows, sizes, len(sequences), online, scratch, at, saved, row)
        _gates_back(rows, sizes, len(sequences), online, scratch, at, saved, row, earlier)
        _inputs_back(rows, sizes, sequences, is_blank, online, scratch, at, live, saved, row, blank_sums)
        live += seen
    _add_gradients(room - at, sizes, len(sequences), scratch, saved, row, gradient)
    _add_input_gradients(live, sizes, len(sequences), scratch, last, agent, gradient)
    add_blank_gradients(sizes, online, blank, blank_sums, gradient)


@kernel
def _heads_back(rows, sizes, most, weights, scratch, at, saved, row):
    """Go back from the values of one time step to its states.

    Args:
        rows: of the step.
        sizes, most: of the network; sequences of the block.
        weights: a packed network.
        scratch: see ``backward_areas``; the step's rows begin at row ``at`` of every area.
        saved: (planes, R · H); the step's rows begin at row ``row``.
    """
    h, a, heads, count = sizes.hidden_padded, sizes.actions_padded, sizes.heads, rows * sizes.hidden_padded
    square, wide, plane = h * h, ROOM * most * h, saved.shape[1] * 4
    head_back, areas = weight_places(sizes).head_back, backward_areas(sizes, most)
    s, w, shift = scratch.ctypes.data, weights.ctypes.data, at * h * 4
    kept, zero, d_state = saved.ctypes.data + row * h * 4, s + areas.zeros * 4, s + areas.state * 4
    out, from_values = s + (areas.head + (heads - 2) * wide) * 4 + shift, w + (head_back + (heads - 1) * square) * 4
    q = s + (areas.values + at * a) * 4
    if heads == 1:
        multiply(rows, h, sizes.actions, (q, a, 1), (from_values, WIDTH, h), (d_state, h), (d_state, h))
    else:
        multiply(rows, h, sizes.actions, (q, a, 1), (from_values, WIDTH, h), (zero, 0), (out, h))
    for k in range(heads - 2, -1, -1):
        relu_gradient(count, (out, kept + (HEAD + k) * plane))
        below = out - wide * 4 if k > 0 else d_state
        times(
            rows, h, h, out, h, w + (head_back + k * square) * 4, zero if k > 0 else d_state, 0 if k > 0 else h, below
        )
        out = below


@kernel
def _gates_back(rows, sizes, most, weights, scratch, at, saved, row, earlier):
    """Go back from the states of one time step to the sums of its gates and the states before it.

    Args:
        earlier: row of ``saved`` where those of the step before begin, −1 for none.

    The others are those of ``_heads_back``.
    """
    h, count, square = sizes.hidden_padded, rows * sizes.hidden_padded, sizes.hidden_padded**2
    recurrent_back, areas = weight_places(sizes).recurrent_back, backward_areas(sizes, most)
    plane, shift = saved.shape[1] * 4, at * h * 4
    s, w, kept = scratch.ctypes.data, weights.ctypes.data, saved.ctypes.data + row * h * 4
    before, d_state = s + areas.before * 4 + shift, s + areas.state * 4
    into = areas.before + at * h
    if earlier >= 0:
        scratch[into : into + count] = saved[STATE, earlier * h : earlier * h + count]
    else:
        scratch[into : into + count] = 0
    r, u, rn, n = _gates_at(areas, s + shift)
    reset, update = kept + RESET * plane, kept + UPDATE * plane
    new, recurrent = kept + NEW * plane, kept + RECURRENT * plane
    gate_gradients(count, (reset, update, new, recurrent, before, d_state, r, u, rn, n))
    if earlier >= 0:
        times(rows, h, h, r, h, w + recurrent_back * 4, d_state, h, d_state)
        times(rows, h, h, u, h, w + (recurrent_back + square) * 4, d_state, h, d_state)
        times(rows, h, h, rn, h, w + (recurrent_back + 2 * square) * 4, d_state, h, d_state)


@kernel
def _inputs_back(rows, sizes, sequences, is_blank, weights, scratch, at, live, saved, row, blank_sums):
    """Go back from the gates' gradients of one time step to fc1's sums.

    Args:
        is_blank: (rows,) whether a row has no view.
        live: rows with a view that were collected before; those of this step are put behind them.
        blank_sums: (3, N, H) receives the gradients of the gates r, u, n of rows without a view, summed by agent.

    The others are those of ``_heads_back``.
    """
    h, most = sizes.hidden_padded, len(sequences)
    wide, areas = ROOM * most * h, backward_areas(sizes, most)
    sources = (areas.reset, areas.update, areas.new)
    to = live * h
    for i in range(rows):
        if is_blank[i]:
            for gate in range(3):
                of_row = scratch.ctypes.data + (sources[gate] + (at + i) * h) * 4
                add(h, (blank_sums.ctypes.data + (gate * sizes.agents + sequences[i].agent) * h * 4, of_row))
            continue
        scratch[areas.live + to : areas.live + to + h] = saved[FIRST, (row + i) * h : (row + i + 1) * h]
        for gate in range(3):
            source, target = sources[gate] + (at + i) * h, areas.live + (gate + 1) * wide + to
            scratch[target : target + h] = scratch[source : source + h]
        to += h
    seen = to // h - live
    s, w, shift = scratch.ctypes.data, weights.ctypes.data + weight_places(sizes).input_back * 4, live * h * 4
    gates_to_first(
        seen, h, s + (areas.live + wide) * 4 + shift, wide, w, s + areas.zeros * 4, s + areas.first * 4 + shift
    )
    relu_gradient(seen * h, (s + areas.first * 4 + shift, s + areas.live * 4 + shift))


@kernel
def _add_gradients(rows, sizes, most, scratch, saved, row, gradient):
    """Add the collected rows' gradients of the recurrent side and the heads; the first is row ``row`` of ``saved``."""
    h, a, heads = sizes.hidden_padded, sizes.actions_padded, sizes.heads
    square, wide, plane, at = h * h, ROOM * most * h, saved.shape[1] * 4, ROOM * most - rows
    to, areas = weight_places(sizes), backward_areas(sizes, most)
    head = to.head
    s, g, shift = scratch.ctypes.data, gradient.ctypes.data, at * h * 4
    kept, before = saved.ctypes.data + row * h * 4, s + areas.before * 4 + shift
    r, u, rn, n = _gates_at(areas, s + shift)

    add_outer(rows, before, h, r, h, g + to.recurrent * 4)
    add_outer(rows, before, h, u, h, g + (to.recurrent + square) * 4)
    add_outer(rows, before, h, rn, h, g + (to.recurrent + 2 * square) * 4)
    add_rows(rows, h, r, g + to.gate_bias * 4)
    add_rows(rows, h, u, g + (to.gate_bias + h) * 4)
    add_rows(rows, h, n, g + (to.gate_bias + 2 * h) * 4)
    add_rows(rows, h, rn, g + (to.gate_bias + 3 * h) * 4)
    below = kept + STATE * plane
    for k in range(heads - 1):
        out = s + (areas.head + k * wide) * 4 + shift
        add_outer(rows, below, h, out, h, g + head * 4)
        add_rows(rows, h, out, g + (head + square) * 4)
        below, head = kept + (HEAD + k) * plane, head + square + h
    q = s + (areas.values + at * a) * 4
    add_outer(rows, below, h, q, a, g + head * 4)
    add_rows(rows, a, q, g + (head + h * a) * 4)


@kernel
def _add_input_gradients(rows, sizes, most, scratch, last, agent, gradient):
    """Add the gradients of fc1 and the input side, of the collected rows that have a view."""
    areas, wide, s = backward_areas(sizes, most), ROOM * most * sizes.hidden_padded, scratch.ctypes.data
    live, first = s + areas.live * 4, s + areas.first * 4
    add_outer(rows, s + areas.x * 4, sizes.obs, first, sizes.hidden_padded, gradient.ctypes.data)
    add_layer_gradients(rows, sizes, last, agent, live, live + wide * 4, wide, first, gradient)
