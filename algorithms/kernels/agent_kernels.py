"""The agent network's compiled passes as PyTorch sees them: values of a whole batch with gradients, and acting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from algorithms.kernels.agent_back import backward_block
from algorithms.kernels.agent_layout import (
    HEAD,
    Sizes,
    head_names,
    pack_network,
    unpack_gradient,
    weight_places,
)
from algorithms.kernels.agent_pass import (
    ACTING,
    act_rows,
    choose,
    forward_block,
    scratch_size,
    value_block,
)
from algorithms.kernels.batch import CompiledPass, KernelBatch, Workspace
from algorithms.kernels.blocks import MOST, Blocks
from algorithms.kernels.threads import parallel_for

NetworkWeights = Mapping[str, Tensor]
"""``fc1``, ``gru_ih``, ``gru_hh``, ``fc2``, … (G, out, in) or (1, out, in) where all groups share it, and each
one's bias under its name with ``_bias`` behind it: (G, out) or (1, out)."""


class AgentKernels:
    """The agent network on processors.

    Args:
        sizes: of the network.
        n_groups: G.
    """

    def __init__(self, sizes: Sizes, n_groups: int) -> None:
        self.sizes, self.n_groups = sizes, n_groups
        self.workspace = Workspace()
        self.acting_scratch = np.empty(scratch_size(sizes, ACTING), np.float32)
        self.names = ["fc1", "gru_ih", "gru_hh", *head_names(sizes)]

    def pack(self, weights: NetworkWeights) -> np.ndarray:
        """Pack a network: (G, numbers)."""
        arrays = {name: weight.detach().numpy() for name, weight in weights.items()}
        packed = np.zeros((self.n_groups, weight_places(self.sizes).end), np.float32)
        for group in range(self.n_groups):
            pack_network(self.sizes, {n: w[min(group, len(w) - 1)] for n, w in arrays.items()}, packed[group])
        return packed

    def act(
        self, packed: np.ndarray, group: Tensor, obs: Tensor, last_action: Tensor, mask: Tensor, hidden: Tensor,
        draws: Tensor | None, epsilon: float,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Choose actions for E battles of N agents.

        Args:
            packed: what ``pack`` returned.
            group: (E, N) int64 mask groups.
            obs: (E, N, D).
            last_action: (E, N) int64, −1 for none.
            mask: (E, N, A) bool.
            hidden: (E, N, H).
            draws: (E, N, A + 1) uniform numbers to explore with; None: greedy.
            epsilon: probability of exploring.

        Returns:
            actions (E, N) int64 and the next hidden state (E, N, H).
        """
        rows, next_hidden, actions = last_action.numel(), torch.empty_like(hidden), torch.empty_like(last_action)
        q = self.workspace.take("q", rows, self.sizes.actions)
        act_rows(
            self.sizes,
            packed,
            group.reshape(-1).numpy(),
            obs.reshape(rows, -1).numpy(),
            last_action.reshape(-1).numpy(),
            hidden.reshape(rows, -1).numpy(),
            next_hidden.view(rows, -1).numpy(),
            q,
            self.acting_scratch,
        )
        numbers = np.empty((0, 0), np.float32) if draws is None else draws.reshape(rows, -1).numpy()
        choose(q, mask.reshape(rows, -1).numpy().view(np.uint8), numbers, epsilon, actions.view(-1).numpy())
        return actions, next_hidden

    def values(
        self, batch: KernelBatch, weights: NetworkWeights, target: np.ndarray, *, count_use: bool
    ) -> tuple[Tensor, np.ndarray, tuple[dict[str, Tensor], Tensor] | None]:
        """Value the actions taken, and under the target network the actions that the online network values most.

        Args:
            batch: what to value.
            weights: of the online network, with gradients.
            target: the packed target network.
            count_use: whether to measure the inputs of the layers.

        Returns:
            (B · (T + 1) · N,) differentiable values of the actions taken, the same of the target network without
            gradient, and how the inputs were used, as ``QLearner.observe_inputs`` takes it.
        """
        names = [f"{name}{part}" for name in self.names for part in ("", "_bias")]
        run = _Run(self, batch, names, target, count_use)
        taken = CompiledPass.apply(run, *(weights[name] for name in names))
        return taken, run.values, self._use(run.use, batch.blocks) if count_use else None

    def _use(self, use: np.ndarray, blocks: Blocks) -> tuple[dict[str, Tensor], Tensor]:
        """Add the blocks' sums up by mask group and take them apart by layer."""
        s, h = self.sizes, self.sizes.hidden_padded
        total = np.zeros((self.n_groups, use.shape[1]), np.float64)
        for group, sums_of_block in zip(blocks.groups, use, strict=True):
            total[group] += sums_of_block
        first = s.obs + s.last_actions + s.agent_ids
        ends = {"fc1": (0, first)}
        for place, name in enumerate(self.names[1:]):
            ends[name] = first + place * h, first + place * h + s.hidden
        sums = {name: torch.from_numpy(total[:, start:end].astype(np.float32)) for name, (start, end) in ends.items()}
        return sums, torch.from_numpy(total[:, -1])


@dataclass
class _Run:
    """One batch on its way through a network."""

    kernels: AgentKernels
    batch: KernelBatch
    names: Sequence[str]
    target: np.ndarray
    count_use: bool

    def forward(self, *weights: Tensor) -> Tensor:
        kernels, batch, sizes, blocks = self.kernels, self.batch, self.kernels.sizes, self.batch.blocks
        self.shapes = [weight.shape for weight in weights]
        self.packed = kernels.pack(dict(zip(self.names, weights, strict=True)))
        self.threads = torch.get_num_threads()
        self.saved = kernels.workspace.take("saved", HEAD + sizes.heads - 1, blocks.rows * sizes.hidden_padded)
        self.scratch = kernels.workspace.take("scratch", self.threads, scratch_size(sizes, MOST))
        inputs = sizes.obs + sizes.last_actions + sizes.agent_ids + (2 + sizes.heads) * sizes.hidden_padded + 1
        self.use = np.zeros((len(blocks.counts), inputs if self.count_use else 0), np.float32)
        taken, self.values = (np.zeros(len(batch.obs), np.float32) for _ in range(2))
        best = np.zeros(len(batch.obs), np.int64)

        def walk(block: int, thread: int) -> None:
            sequences, counts, group = blocks.sequences[block], blocks.counts[block], blocks.groups[block]
            forward_block(
                sizes, sequences, counts, blocks.first_rows[block], batch.obs, batch.actions, batch.mask,
                self.packed[group], self.saved, self.scratch[thread], taken, best, self.use[block],
            )  # fmt: skip
            value_block(
                sizes, sequences, counts, batch.obs, batch.actions, self.target[group], self.scratch[thread], best,
                self.values,
            )  # fmt: skip

        parallel_for(len(blocks.counts), walk, self.threads)
        return torch.from_numpy(taken)

    def backward(self, gradient: Tensor) -> list[Tensor]:
        d_taken = gradient.numpy()
        kernels, batch, sizes, blocks = self.kernels, self.batch, self.kernels.sizes, self.batch.blocks
        gradients = kernels.workspace.take("gradients", len(blocks.counts), weight_places(sizes).input_back)

        def walk(block: int, thread: int) -> None:
            gradients[block] = 0
            backward_block(
                sizes, blocks.sequences[block], blocks.counts[block], blocks.first_rows[block], batch.obs,
                batch.actions, self.packed[blocks.groups[block]], self.saved, self.scratch[thread], d_taken,
                gradients[block],
            )  # fmt: skip

        parallel_for(len(blocks.counts), walk, self.threads)
        total = np.zeros((kernels.n_groups, gradients.shape[1]), np.float32)
        for group, of_block in zip(blocks.groups, gradients, strict=True):  # in order: the same sums with any threads
            total[group] += of_block
        by_group = [unpack_gradient(sizes, each) for each in total]
        found = []
        for name, shape in zip(self.names, self.shapes, strict=True):
            stacked = np.stack([each[name] for each in by_group])
            found.append(torch.from_numpy(stacked if len(stacked) == shape[0] else stacked.sum(0, keepdims=True)))
        return found
