"""What the agent network makes of its inputs alone, fc1 and the input side of the gates, forwards and backwards.

The dead see nothing: zeros after action 0. What the network makes of that depends on the agent's number alone, so it is
computed once for each agent, and in the backward pass their gradients are summed first.
"""

from __future__ import annotations

import numpy as np

from algorithms.kernels.agent_layout import RESET, weight_places
from algorithms.kernels.compiled import kernel
from algorithms.kernels.simd import add, relu, relu_gradient
from algorithms.kernels.tiles import add_outer, times


@kernel
def input_layers(rows, sizes, weights, x, last, agent, first, gates_at, apart):
    """Compute what a time step makes of its inputs alone: fc1 and the input side of the GRU's gates.

    Args:
        rows: how many.
        sizes: of the network.
        weights: a packed network.
        x: address of (rows, D) observations.
        last: (rows,) last actions, −1 for none.
        agent: (rows,) numbers of the agents.
        first: address that receives fc1's output, (rows, H).
        gates_at: address that receives the sums of the reset gate, (rows, H); those of the others follow.
        apart: numbers from one gate's sums to the next's.
    """
    h, square, places, w = sizes.hidden_padded, sizes.hidden_padded**2, weight_places(sizes), weights.ctypes.data
    times(rows, h, sizes.obs, x, sizes.obs, w + places.fc1 * 4, w + places.bias * 4, 0, first)
    for i in range(rows):
        if sizes.last_actions and last[i] >= 0:
            add(h, (first + i * h * 4, w + (places.table + last[i] * h) * 4))
        if sizes.agent_ids:
            add(h, (first + i * h * 4, w + (places.table + (sizes.last_actions + agent[i]) * h) * 4))
    relu(rows * h, (first,))
    for gate in range(3):
        weight, bias = w + (places.input_side + gate * square) * 4, w + (places.gate_bias + gate * h) * 4
        times(rows, h, h, first, h, weight, bias, 0, gates_at + gate * apart * 4)


@kernel
def blank_layers(sizes, weights):
    """Compute ``input_layers`` of every agent for an observation of zeros after action 0: that of the dead.

    Returns:
        (4, N, H): fc1's output and the sums of the three gates.
    """
    n = sizes.agents
    layers = np.empty((4, n, sizes.hidden_padded), np.float32)
    x, last, at = np.zeros((n, sizes.obs), np.float32), np.zeros(n, np.int64), layers.ctypes.data
    plane = n * sizes.hidden_padded
    input_layers(n, sizes, weights, x.ctypes.data, last, np.arange(n), at, at + plane * 4, plane)
    return layers


@kernel
def gather(rows, step, sizes, sequences, obs, actions, x, last, agent, is_blank):
    """Fetch the inputs of a time step, but for rows without a view: an observation of zeros after action 0.

    The dead have no view. What the network makes of none is known (``blank_layers``), so nothing is computed for them.

    Args:
        rows, step: which.
        sizes, sequences, obs, actions: see ``forward_block``.
        x, last, agent: receive observations, last actions and agents' numbers of the rows that have a view.
        is_blank: (rows,) receives whether a row has none.

    Returns:
        How many rows have a view.
    """
    live = 0
    for i in range(rows):
        sequence = sequences[i]
        row = sequence.row + step * sizes.agents
        sees = False
        for k in range(sizes.obs):
            x[live * sizes.obs + k] = obs[row, k]
            sees |= obs[row, k] != 0  # true of NaN as well, which must not pass for nothing
        last[live] = actions[sequence.action + (step - 1) * sizes.agents] if step > 0 else -1
        agent[live] = sequence.agent
        is_blank[i] = not sees and (last[live] == 0 or sizes.last_actions == 0)
        live += not is_blank[i]
    return live


