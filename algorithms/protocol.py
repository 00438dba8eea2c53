"""The contract of an algorithm: act, learn, report its sparsity, save and load."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from envs.spec import EnvSpec

Diagnostics = Mapping[str, float | Tensor]
"""Name -> a number, plain or as a tensor () on any device."""


@dataclass(frozen=True, kw_only=True)
class EpisodeBatch:
    """B whole episodes, padded to the longest (T env_steps); arrays with T+1 entries hold the last view as well.

    ``filled`` and ``unit_type`` lie on the CPU whatever the device of the others: they decide the shapes of the work,
    which the host has to know, and asking a GPU would make it wait.
    """

    obs: Tensor
    """(B, T+1, N, D) float32"""
    state: Tensor
    """(B, T+1, S) float32"""
    action_mask: Tensor
    """(B, T+1, N, A) bool"""
    actions: Tensor
    """(B, T, N) int64"""
    reward: Tensor
    """(B, T) float32"""
    terminated: Tensor
    """(B, T) bool: the fight ended at this step; a time limit leaves it false unless the learner is told otherwise"""
    truncated: Tensor
    """(B, T) bool"""
    filled: Tensor
    """(B, T) bool: real steps, not padding; on the CPU"""
    unit_type: Tensor
    """(B, N) int64; on the CPU"""


@dataclass(frozen=True, kw_only=True)
class Sparsity:
    """Zeros counted on the tensors that the policy multiplies with, averaged over unit types."""

    masked_layers: float
    """zeros / entries of the prunable weights, 0..1 (padding never counted)"""
    whole_model: float
    """zeros / entries of all parameters of the agent network that one agent uses, 0..1"""
    per_layer: dict[str, list[float]] = field(default_factory=dict)
    """layer name -> one value per mask group"""


@dataclass(frozen=True, kw_only=True)
class LayerFlops:
    """Multiplications and additions of one layer in one decision of one agent, averaged over mask groups."""

    dense: int
    """2 · out · in"""
    kept: float
    """2 · non-zeros: what remains where zeros are not multiplied with"""


@dataclass(frozen=True, kw_only=True)
class PolicyLayer:
    """One prunable linear layer of the policy."""

    weight: Tensor
    """(out, in): shared by all mask groups, before masking"""
    masked: Tensor
    """(G, out, in): what ``act`` multiplies with, G mask groups (1 for a dense layer)"""
    bias: Tensor
    """(out,): shared by all mask groups"""


@dataclass(frozen=True, kw_only=True)
class PolicyLayers:
    """A policy as plain tensors: masked layers with a ReLU after each, a GRU cell, masked layers with ReLUs between.

    The last layer gives Q-values; rows of the first are obs ⊕ one-hot last action ⊕ one-hot agent id.
    """

    before: dict[str, PolicyLayer]
    """by name, in order"""
    gru: tuple[PolicyLayer, PolicyLayer]
    """input side (3H, in) and recurrent side (3H, H), gates in the order of ``torch.nn.GRUCell``"""
    after: dict[str, PolicyLayer]
    """by name, in order"""
    gru_masked: bool = False
    """whether the two sides of the GRU are prunable layers too"""

    def prunable(self) -> dict[str, PolicyLayer]:
        """The prunable layers by name, in order."""
        sides = dict(zip(("gru_ih", "gru_hh"), self.gru, strict=True)) if self.gru_masked else {}
        return {**self.before, **sides, **self.after}


class Algorithm(ABC):
    """One learner with its policy. Constructed from the spec alone, so that any world of that shape will do.

    Args:
        spec: counts and sizes of the world.
        config: the algorithm's own frozen dataclass.
        total_env_steps: length of the run; schedules scale to it.
        seed: seeds parameters, exploration and mask draws; no global generator is touched.
        device: where networks and batches live.
    """

    name: str
    spec: EnvSpec
    config: Any
    total_env_steps: int
    device: torch.device

    @abstractmethod
    def initial_hidden(self, num_envs: int) -> Tensor:
        """Recurrent state at the start of an episode, (E, N, H) zeros."""

    @abstractmethod
    def act(
        self,
        obs: Tensor,
        last_action: Tensor,
        action_mask: Tensor,
        unit_type: Tensor,
        hidden: Tensor,
        *,
        epsilon: float,
    ) -> tuple[Tensor, Tensor]:
        """Choose actions, epsilon-greedy over the legal ones; epsilon 0 is greedy and draws nothing.

        Args:
            obs: (E, N, D) float32.
            last_action: (E, N) int64, -1 on the first step of an episode (an all-zero one-hot).
            action_mask: (E, N, A) bool.
            unit_type: (E, N) int64.
            hidden: (E, N, H).
            epsilon: probability of a uniformly random legal action, per agent.

        Returns:
            actions (E, N) int64 and the next hidden (E, N, H).
        """

    @abstractmethod
    def epsilon(self, env_steps: int) -> float:
        """Exploration rate after this many env_steps."""

    @abstractmethod
    def update(self, batch: EpisodeBatch, env_steps: int) -> Diagnostics:
        """One gradient step; returns finite diagnostics such as ``loss``, ``grad_norm``, ``q_taken``.

        Tensors among them are read with ``float()`` when they are logged, not sooner: reading one waits for a GPU.
        """

    @abstractmethod
    def advance(self, env_steps: int) -> list[str]:
        """Apply what the schedule asks for at this point (resets, freezing, temperature); returns a line per event."""

    @abstractmethod
    def schedule(self) -> dict[str, float]:
        """The resolved numbers of every schedule, times in env_steps, to be printed and stored."""

    @abstractmethod
    def sparsity(self) -> Sparsity:
        """Measured on the weights that ``act`` uses with epsilon 0."""

    def diagnostics(self) -> dict[str, float]:
        """Finite numbers about the learner at this moment, stored beside each evaluation; none unless overridden.

        Asking draws nothing and changes neither the policy nor the course of the run. A number may speak of the time
        since the last call; what it needs for that is part of ``state_dict``.
        """
        return {}

    @abstractmethod
    def masked_weights(self) -> dict[str, Tensor]:
        """Layer name -> (G, out, in) effective weights, G mask groups (1 for a dense algorithm)."""

    def flops(self) -> dict[str, LayerFlops]:
        """Layer name -> work of one decision, for every matrix of the policy; empty: its network is not counted."""
        return {}

    def policy_layers(self) -> PolicyLayers | None:
        """The policy layer by layer, to be timed in another storage; None: its network has another form."""
        return None

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Parameters, targets, optimiser, schedules, counters and generators."""

    @abstractmethod
    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what ``state_dict`` gave, so that the run continues as if it had not stopped."""
