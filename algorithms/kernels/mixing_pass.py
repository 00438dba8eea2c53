"""QMIX's mixer, its TD(λ) targets and their gradients, compiled for processors: an episode at a time.

One walk over an episode mixes under both networks, forms the targets, and goes back through the mixer, while everything
about the episode lies in the cache. What it computes is ``q_learning/mixer.py`` and ``q_learning/targets.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from algorithms.kernels.agent_layout import padded
from algorithms.kernels.compiled import kernel
from algorithms.kernels.simd import WIDTH, add, elu, relu
from algorithms.kernels.tiles import add_outer, multiply, pack, times


class MixerSizes(NamedTuple):
    """Widths of a mixer; what is called padded is rounded up to a multiple of ``WIDTH``."""

    state: int
    """S"""
    agents: int
    """N"""
    embed: int
    embed_padded: int
    hypernet: int
    hypernet_padded: int


def mixer_sizes(*, state: int, agents: int, embed: int, hypernet: int) -> MixerSizes:
    """Return the widths of a mixer."""
    return MixerSizes(state, agents, embed, padded(embed), hypernet, padded(hypernet))


class MixerPlaces(NamedTuple):
    """Where the parts of a packed mixer begin; the first four pairs are also the layout of its gradient."""

    first: int
    """the four hypernetworks' first layers side by side: (S, hypernet + hypernet + embed + embed)"""
    first_bias: int
    w1: int
    """(hypernet, N · embed)"""
    w1_bias: int
    w2: int
    """(hypernet, embed)"""
    w2_bias: int
    b2: int
    """(embed,)"""
    b2_bias: int
    gradient_end: int
    w1_back: int
    """w1 and w2 as the backward pass reads them"""
    w2_back: int
    end: int


@kernel
def mixer_places(sizes):
    """Lay out a packed mixer."""
    e, y = sizes.embed_padded, sizes.hypernet_padded
    wide, both = 2 * y + 2 * e, sizes.agents * e
    first_bias = sizes.state * wide
    w1 = first_bias + wide
    w1_bias = w1 + y * both
    w2 = w1_bias + both
    w2_bias = w2 + y * e
    b2 = w2_bias + e
    b2_bias = b2 + e
    w1_back = b2_bias + WIDTH
    w2_back = w1_back + both * y
    end = w2_back + e * y
    return MixerPlaces(0, first_bias, w1, w1_bias, w2, w2_bias, b2, b2_bias, w1_back, w1_back, w2_back, end)


@kernel
def mixer_scratch_size(sizes, views):
    """Return the numbers of scratch that an episode of this many views needs."""
    e, y = sizes.embed_padded, sizes.hypernet_padded
    wide, both = 2 * y + 2 * e, sizes.agents * e
    return views * (2 * (wide + both + 2 * e) + 4) + wide


@kernel
def _activate(count, x):
    """Apply ELU in place; apart, because its rounding trick does not survive sums in another order."""
    elu(count, (x,))


@kernel(reassociate=True)
def mix(rows, sizes, weights, state, q, first, w1, w2, hidden, total):
    """Mix the values of several views.

    Args:
        rows: how many.
        sizes: of the mixer.
        weights: a packed mixer.
        state: address of (rows, S).
        q: (rows · N,) values.
        first, w1, w2, hidden: (rows · their widths,) receive the layers' outputs; weights as they are before ``abs``.
        total: (rows,) receives joint values.
    """
    at, w = mixer_places(sizes), weights.ctypes.data
    e, y, agents = sizes.embed_padded, sizes.hypernet_padded, sizes.agents
    wide, both = 2 * y + 2 * e, agents * e
    f = first.ctypes.data
    times(rows, wide, sizes.state, state, sizes.state, w + at.first * 4, w + at.first_bias * 4, 0, f)
    for t in range(rows):
        relu(2 * y, (f + t * wide * 4,))
        relu(e, (f + (t * wide + 2 * y + e) * 4,))
    times(rows, both, y, f, wide, w + at.w1 * 4, w + at.w1_bias * 4, 0, w1.ctypes.data)
    times(rows, e, y, f + y * 4, wide, w + at.w2 * 4, w + at.w2_bias * 4, 0, w2.ctypes.data)
    for t in range(rows):
        for k in range(e):
            hidden[t * e + k] = first[t * wide + 2 * y + k]
        for i in range(agents):
            value = q[t * agents + i]
            for k in range(e):
                hidden[t * e + k] += value * abs(w1[t * both + i * e + k])
    _activate(rows * e, hidden.ctypes.data)
    for t in range(rows):
        value = np.float32(0)
        for k in range(e):
            value += hidden[t * e + k] * abs(w2[t * e + k])
            value += first[t * wide + 2 * y + e + k] * weights[at.b2 + k]
        total[t] = value + weights[at.b2_bias]


