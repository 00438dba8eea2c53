"""The compiled passes as PyTorch sees them: autograd functions over a whole batch, and acting."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from algorithms.episode import EpisodeBatch
from algorithms.input_use import InputUse
from algorithms.kernels.agent_back import backward_block
from algorithms.kernels.agent_layout import (
    HEAD,
    Sizes,
    gradient_places,
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
from algorithms.kernels.blocks import MOST, Blocks, make_blocks
from algorithms.kernels.mixing_pass import (
    MixerSizes,
    learn_episodes,
    mixer_places,
    mixer_scratch_size,
    pack_mixer,
    unpack_mixer_gradient,
)
from algorithms.kernels.threads import parallel_for

NetworkWeights = Mapping[str, Tensor]
"""``fc1``, ``gru_ih``, ``gru_hh``, ``fc2``, … (G, out, in) or (1, out, in) where all groups share it, and each
one's bias under its name with ``_bias`` behind it: (G, out) or (1, out)."""


@dataclass
class Workspace:
    """Memory that passes use again, so that an update asks the system for none."""

    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def take(self, name: str, *shape: int) -> np.ndarray:
        """Return a float32 array of this shape, of unspecified content; it is handed out again under the same name."""
        size = math.prod(shape)
        if name not in self.arrays or len(self.arrays[name]) < size:
            self.arrays[name] = np.empty(size + size // 8, np.float32)  # some room: the number of rows varies
        return self.arrays[name][:size].reshape(shape)


@dataclass(frozen=True, kw_only=True)
class KernelBatch:
    """A batch as the compiled passes read it, and which of its rows they walk through together."""

    obs: np.ndarray
    state: np.ndarray
    mask: np.ndarray
    actions: np.ndarray
    reward: np.ndarray
    steps: np.ndarray
    bootstrap: np.ndarray
    blocks: Blocks

    @classmethod
    def of(cls, batch: EpisodeBatch, groups: Tensor, *, bootstrap_at_limit: bool) -> KernelBatch:
        """Flatten a batch and sort its sequences into blocks.

        Args:
            batch: B episodes, on the CPU.
            groups: (B, N) mask group of each agent.
            bootstrap_at_limit: whether the target of an episode that a time limit ended goes on from its last view;
                otherwise nothing depends on that view, and it is left out.
        """
        filled = batch.filled.numpy()
        steps = filled.sum(1)
        goes_on = ~batch.terminated.numpy().any(1) & bootstrap_at_limit
        bootstrap = np.asarray(goes_on, np.uint8)
        return cls(
            obs=batch.obs.flatten(0, 2).numpy(),
            state=batch.state.flatten(0, 1).numpy(),
            mask=batch.action_mask.flatten(0, 2).numpy().view(np.uint8),
            actions=batch.actions.flatten().numpy(),
            reward=batch.reward.numpy(),
            steps=steps,
            bootstrap=bootstrap,
            blocks=make_blocks(steps, steps + bootstrap, groups.numpy(), filled.shape[1]),
        )


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
    ) -> tuple[Tensor, np.ndarray, InputUse | None]:
        """Value the actions taken, and under the target network the actions that the online network values most.

        Args:
            batch: what to value.
            weights: of the online network, with gradients.
            target: the packed target network.
            count_use: whether to measure the inputs of the layers.

        Returns:
            (B · (T + 1) · N,) differentiable values of the actions taken, the same of the target network without
            gradient, and how the inputs were used.
        """
        names = [f"{name}{part}" for name in self.names for part in ("", "_bias")]
        run = _Run(self, batch, names, target, count_use)
        taken = _AgentValues.apply(run, *(weights[name] for name in names))
        return taken, run.values, self._use(run.use, batch.blocks) if count_use else None

    def _use(self, use: np.ndarray, blocks: Blocks) -> InputUse:
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
        return InputUse(sums=sums, rows=torch.from_numpy(total[:, -1]))


@dataclass
class _Run:
    """One batch on its way through a network."""

    kernels: AgentKernels
    batch: KernelBatch
    names: Sequence[str]
    target: np.ndarray
    count_use: bool

    def forward(self, weights: Sequence[Tensor]) -> np.ndarray:
        kernels, batch, sizes, blocks = self.kernels, self.batch, self.kernels.sizes, self.batch.blocks
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
        return taken

    def backward(self, d_taken: np.ndarray, shapes: Sequence[torch.Size]) -> list[Tensor]:
        kernels, batch, sizes, blocks = self.kernels, self.batch, self.kernels.sizes, self.batch.blocks
        gradients = kernels.workspace.take("gradients", len(blocks.counts), gradient_places(sizes).end)

        def walk(block: int, thread: int) -> None:
            gradients[block] = 0
            backward_block(
                sizes, blocks.sequences[block], blocks.counts[block], blocks.first_rows[block], batch.obs,
                batch.actions, self.packed[blocks.groups[block]], self.saved, self.scratch[thread], d_taken,
                gradients[block],
            )  # fmt: skip

        parallel_for(len(blocks.counts), walk, self.threads)
        total = np.zeros((kernels.n_groups, gradients.shape[1]), np.float32)
        for group, gradient in zip(blocks.groups, gradients, strict=True):  # in order: the same sums with any threads
            total[group] += gradient
        by_group = [unpack_gradient(sizes, each) for each in total]
        found = []
        for name, shape in zip(self.names, shapes, strict=True):
            stacked = np.stack([each[name] for each in by_group])
            found.append(torch.from_numpy(stacked if len(stacked) == shape[0] else stacked.sum(0, keepdims=True)))
        return found


