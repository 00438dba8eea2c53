"""The agent network's pass over whole sequences, forwards and backwards, compiled for processors.

Sequences do not depend on each other. They are sorted, longest first, and walked through time a block at a time
(``blocks.py``), so that what a time step needs stays in the cache and a block needs nobody else. The rows of a block
are stored step by step; a step's rows are the first ones of the step before it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from algorithms.kernels.agent_layout import gradient_places, weight_places
from algorithms.kernels.compiled import kernel
from algorithms.kernels.simd import WIDTH, add, add_magnitude, gate_gradients, gates, relu, relu_gradient
from algorithms.kernels.tiles import add_outer, multiply, times

FIRST, RESET, UPDATE, NEW, RECURRENT, STATE, HEAD = range(7)
"""What the passes keep of each row, a plane (R, H) each: fc1's output, the gates, the recurrent part of the new
one, the state, and the outputs of the layers after the GRU but the last."""


ACTING = 48
"""Rows of agents that act which are computed together."""
ROOM = 2
"""Time steps whose gradients the backward pass collects at least before it forms weight gradients."""


@kernel
def network_step(rows, sizes, weights, x, last, agent, before, memory, plane, at, state_at, q):
    """Compute one time step of ``rows`` sequences.

    Args:
        rows: how many.
        sizes: of the network.
        weights: a packed network.
        x: address of (rows, D) observations.
        last: (rows,) last actions, −1 for none.
        agent: (rows,) numbers of the agents.
        before: address of (rows, H) states before the step.
        memory: flat; its planes receive what the step computes.
        plane: numbers from one plane to the next.
        at: first row's place within a plane.
        state_at: the same in the plane of states.
        q: address that receives (rows, A) values.
    """
    h, square = sizes.hidden_padded, sizes.hidden_padded * sizes.hidden_padded
    places = weight_places(sizes)
    base, w, count = memory.ctypes.data + at * 4, weights.ctypes.data, rows * h
    first = base
    times(rows, h, sizes.obs, x, sizes.obs, w + places.fc1 * 4, w + places.bias * 4, 0, first)
    for i in range(rows):
        if sizes.last_actions and last[i] >= 0:
            add(h, (first + i * h * 4, w + (places.table + last[i] * h) * 4))
        if sizes.agent_ids:
            add(h, (first + i * h * 4, w + (places.table + (sizes.last_actions + agent[i]) * h) * 4))
    relu(count, (first,))
    for gate in range(3):
        out = base + (RESET + gate) * plane * 4
        times(
            rows,
            h,
            h,
            first,
            h,
            w + (places.input_side + gate * square) * 4,
            w + (places.gate_bias + gate * h) * 4,
            0,
            out,
        )
        if gate < 2:
            times(rows, h, h, before, h, w + (places.recurrent + gate * square) * 4, out, h, out)
    out = base + RECURRENT * plane * 4
    times(rows, h, h, before, h, w + (places.recurrent + 2 * square) * 4, w + (places.gate_bias + 3 * h) * 4, 0, out)
    r, u, n = base + RESET * plane * 4, base + UPDATE * plane * 4, base + NEW * plane * 4
    state = memory.ctypes.data + (STATE * plane + state_at) * 4
    gates(count, (r, u, n, out, before, state))
    below, head = state, places.head
    for k in range(sizes.heads - 1):
        out = base + (HEAD + k) * plane * 4
        times(rows, h, h, below, h, w + head * 4, w + (head + square) * 4, 0, out)
        relu(count, (out,))
        below, head = out, head + square + h
    a = sizes.actions_padded
    times(rows, a, h, below, h, w + head * 4, w + (head + h * a) * 4, 0, q)


@kernel
def gather(rows, step, sizes, sequences, obs, actions, x, last, agent):
    """Fetch the inputs of a time step: observations (to address-backed ``x``), last actions and agents' numbers."""
    for i in range(rows):
        sequence = sequences[i]
        row = sequence.row + step * sizes.agents
        for k in range(sizes.obs):
            x[i * sizes.obs + k] = obs[row, k]
        last[i] = actions[sequence.action + (step - 1) * sizes.agents] if step > 0 else -1
        agent[i] = sequence.agent