@kernel
def td_lambda(steps, reward, value, bootstrap, gamma, trace, returns):
    """Form one episode's TD(λ) targets, see ``q_learning/targets.py``.

    Args:
        steps: of the episode.
        reward: (≥ steps,).
        value: (steps or, with ``bootstrap``, steps + 1,) of the target network, view by view.
        bootstrap: whether something follows the last step.
        gamma, trace: γ and λ.
        returns: (steps,) receives the targets.
    """
    following = np.float32(0)
    for t in range(steps - 1, -1, -1):
        if t == steps - 1:
            following = reward[t] + (gamma * value[steps] if bootstrap else np.float32(0))
        else:
            following = reward[t] + gamma * ((1 - trace) * value[t + 1] + trace * following)
        returns[t] = following


@kernel
def learn_episodes(
    episodes, sizes, steps, bootstrap, most_steps, state, reward, taken, values, online, target, gamma, trace,
    total_steps, scratch, d_taken, gradient, sums,
):  # fmt: skip
    """Mix some episodes, form their targets and go back to the agents' values and the mixer's weights.

    Args:
        episodes: numbers of these episodes.
        sizes: of the mixer.
        steps: (B,) env_steps of each episode.
        bootstrap: (B,) uint8, whether the target goes on from the view after the last step.
        most_steps: T.
        state: (B · (T + 1), S).
        reward: (B, T).
        taken: (B · (T + 1) · N,) online values of the actions taken.
        values: (B · (T + 1) · N,) the target network's values of the best actions.
        online, target: packed mixers.
        gamma, trace: γ and λ.
        total_steps: env_steps of all episodes of the batch.
        scratch: as long as ``mixer_scratch_size`` says for T + 1 views.
        d_taken: (B · (T + 1) · N,) receives the loss's gradient.
        gradient: (numbers,) zeros that receive the gradients of the online mixer.
        sums: (3,) zeros that receive sums over steps of half the squared error, of values and of targets.
    """
    e, y, agents = sizes.embed_padded, sizes.hypernet_padded, sizes.agents
    wide, both, room = 2 * y + 2 * e, agents * e, most_steps + 1
    ends = np.cumsum(
        np.array([room * wide, room * both, room * e, room * e, room, room, room * wide, room * both, room * e])
    )
    first, w1, w2 = scratch[: ends[0]], scratch[ends[0] : ends[1]], scratch[ends[1] : ends[2]]
    hidden, total, returns = scratch[ends[2] : ends[3]], scratch[ends[3] : ends[4]], scratch[ends[4] : ends[5]]
    d_first, d_w1, d_w2 = scratch[ends[5] : ends[6]], scratch[ends[6] : ends[7]], scratch[ends[7] : ends[8]]
    zeros = scratch[ends[8] : ends[8] + wide]
    zeros[:] = 0
    for b in episodes:
        rows, base = steps[b], b * room
        views = rows + (1 if bootstrap[b] else 0)
        at_state = state.ctypes.data + base * sizes.state * 4
        mix(views, sizes, target, at_state, values[base * agents :], first, w1, w2, hidden, total)
        td_lambda(rows, reward[b], total, bootstrap[b], gamma, trace, returns)
        q, d_q = taken[base * agents :], d_taken[base * agents :]
        mix(rows, sizes, online, at_state, q, first, w1, w2, hidden, total)
        for t in range(rows):
            error = total[t] - returns[t]
            sums[0] += np.float64(0.5) * error * error
            sums[1] += total[t]
            sums[2] += returns[t]
            total[t] = error / total_steps
        _mix_back(
            rows, sizes, online, at_state, q, first, w1, w2, hidden, total, d_q, d_first, d_w1, d_w2, zeros, gradient
        )


