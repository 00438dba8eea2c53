"""What both halves of a compiled update share: the batch as they read it, their memory, their place in autograd."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from algorithms.episode import EpisodeBatch
from algorithms.kernels.blocks import Blocks, make_blocks


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


class CompiledPass(torch.autograd.Function):
    """A pass whose ``forward(*tensors)`` gives a tensor and whose ``backward(gradient)`` those of the tensors."""

    @staticmethod
    def forward(ctx: Any, run: Any, *tensors: Tensor) -> Tensor:
        """Run it."""
        ctx.run = run
        return run.forward(*tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        """Run it back."""
        return None, *ctx.run.backward(grads[0])