class BackwardAreas(NamedTuple):
    """Where the parts of the backward pass's scratch begin, rows of time steps that are collected."""

    reset: int
    """gradients of the gates' sums"""
    update: int
    recurrent: int
    new: int
    before: int
    """states before the step"""
    first: int
    """gradients of fc1's output"""
    head: int
    """gradients of the heads' outputs"""
    values: int
    """gradients of the values"""
    x: int
    """observations"""
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
    values = (5 + sizes.heads) * wide
    x = values + room * sizes.actions_padded
    state = x + room * sizes.obs
    zeros = state + rows * sizes.hidden_padded
    end = zeros + sizes.hidden_padded
    return BackwardAreas(0, wide, 2 * wide, 3 * wide, 4 * wide, 5 * wide, 6 * wide, values, x, state, zeros, end)


@kernel
def scratch_size(sizes, rows):
    """Numbers of scratch that a block of ``rows`` sequences needs, in either direction."""
    h = sizes.hidden_padded
    forwards = rows * ((HEAD + sizes.heads - 1) * 2 * h + sizes.obs + 2 * sizes.actions_padded + h)
    return max(forwards, backward_areas(sizes, rows).end)


@kernel
def forward_block(sizes, sequences, counts, first_row, obs, actions, mask, weights, saved, scratch, taken, best, use):
    """Walk a block of sequences through time under the network that learns.

    Args:
        sizes: of the network.
        sequences: (S,) records of ``blocks.SEQUENCE``, longest first.
        counts: (T + 1,) rows of each time step, 0 after the last.
        first_row: of the block in ``saved``.
        obs: (B · (T + 1) · N, D).
        actions: (B · T · N,) int64.
        mask: (B · (T + 1) · N, A) uint8, legal actions.
        weights: a packed network.
        saved: (planes, R · H) receives what a backward pass needs.
        scratch: as long as ``scratch_size`` says.
        taken: (B · (T + 1) · N,) receives the value of the action taken.
        best: (B · (T + 1) · N,) int64 receives the legal action of the largest value.
        use: (D + A + N + 2H + heads · H + 1,) receives sums of magnitudes of the layers' inputs over the rows of living
            agents, in the order fc1, the GRU's input side, its recurrent side, the heads; and the number of these rows.
            Empty: none.
    """
    h, a = sizes.hidden_padded, sizes.actions_padded
    q_at = len(sequences) * sizes.obs
    zero_at = q_at + len(sequences) * a
    scratch[zero_at : zero_at + len(sequences) * h] = 0
    x, q = scratch[:q_at], scratch[q_at:zero_at]
    last, agent = np.empty(len(sequences), np.int64), np.empty(len(sequences), np.int64)
    before = scratch.ctypes.data + zero_at * 4
    flat, plane, row, steps = saved.reshape(-1), saved.shape[1], first_row, 0
    while steps < len(counts) and counts[steps] > 0:
        rows, at = counts[steps], row * h
        gather(rows, steps, sizes, sequences, obs, actions, x, last, agent)
        network_step(rows, sizes, weights, x.ctypes.data, last, agent, before, flat, plane, at, at, q.ctypes.data)
        for i in range(rows):
            place = sequences[i].row + steps * sizes.agents
            most = np.float32(-np.inf)
            best[place] = 0
            for k in range(sizes.actions):
                if mask[place, k] and q[i * a + k] > most:
                    best[place], most = k, q[i * a + k]
            if steps < sequences[i].steps:
                taken[place] = q[i * a + actions[sequences[i].action + steps * sizes.agents]]
        if len(use) > 0:
            _count_use(rows, steps, sizes, sequences, mask, x, last, agent, before, flat, plane, at, use)
        before = flat.ctypes.data + (STATE * plane + at) * 4
        row, steps = row + rows, steps + 1


@kernel
def value_block(sizes, sequences, counts, obs, actions, weights, scratch, best, values):
    """Walk a block of sequences through time under the target network; arguments as in ``forward_block``.

    Args:
        best: (B · (T + 1) · N,) int64, actions to value.
        values: (B · (T + 1) · N,) receives their values.
    """
    h, a, plane = sizes.hidden_padded, sizes.actions_padded, 2 * len(sequences) * sizes.hidden_padded
    x_at = (HEAD + sizes.heads - 1) * plane
    q_at = x_at + len(sequences) * sizes.obs
    zero_at = q_at + len(sequences) * a
    scratch[zero_at : zero_at + len(sequences) * h] = 0
    x, q = scratch[x_at:q_at], scratch[q_at:zero_at]
    last, agent = np.empty(len(sequences), np.int64), np.empty(len(sequences), np.int64)
    before, steps = scratch.ctypes.data + zero_at * 4, 0
    while steps < len(counts) and counts[steps] > 0:
        rows, state_at = counts[steps], (steps & 1) * len(sequences) * h
        gather(rows, steps, sizes, sequences, obs, actions, x, last, agent)
        network_step(
            rows, sizes, weights, x.ctypes.data, last, agent, before, scratch, plane, 0, state_at, q.ctypes.data
        )
        for i in range(rows):
            place = sequences[i].row + steps * sizes.agents
            values[place] = q[i * a + best[place]]
        before, steps = scratch.ctypes.data + (STATE * plane + state_at) * 4, steps + 1