@kernel(reassociate=True)
def _mix_back(
    rows, sizes, weights, state, q, first, w1, w2, hidden, d_total, d_q, d_first, d_w1, d_w2, zeros, gradient
):
    """Go back through ``mix`` from gradients of the joint values."""
    at, w, g = mixer_places(sizes), weights.ctypes.data, gradient.ctypes.data
    e, y, agents = sizes.embed_padded, sizes.hypernet_padded, sizes.agents
    wide, both = 2 * y + 2 * e, agents * e
    b1, for_b2 = 2 * y, 2 * y + e
    zero = np.float32(0)
    for t in range(rows):
        slope, of_hidden, of_first = d_total[t], t * e, t * wide
        for k in range(e):
            value, weight = hidden[of_hidden + k], w2[of_hidden + k]
            d_w2[of_hidden + k] = np.copysign(slope * value, slope * value * weight)
            d_first[of_first + b1 + k] = slope * abs(weight) * min(value + 1, np.float32(1))
            d_first[of_first + for_b2 + k] = slope * weights[at.b2 + k] if first[of_first + for_b2 + k] > zero else zero
            gradient[at.b2 + k] += slope * first[of_first + for_b2 + k]
        gradient[at.b2_bias] += slope
        for i in range(agents):
            value, of_weight, total = q[t * agents + i], t * both + i * e, zero
            for k in range(e):
                weight, back = w1[of_weight + k], d_first[of_first + b1 + k]
                total += back * abs(weight)
                d_w1[of_weight + k] = back * value if weight >= zero else -back * value
            d_q[t * agents + i] = total
    df, d1, d2, f, zero_row = (
        d_first.ctypes.data,
        d_w1.ctypes.data,
        d_w2.ctypes.data,
        first.ctypes.data,
        zeros.ctypes.data,
    )
    multiply(rows, y, both, (d1, both, 1), (w + at.w1_back * 4, both * WIDTH, WIDTH), (zero_row, 0), (df, wide))
    multiply(rows, y, e, (d2, e, 1), (w + at.w2_back * 4, e * WIDTH, WIDTH), (zero_row, 0), (df + y * 4, wide))
    for t in range(rows):
        for k in range(2 * y):
            if first[t * wide + k] <= zero:
                d_first[t * wide + k] = zero
        add(wide, (g + at.first_bias * 4, df + t * wide * 4))
        add(both, (g + at.w1_bias * 4, d1 + t * both * 4))
        add(e, (g + at.w2_bias * 4, d2 + t * e * 4))
    add_outer(rows, state, sizes.state, df, wide, g + at.first * 4)
    for_w1, for_w2 = (g + at.w1 * 4, both), (g + at.w2 * 4, e)
    multiply(y, both, rows, (f, 1, wide), (d1, WIDTH, both), for_w1, for_w1)
    multiply(y, e, rows, (f + y * 4, 1, wide), (d2, WIDTH, e), for_w2, for_w2)


def mixer_columns(sizes: MixerSizes) -> np.ndarray:
    """Return where the outputs of the first layers lie among the padded ones."""
    e, y, ep, yp = sizes.embed, sizes.hypernet, sizes.embed_padded, sizes.hypernet_padded
    starts = ((0, y), (yp, y), (2 * yp, e), (2 * yp + ep, e))
    return np.concatenate([start + np.arange(width) for start, width in starts])


def pack_mixer(sizes: MixerSizes, weights: Mapping[str, np.ndarray], out: np.ndarray) -> None:
    """Pack a mixer.

    Args:
        sizes: of the mixer.
        weights: names and shapes of ``QMixer.named_parameters``.
        out: as long as ``mixer_places`` says, zeros where it is padded.
    """
    at, e, y, n = mixer_places(sizes), sizes.embed, sizes.hypernet, sizes.agents
    ep, yp, columns = sizes.embed_padded, sizes.hypernet_padded, mixer_columns(sizes)
    first = np.zeros((2 * yp + 2 * ep, sizes.state), np.float32)
    first[columns] = weights["first.weight"]
    pack(first, True, sizes.state, len(first), out[at.first :])
    out[at.first_bias + columns] = weights["first.bias"]
    w1 = np.zeros((n, ep, y), np.float32)
    w1[:, :e] = weights["w1.weight"].reshape(n, e, y)
    flat = w1.reshape(n * ep, y)
    pack(flat, True, yp, n * ep, out[at.w1 :])
    pack(flat, False, n * ep, yp, out[at.w1_back :])
    out[at.w1_bias : at.w2].reshape(n, ep)[:, :e] = weights["w1.bias"].reshape(n, e)
    pack(weights["w2.weight"], True, yp, ep, out[at.w2 :])
    pack(weights["w2.weight"], False, ep, yp, out[at.w2_back :])
    out[at.w2_bias : at.w2_bias + e] = weights["w2.bias"]
    out[at.b2 : at.b2 + e] = weights["b2.weight"][0]
    out[at.b2_bias] = weights["b2.bias"][0]


def unpack_mixer_gradient(sizes: MixerSizes, gradient: np.ndarray) -> dict[str, np.ndarray]:
    """Take a gradient apart into arrays of the shapes and names that ``pack_mixer`` takes."""
    at, e, y, n = mixer_places(sizes), sizes.embed, sizes.hypernet, sizes.agents
    ep, yp, columns = sizes.embed_padded, sizes.hypernet_padded, mixer_columns(sizes)
    return {
        "first.weight": gradient[at.first : at.first_bias].reshape(sizes.state, -1)[:, columns].T,
        "first.bias": gradient[at.first_bias + columns],
        "w1.weight": gradient[at.w1 : at.w1_bias].reshape(yp, n, ep)[:y, :, :e].reshape(y, n * e).T,
        "w1.bias": gradient[at.w1_bias : at.w2].reshape(n, ep)[:, :e].reshape(-1),
        "w2.weight": gradient[at.w2 : at.w2_bias].reshape(yp, ep)[:y, :e].T,
        "w2.bias": gradient[at.w2_bias : at.w2_bias + e],
        "b2.weight": gradient[at.b2 : at.b2 + e][None],
        "b2.bias": gradient[at.b2_bias : at.b2_bias + 1],
    }