class _AgentValues(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, run: _Run, *weights: Tensor) -> Tensor:
        ctx.run, ctx.shapes = run, [weight.shape for weight in weights]
        return torch.from_numpy(run.forward(weights))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        return None, *ctx.run.backward(grads[0].numpy(), ctx.shapes)


CHUNK = 8
"""Episodes that the mixer's pass takes at a time."""


class MixerKernels:
    """QMIX's mixer and TD(λ) on processors.

    Args:
        sizes: of the mixer.
    """

    def __init__(self, sizes: MixerSizes) -> None:
        self.sizes, self.workspace = sizes, Workspace()

    def pack(self, mixer: torch.nn.Module) -> np.ndarray:
        """Pack a mixer."""
        packed = np.zeros(mixer_places(self.sizes).end, np.float32)
        pack_mixer(self.sizes, {name: p.detach().numpy() for name, p in mixer.named_parameters()}, packed)
        return packed

    def loss(
        self, batch: KernelBatch, taken: Tensor, values: np.ndarray, mixer: torch.nn.Module, target: np.ndarray, *,
        gamma: float, td_lambda: float,
    ) -> tuple[Tensor, float, float]:  # fmt: skip
        """Compute half the mean squared TD(λ) error.

        Args:
            batch: what the values belong to.
            taken, values: what ``AgentKernels.values`` returned.
            mixer: the online mixer; gradients reach its parameters and ``taken``.
            target: the packed target mixer.
            gamma, td_lambda: γ and λ.

        Returns:
            the loss (), and means over steps of the joint values and of the targets.
        """
        parameters = dict(mixer.named_parameters())
        run = _MixerRun(self, batch, values, self.pack(mixer), target, gamma, td_lambda, list(parameters))
        loss = _MixerLoss.apply(run, taken, *parameters.values())
        return loss, *run.means


@dataclass
class _MixerRun:
    kernels: MixerKernels
    batch: KernelBatch
    values: np.ndarray
    online: np.ndarray
    target: np.ndarray
    gamma: float
    td_lambda: float
    names: Sequence[str]

    def compute(self, taken: np.ndarray) -> float:
        """Fill ``d_taken``, ``gradient`` and ``means``; return the loss."""
        sizes, batch, workspace = self.kernels.sizes, self.batch, self.kernels.workspace
        episodes, steps = batch.reward.shape
        chunks = np.array_split(np.arange(episodes), -(-episodes // CHUNK))
        threads, total_steps = torch.get_num_threads(), int(batch.steps.sum())
        scratch = workspace.take("scratch", threads, mixer_scratch_size(sizes, steps + 1))
        gradients = workspace.take("gradients", len(chunks), mixer_places(sizes).gradient_end)
        self.d_taken, sums = np.zeros(len(taken), np.float32), np.zeros((len(chunks), 3))

        def learn(chunk: int, thread: int) -> None:
            gradients[chunk] = 0
            learn_episodes(
                chunks[chunk], sizes, batch.steps, batch.bootstrap, steps, batch.state, batch.reward, taken,
                self.values, self.online, self.target, np.float32(self.gamma), np.float32(self.td_lambda), total_steps,
                scratch[thread], self.d_taken, gradients[chunk], sums[chunk],
            )  # fmt: skip

        parallel_for(len(chunks), learn, threads)
        self.gradient = gradients.sum(0)
        loss, *self.means = (sums.sum(0) / total_steps).tolist()
        return loss


class _MixerLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, run: _MixerRun, taken: Tensor, *parameters: Tensor) -> Tensor:
        ctx.run = run
        return torch.tensor(run.compute(taken.numpy()), dtype=torch.float32)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        run = ctx.run
        found = unpack_mixer_gradient(run.kernels.sizes, run.gradient)
        d_parameters = (torch.from_numpy(np.ascontiguousarray(found[name])) * grads[0] for name in run.names)
        return None, torch.from_numpy(run.d_taken) * grads[0], *d_parameters