@kernel
def _is_dead(sizes, mask):
    """Whether an agent with these legal actions is dead."""
    for k in range(1, sizes.actions):
        if mask[k]:
            return False
    return sizes.noop_means_dead


@kernel
def _count_use(rows, step, sizes, sequences, mask, x, last, agent, before, memory, plane, at, use):
    """Add one time step's magnitudes of the layers' inputs, see ``forward_block``."""
    h, d, total = sizes.hidden_padded, sizes.obs, use.ctypes.data
    input_side = d + sizes.last_actions + sizes.agent_ids
    recurrent, heads = input_side + h, input_side + 2 * h
    for i in range(rows):
        if step >= sequences[i].steps or _is_dead(sizes, mask[sequences[i].row + step * sizes.agents]):
            continue
        for k in range(d):
            use[k] += abs(x[i * d + k])
        if sizes.last_actions and last[i] >= 0:
            use[d + last[i]] += 1
        if sizes.agent_ids:
            use[d + sizes.last_actions + agent[i]] += 1
        base = memory.ctypes.data + (at + i * h) * 4
        add_magnitude(h, (total + input_side * 4, base))
        add_magnitude(h, (total + recurrent * 4, before + i * h * 4))
        add_magnitude(h, (total + heads * 4, base + STATE * plane * 4))
        for k in range(sizes.heads - 1):
            add_magnitude(h, (total + (heads + (k + 1) * h) * 4, base + (HEAD + k) * plane * 4))
        use[heads + sizes.heads * h] += 1


@kernel
def backward_block(sizes, sequences, counts, first_row, obs, actions, online, saved, scratch, d_taken, gradient):
    """Walk a block back through time; arguments as in ``forward_block``.

    Gradients of a few time steps are collected before weight gradients are formed: longer sums, fewer passes over them.

    Args:
        d_taken: (B · (T + 1) · N,) gradient of the value of each action taken.
        gradient: (numbers,) zeros that receive the gradients of all weights, laid out as ``gradient_places`` says.
    """
    a, room = sizes.actions_padded, ROOM * len(sequences)
    areas = backward_areas(sizes, len(sequences))
    values, x = areas.values, areas.x
    scratch[values:x] = 0
    scratch[areas.state : areas.end] = 0
    last, agent = np.empty(room, np.int64), np.empty(room, np.int64)
    steps, row = 0, first_row
    while steps < len(counts) and counts[steps] > 0:
        row += counts[steps]
        steps += 1
    at = room  # collected rows lie at the end, in the order of ``saved``
    for step in range(steps - 1, -1, -1):
        rows = counts[step]
        if rows > at:
            _add_gradients(room - at, sizes, len(sequences), scratch, last[at:], agent[at:], saved, row, gradient)
            scratch[values:x] = 0
            at = room
        row, at = row - rows, at - rows
        gather(rows, step, sizes, sequences, obs, actions, scratch[x + at * sizes.obs :], last[at:], agent[at:])
        for i in range(rows):
            sequence = sequences[i]
            if step < sequence.steps:
                chosen = actions[sequence.action + step * sizes.agents]
                scratch[values + (at + i) * a + chosen] = d_taken[sequence.row + step * sizes.agents]
        earlier = row - counts[step - 1] if step > 0 else -1
        _step_back(rows, sizes, len(sequences), online, scratch, at, saved, row, earlier)
    _add_gradients(room - at, sizes, len(sequences), scratch, last[at:], agent[at:], saved, row, gradient)


