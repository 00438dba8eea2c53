"""The mixer's compiled pass as PyTorch sees it: the TD(λ) loss of a whole batch, with its gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from algorithms.kernels.batch import CompiledPass, KernelBatch, Workspace
from algorithms.kernels.mixing_pass import (
    MixerSizes,
    learn_episodes,
    mixer_places,
    mixer_scratch_size,
    pack_mixer,
    unpack_mixer_gradient,
)
from algorithms.kernels.threads import parallel_for

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
        loss = CompiledPass.apply(run, taken, *parameters.values())
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

    def forward(self, taken: Tensor, *parameters: Tensor) -> Tensor:
        sizes, batch, workspace = self.kernels.sizes, self.batch, self.kernels.workspace
        episodes, steps = batch.reward.shape
        chunks = np.array_split(np.arange(episodes), -(-episodes // CHUNK))
        threads, total_steps = torch.get_num_threads(), int(batch.steps.sum())
        scratch = workspace.take("scratch", threads, mixer_scratch_size(sizes, steps + 1))
        gradients = workspace.take("gradients", len(chunks), mixer_places(sizes).gradient_end)
        q, sums = taken.numpy(), np.zeros((len(chunks), 3))
        self.d_taken = np.zeros(len(taken), np.float32)

        def learn(chunk: int, thread: int) -> None:
            gradients[chunk] = 0
            learn_episodes(
                chunks[chunk], sizes, batch.steps, batch.bootstrap, steps, batch.state, batch.reward, q,
                self.values, self.online, self.target, np.float32(self.gamma), np.float32(self.td_lambda), total_steps,
                scratch[thread], self.d_taken, gradients[chunk], sums[chunk],
            )  # fmt: skip

        parallel_for(len(chunks), learn, threads)
        self.gradient = gradients.sum(0)
        loss, *self.means = (sums.sum(0) / total_steps).tolist()
        return torch.tensor(loss, dtype=torch.float32)

    def backward(self, gradient: Tensor) -> list[Tensor]:
        found = unpack_mixer_gradient(self.kernels.sizes, self.gradient)
        d_parameters = [torch.from_numpy(np.ascontiguousarray(found[name])) * gradient for name in self.names]
        return [torch.from_numpy(self.d_taken) * gradient, *d_parameters]
