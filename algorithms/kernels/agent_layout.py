"""Where the numbers of an agent network lie in the flat arrays that its compiled passes read and fill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from algorithms.kernels.compiled import kernel
from algorithms.kernels.simd import WIDTH
from algorithms.kernels.tiles import pack

FIRST, RESET, UPDATE, NEW, RECURRENT, STATE, HEAD = range(7)
"""What the passes keep of each row, a plane (R, H) each: fc1's output, the gates, the recurrent part of the new
one, the state, and the outputs of the layers after the GRU but the last."""


class Sizes(NamedTuple):
    """Widths of a network; what is called padded is rounded up to a multiple of ``WIDTH``."""

    obs: int
    """D"""
    last_actions: int
    """A where the input holds the last action, else 0"""
    agent_ids: int
    """N where the input holds the agent's number, else 0"""
    agents: int
    """N"""
    actions: int
    """A"""
    hidden: int
    """H"""
    hidden_padded: int
    actions_padded: int
    heads: int
    """layers after the GRU"""
    noop_means_dead: int
    """1 where an agent that may only take action 0 is dead, else 0"""


def padded(width: int) -> int:
    """Round a width up to a multiple of ``WIDTH``."""
    return -(-width // WIDTH) * WIDTH


class WeightPlaces(NamedTuple):
    """Where the parts of a packed network begin, and those of its gradient, each (in, out), up to ``input_back``."""

    fc1: int
    table: int
    """fc1's rows for last actions and agents' numbers"""
    bias: int
    """of fc1"""
    input_side: int
    """of the gates r, u, n"""
    recurrent: int
    gate_bias: int
    """of r, u, the input side of n and its recurrent side"""
    head: int
    """weight, bias, weight, …"""
    input_back: int
    """the same weights as the backward pass reads them, from here on; here a gradient ends"""
    recurrent_back: int
    head_back: int
    end: int


@kernel
def weight_places(sizes):
    """Lay out a packed network and its gradient."""
    h, a, heads = sizes.hidden_padded, sizes.actions_padded, sizes.heads
    table = sizes.obs * h
    bias = table + (sizes.last_actions + sizes.agent_ids) * h
    input_side = bias + h
    recurrent = input_side + 3 * h * h
    gate_bias = recurrent + 3 * h * h
    head = gate_bias + 4 * h
    input_back = head + (heads - 1) * (h * h + h) + h * a + a
    recurrent_back = input_back + 3 * h * h
    head_back = recurrent_back + 3 * h * h
    end = head_back + (heads - 1) * h * h + a * h
    return WeightPlaces(
        0, table, bias, input_side, recurrent, gate_bias, head, input_back, recurrent_back, head_back, end
    )


def pack_network(sizes: Sizes, weights: Mapping[str, np.ndarray], out: np.ndarray) -> None:
    """Pack one mask group's weights.

    Args:
        sizes: of the network.
        weights: ``fc1`` (H, D + A + N), ``gru_ih`` and ``gru_hh`` (3H, H) with gates in the order reset, update, new,
            then the layers after the GRU in their order; and each one's bias under its name with ``_bias`` behind it.
        out: as long as ``weight_places`` says, zeros where it is padded.
    """
    at, d, h, a, real = weight_places(sizes), sizes.obs, sizes.hidden_padded, sizes.actions_padded, sizes.hidden
    square = h * h
    fc1, (*heads, last) = weights["fc1"], head_names(sizes)
    pack(fc1[:, :d], True, d, h, out[at.fc1 :])
    out[at.table : at.bias].reshape(-1, h)[:, :real] = fc1[:, d:].T
    out[at.bias : at.bias + real] = weights["fc1_bias"]
    input_bias, recurrent_bias = (weights[f"{name}_bias"].reshape(3, real) for name in ("gru_ih", "gru_hh"))
    gate_bias = out[at.gate_bias : at.head].reshape(-1, h)[:4, :real]
    gate_bias[:2] = input_bias[:2] + recurrent_bias[:2]
    gate_bias[2], gate_bias[3] = input_bias[2], recurrent_bias[2]
    for name, forwards, back in (
        ("gru_ih", at.input_side, at.input_back),
        ("gru_hh", at.recurrent, at.recurrent_back),
    ):
        for gate, weight in enumerate(weights[name].reshape(3, real, real)):
            pack(weight, True, h, h, out[forwards + gate * square :])
            pack(weight, False, h, h, out[back + gate * square :])
    head, head_back = at.head, at.head_back
    for name in heads:
        pack(weights[name], True, h, h, out[head:])
        out[head + square : head + square + real] = weights[f"{name}_bias"]
        pack(weights[name], False, h, h, out[head_back:])
        head, head_back = head + square + h, head_back + square
    pack(weights[last], True, h, a, out[head:])
    out[head + h * a : head + h * a + sizes.actions] = weights[f"{last}_bias"]
    out[head_back : head_back + a * h].reshape(a, h)[: sizes.actions, :real] = weights[last]


def unpack_gradient(sizes: Sizes, gradient: np.ndarray) -> dict[str, np.ndarray]:
    """Take a gradient apart into arrays of the shapes and names that ``pack_network`` takes."""
    at, h, a, real = weight_places(sizes), sizes.hidden_padded, sizes.actions_padded, sizes.hidden
    *heads, last = head_names(sizes)
    gate_bias = gradient[at.gate_bias : at.head].reshape(4, h)[:, :real]
    found = {
        "fc1": gradient[at.fc1 : at.bias].reshape(-1, h)[:, :real].T,
        "fc1_bias": gradient[at.bias : at.bias + real],
        "gru_ih_bias": gate_bias[:3].reshape(-1),
        "gru_hh_bias": gate_bias[[0, 1, 3]].reshape(-1),
    }
    for name, start in (("gru_ih", at.input_side), ("gru_hh", at.recurrent)):
        gates = gradient[start : start + 3 * h * h].reshape(3, h, h)[:, :real, :real]
        found[name] = gates.transpose(0, 2, 1).reshape(3 * real, real)
    head = at.head
    for name in heads:
        found[name] = gradient[head : head + h * h].reshape(h, h)[:real, :real].T
        found[f"{name}_bias"] = gradient[head + h * h : head + h * h + real]
        head += h * h + h
    found[last] = gradient[head : head + h * a].reshape(h, a)[:real, : sizes.actions].T
    found[f"{last}_bias"] = gradient[head + h * a : head + h * a + sizes.actions]
    return found


def head_names(sizes: Sizes) -> list[str]:
    """Return the names of the layers after the GRU."""
    return [f"fc{number}" for number in range(2, 2 + sizes.heads)]