@kernel
def _step_back(rows, sizes, most, weights, scratch, at, saved, row, earlier):
    """Form the gradients of all sums of one time step, and of the states before it.

    Args:
        rows: of the step.
        sizes, most: of the network; sequences of the block.
        weights: a packed network.
        scratch: see ``backward_areas``; the step's rows begin at row ``at`` of every area.
        saved: (planes, R · H); the step's rows begin at row ``row``, those of the step before at
            ``earlier``, −1 for none.
    """
    h, a, heads, count = sizes.hidden_padded, sizes.actions_padded, sizes.heads, rows * sizes.hidden_padded
    square, wide, plane = h * h, ROOM * most * h, saved.shape[1] * 4
    places, areas = weight_places(sizes), backward_areas(sizes, most)
    input_back, recurrent_back, head_back = places.input_back, places.recurrent_back, places.head_back
    s, w, shift = scratch.ctypes.data, weights.ctypes.data, at * h * 4
    kept, zero, d_state = saved.ctypes.data + row * h * 4, s + areas.zeros * 4, s + areas.state * 4

    out, from_values = s + (areas.head + (heads - 2) * wide) * 4 + shift, w + (head_back + (heads - 1) * square) * 4
    q = s + (areas.values + at * a) * 4
    if heads == 1:
        multiply(rows, h, sizes.actions, q, a, 1, from_values, WIDTH, h, d_state, h, d_state, h)
    else:
        multiply(rows, h, sizes.actions, q, a, 1, from_values, WIDTH, h, zero, 0, out, h)
    for k in range(heads - 2, -1, -1):
        relu_gradient(count, (out, kept + (HEAD + k) * plane))
        below = out - wide * 4 if k > 0 else d_state
        times(
            rows, h, h, out, h, w + (head_back + k * square) * 4, zero if k > 0 else d_state, 0 if k > 0 else h, below
        )
        out = below

    before = s + areas.before * 4 + shift
    into = areas.before + at * h
    if earlier >= 0:
        scratch[into : into + count] = saved[STATE, earlier * h : earlier * h + count]
    else:
        scratch[into : into + count] = 0
    r, u, rn, n = s + shift, s + wide * 4 + shift, s + 2 * wide * 4 + shift, s + 3 * wide * 4 + shift
    reset, update, new, recurrent = (
        kept + RESET * plane,
        kept + UPDATE * plane,
        kept + NEW * plane,
        kept + RECURRENT * plane,
    )
    gate_gradients(count, (reset, update, new, recurrent, before, d_state, r, u, rn, n))
    if earlier >= 0:
        times(rows, h, h, r, h, w + recurrent_back * 4, d_state, h, d_state)
        times(rows, h, h, u, h, w + (recurrent_back + square) * 4, d_state, h, d_state)
        times(rows, h, h, rn, h, w + (recurrent_back + 2 * square) * 4, d_state, h, d_state)
    first = s + areas.first * 4 + shift
    times(rows, h, h, r, h, w + input_back * 4, zero, 0, first)
    times(rows, h, h, u, h, w + (input_back + square) * 4, first, h, first)
    times(rows, h, h, n, h, w + (input_back + 2 * square) * 4, first, h, first)
    relu_gradient(count, (first, kept + FIRST * plane))