@kernel
def step_inputs(
    rows, step, sizes, sequences, obs, actions, weights, blank, x, last, agent, is_blank, compact, memory, plane, at
):
    """Fetch a time step's inputs and compute ``input_layers`` of all its rows into the planes of ``memory``.

    Args:
        blank: see ``blank_layers``.
        compact: (4 · rows · H,) scratch.
        memory, plane, at: see ``network_step``.

    The others are those of ``gather`` and ``input_layers``.
    """
    h, base = sizes.hidden_padded, memory.ctypes.data + at * 4
    live = gather(rows, step, sizes, sequences, obs, actions, x, last, agent, is_blank)
    if live == rows:
        input_layers(rows, sizes, weights, x.ctypes.data, last, agent, base, base + RESET * plane * 4, plane)
        return
    layers = compact.ctypes.data
    input_layers(live, sizes, weights, x.ctypes.data, last, agent, layers, layers + live * h * 4, live * h)
    for layer in range(4):
        row = layer * live
        for i in range(rows):
            to = layer * plane + at + i * h  # FIRST, RESET, UPDATE, NEW
            if is_blank[i]:
                memory[to : to + h] = blank[layer, sequences[i].agent]
            else:
                memory[to : to + h] = compact[row * h : (row + 1) * h]
                row += 1


@kernel
def gates_to_first(rows, h, gradients, apart, weights, zero, first):
    """Multiply the gates' gradients, (rows, H) each and ``apart`` numbers from one to the next, with their weights."""
    for gate in range(3):
        start, stride = (zero, 0) if gate == 0 else (first, h)
        times(rows, h, h, gradients + gate * apart * 4, h, weights + gate * h * h * 4, start, stride, first)


@kernel
def add_blank_gradients(sizes, weights, blank, sums, gradient):
    """Add those of the rows without a view: equal inputs of an agent, so its gates' gradients were summed before.

    Args:
        sizes: of the network.
        weights: a packed network.
        blank: see ``blank_layers``.
        sums: (3, N, H) gradients of the gates r, u, n.
        gradient: see ``backward_block``.
    """
    n, h = sizes.agents, sizes.hidden_padded
    first, zero, w = np.zeros((n, h), np.float32), np.zeros(h, np.float32), weights.ctypes.data
    input_back = w + weight_places(sizes).input_back * 4
    gates_to_first(n, h, sums.ctypes.data, n * h, input_back, zero.ctypes.data, first.ctypes.data)
    relu_gradient(n * h, (first.ctypes.data, blank.ctypes.data))
    last, agent = np.zeros(n, np.int64), np.arange(n)
    at = blank.ctypes.data
    add_layer_gradients(n, sizes, last, agent, at, sums.ctypes.data, n * h, first.ctypes.data, gradient)


@kernel
def add_layer_gradients(rows, sizes, last, agent, first, gates_at, apart, d_first, gradient):
    """Add gradients of the input side, and of fc1 but for its observations.

    Args:
        first: address of (rows, H) outputs of fc1.
        gates_at: address of (rows, H) gradients of r; those of u and n lie ``apart`` numbers behind each other.
        d_first: address of (rows, H) gradients of fc1's sums.
    """
    h, d, to, g = sizes.hidden_padded, sizes.obs, weight_places(sizes), gradient.ctypes.data
    for i in range(rows):
        if sizes.last_actions and last[i] >= 0:
            add(h, (g + (to.fc1 + (d + last[i]) * h) * 4, d_first + i * h * 4))
        if sizes.agent_ids:
            add(h, (g + (to.fc1 + (d + sizes.last_actions + agent[i]) * h) * 4, d_first + i * h * 4))
    add_rows(rows, h, d_first, g + to.bias * 4)
    for gate in range(3):
        add_outer(rows, first, h, gates_at + gate * apart * 4, h, g + (to.input_side + gate * h * h) * 4)


@kernel
def add_rows(rows, width, matrix, total):
    """Add the rows of a contiguous matrix to ``total``."""
    for i in range(rows):
        add(width, (total, matrix + i * width * 4))
