"""The agent network's pass over whole sequences, compiled for processors; back again: ``agent_back.py``.

Sequences do not depend on each other. They are sorted, longest first, and walked through time a block at a time
(``blocks.py``), so that what a time step needs stays in the cache and a block needs nobody else. The rows of a block
are stored step by step; a step's rows are the first ones of the step before it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from algorithms.kernels.agent_back import backward_areas
from algorithms.kernels.agent_inputs import blank_layers, input_layers, step_inputs
from algorithms.kernels.agent_layout import HEAD, NEW, RECURRENT, RESET, STATE, UPDATE, weight_places
from algorithms.kernels.compiled import kernel
from algorithms.kernels.simd import add_magnitude, gates, relu
from algorithms.kernels.tiles import times

ACTING = 48
"""Rows of agents that act which are computed together."""


@kernel
def network_step(rows, sizes, weights, before, memory, plane, at, state_at, q):
    """Compute one time step of ``rows`` sequences from fc1's output and the gates' sums on their input side.

    Args:
        rows: how many.
        sizes: of the network.
        weights: a packed network.
        before: address of (rows, H) states before the step.
        memory: flat; its planes hold what ``input_layers`` computes and receive the rest of the step.
        plane: numbers from one plane to the next.
        at: first row's place within a plane.
        state_at: the same in the plane of states.
        q: address that receives (rows, A) values.
    """
    h, square = sizes.hidden_padded, sizes.hidden_padded * sizes.hidden_padded
    places = weight_places(sizes)
    base, w, count = memory.ctypes.data + at * 4, weights.ctypes.data, rows * h
    for gate in range(2):
        out = base + (RESET + gate) * plane * 4
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


class ForwardAreas(NamedTuple):
    """Where the parts of a forward pass's scratch begin, rows of one time step."""

    x: int
    """observations"""
    q: int
    """values"""
    before: int
    """states before the first step"""
    compact: int
    """see ``step_inputs``"""
    end: int


@kernel
def forward_areas(sizes, rows, start):
    """Lay out the scratch of ``rows`` sequences from ``start`` on, behind the planes that lie in it."""
    q = start + rows * sizes.obs
    before = q + rows * sizes.actions_padded
    compact = before + rows * sizes.hidden_padded
    return ForwardAreas(start, q, before, compact, compact + 4 * rows * sizes.hidden_padded)


@kernel
def scratch_size(sizes, rows):
    """Return the numbers of scratch that a block of ``rows`` sequences needs, in either direction."""
    planes = (HEAD + sizes.heads - 1) * 2 * rows * sizes.hidden_padded
    return max(forward_areas(sizes, rows, planes).end, backward_areas(sizes, rows).end)


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
    h, a, areas = sizes.hidden_padded, sizes.actions_padded, forward_areas(sizes, len(sequences), 0)
    scratch[areas.before : areas.compact] = 0
    x, q, compact = scratch, scratch[areas.q :], scratch[areas.compact :]
    last, agent = np.empty(len(sequences), np.int64), np.empty(len(sequences), np.int64)
    is_blank, blank = np.empty(len(sequences), np.bool_), blank_layers(sizes, weights)
    before = scratch.ctypes.data + areas.before * 4
    flat, plane, row, steps = saved.reshape(-1), saved.shape[1], first_row, 0
    while steps < len(counts) and counts[steps] > 0:
        rows, at = counts[steps], row * h
        step_inputs(
            rows, steps, sizes, sequences, obs, actions, weights, blank, x, last, agent, is_blank, compact, flat, plane,
            at,
        )  # fmt: skip
        network_step(rows, sizes, weights, before, flat, plane, at, at, q.ctypes.data)
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
            _count_use(rows, steps, sizes, sequences, mask, x, last, is_blank, before, flat, plane, at, use)
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
    areas = forward_areas(sizes, len(sequences), (HEAD + sizes.heads - 1) * plane)
    scratch[areas.before : areas.compact] = 0
    x, q, compact = scratch[areas.x :], scratch[areas.q :], scratch[areas.compact :]
    last, agent = np.empty(len(sequences), np.int64), np.empty(len(sequences), np.int64)
    is_blank, blank = np.empty(len(sequences), np.bool_), blank_layers(sizes, weights)
    before, steps = scratch.ctypes.data + areas.before * 4, 0
    while steps < len(counts) and counts[steps] > 0:
        rows, state_at = counts[steps], (steps & 1) * len(sequences) * h
        step_inputs(
            rows, steps, sizes, sequences, obs, actions, weights, blank, x, last, agent, is_blank, compact, scratch,
            plane, 0,
        )  # fmt: skip
        network_step(rows, sizes, weights, before, scratch, plane, 0, state_at, q.ctypes.data)
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
def _count_use(rows, step, sizes, sequences, mask, x, last, is_blank, before, memory, plane, at, use):
    """Add one time step's magnitudes of the layers' inputs, see ``forward_block``."""
    h, d, total = sizes.hidden_padded, sizes.obs, use.ctypes.data
    input_side = d + sizes.last_actions + sizes.agent_ids
    recurrent, heads, live = input_side + h, input_side + 2 * h, -1
    for i in range(rows):
        live += not is_blank[i]
        if step >= sequences[i].steps or _is_dead(sizes, mask[sequences[i].row + step * sizes.agents]):
            continue
        action = 0
        if not is_blank[i]:
            action = last[live]
            for k in range(d):
                use[k] += abs(x[live * d + k])
        if sizes.last_actions and action >= 0:
            use[d + action] += 1
        if sizes.agent_ids:
            use[d + sizes.last_actions + sequences[i].agent] += 1
        base = memory.ctypes.data + (at + i * h) * 4
        add_magnitude(h, (total + input_side * 4, base))
        add_magnitude(h, (total + recurrent * 4, before + i * h * 4))
        add_magnitude(h, (total + heads * 4, base + STATE * plane * 4))
        for k in range(sizes.heads - 1):
            add_magnitude(h, (total + (heads + (k + 1) * h) * 4, base + (HEAD + k) * plane * 4))
        use[heads + sizes.heads * h] += 1


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
    areas = forward_areas(sizes, ACTING, (HEAD + sizes.heads - 1) * plane)
    base, number = scratch.ctypes.data, np.empty(ACTING, np.int64)
    chosen, agent = np.empty(ACTING, np.int64), np.empty(ACTING, np.int64)
    for g in range(len(weights)):
        rows = 0
        for row in range(len(group)):
            if group[row] == g:
                number[rows], chosen[rows], agent[rows] = row, last[row], row % sizes.agents
                for k in range(d):
                    scratch[areas.x + rows * d + k] = obs[row, k]
                for k in range(h):
                    scratch[areas.before + rows * h + k] = hidden[row, k] if k < real else np.float32(0)
                rows += 1
            if rows == ACTING or (rows > 0 and row == len(group) - 1):
                x, before, q_at = base + areas.x * 4, base + areas.before * 4, base + areas.q * 4
                input_layers(rows, sizes, weights[g], x, chosen, agent, base, base + RESET * plane * 4, plane)
                network_step(rows, sizes, weights[g], before, scratch, plane, 0, 0, q_at)
                for i in range(rows):
                    for k in range(real):
                        next_hidden[number[i], k] = scratch[STATE * plane + i * h + k]
                    for k in range(sizes.actions):
                        q[number[i], k] = scratch[areas.q + i * a + k]
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