@kernel
def _add_gradients(rows, sizes, most, scratch, last, agent, saved, row, gradient):
    """Add the collected rows' gradients of all weights; they begin at row ``row`` of ``saved``."""
    h, a, d, heads = sizes.hidden_padded, sizes.actions_padded, sizes.obs, sizes.heads
    square, wide, plane, at = h * h, ROOM * most * h, saved.shape[1] * 4, ROOM * most - rows
    to, areas = gradient_places(sizes), backward_areas(sizes, most)
    head = to.head
    s, g, shift = scratch.ctypes.data, gradient.ctypes.data, at * h * 4
    kept = saved.ctypes.data + row * h * 4
    before, first = s + areas.before * 4 + shift, s + areas.first * 4 + shift
    r, u, rn, n = s + shift, s + wide * 4 + shift, s + 2 * wide * 4 + shift, s + 3 * wide * 4 + shift

    add_outer(rows, s + (areas.x + at * d) * 4, d, first, h, g + to.fc1 * 4)
    for i in range(rows):
        if sizes.last_actions and last[i] >= 0:
            add(h, (g + (to.fc1 + (d + last[i]) * h) * 4, first + i * h * 4))
        if sizes.agent_ids:
            add(h, (g + (to.fc1 + (d + sizes.last_actions + agent[i]) * h) * 4, first + i * h * 4))
    _add_rows(rows, h, first, g + to.bias * 4)
    below = kept + FIRST * plane
    add_outer(rows, below, h, r, h, g + to.input_side * 4)
    add_outer(rows, below, h, u, h, g + (to.input_side + square) * 4)
    add_outer(rows, below, h, n, h, g + (to.input_side + 2 * square) * 4)
    add_outer(rows, before, h, r, h, g + to.recurrent * 4)
    add_outer(rows, before, h, u, h, g + (to.recurrent + square) * 4)
    add_outer(rows, before, h, rn, h, g + (to.recurrent + 2 * square) * 4)
    _add_rows(rows, h, r, g + to.gate_bias * 4)
    _add_rows(rows, h, u, g + (to.gate_bias + h) * 4)
    _add_rows(rows, h, n, g + (to.gate_bias + 2 * h) * 4)
    _add_rows(rows, h, rn, g + (to.gate_bias + 3 * h) * 4)
    below = kept + STATE * plane
    for k in range(heads - 1):
        out = s + (areas.head + k * wide) * 4 + shift
        add_outer(rows, below, h, out, h, g + head * 4)
        _add_rows(rows, h, out, g + (head + square) * 4)
        below, head = kept + (HEAD + k) * plane, head + square + h
    q = s + (areas.values + at * a) * 4
    add_outer(rows, below, h, q, a, g + head * 4)
    _add_rows(rows, a, q, g + (head + h * a) * 4)


@kernel
def _add_rows(rows, width, matrix, total):
    """Add the rows of a contiguous matrix to ``total``."""
    for i in range(rows):
        add(width, (total, matrix + i * width * 4))


@kernel
def act_rows(sizes, weights, group, obs, last, hidden, next_hidden, q, scratch):
    """Compute one time step of agents that act.

    Args:
        sizes: of the network.
        weights: (G, numbers) packed networks.
        group: (R,) mask group of each row; rows are E battles of N agents.
        obs: (R, D).
        last: (R,) int64 last actions, −1 for none.
        hidden: (R, H) states before the step.
        next_hidden: (R, H) receives those after it.
        q: (R, A) receives the values.
        scratch: as long as ``scratch_size`` says for ``ACTING`` rows.
    """
    h, a, d, real = sizes.hidden_padded, sizes.actions_padded, sizes.obs, sizes.hidden
    plane = ACTING * h
    x_at = (HEAD + sizes.heads - 1) * plane
    q_at, before_at = x_at + ACTING * d, x_at + ACTING * (d + a)
    base, number = scratch.ctypes.data, np.empty(ACTING, np.int64)
    chosen, agent = np.empty(ACTING, np.int64), np.empty(ACTING, np.int64)
    for g in range(len(weights)):
        rows = 0
        for row in range(len(group)):
            if group[row] == g:
                number[rows], chosen[rows], agent[rows] = row, last[row], row % sizes.agents
                for k in range(d):
                    scratch[x_at + rows * d + k] = obs[row, k]
                for k in range(h):
                    scratch[before_at + rows * h + k] = hidden[row, k] if k < real else np.float32(0)
                rows += 1
            if rows == ACTING or (rows > 0 and row == len(group) - 1):
                network_step(
                    rows, sizes, weights[g], base + x_at * 4, chosen, agent, base + before_at * 4, scratch, plane, 0, 0,
                    base + q_at * 4,
                )  # fmt: skip
                for i in range(rows):
                    for k in range(real):
                        next_hidden[number[i], k] = scratch[STATE * plane + i * h + k]
                    for k in range(sizes.actions):
                        q[number[i], k] = scratch[q_at + i * a + k]
                rows = 0


@kernel
def choose(q, mask, draws, epsilon, actions):
    """Choose epsilon-greedily among legal actions.

    Args:
        q: (R, A).
        mask: (R, A) uint8.
        draws: (R, A + 1) uniform in [0, 1): whether to explore, and by how much each action is preferred then.
            Empty: greedy.
        epsilon: probability of exploring.
        actions: (R,) int64 receives the choice.
    """
    for row in range(len(q)):
        explore = len(draws) > 0 and draws[row, 0] < epsilon
        best, most = 0, np.float32(-np.inf)
        for k in range(q.shape[1]):
            value = draws[row, k + 1] if explore else q[row, k]
            if mask[row, k] and value > most:
                best, most = k, value
        actions[row] = best
