"""The contract of an algorithm: act, observe episodes, learn, report its sparsity, save and load."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from algorithms.episode import Episode
from envs.spec import EnvSpec

Diagnostics = Mapping[str, float | Tensor]
"""Name -> a number, plain or as a tensor () on any device."""
PolicyState = dict[str, Tensor]
"""Name -> what the policy remembers of each battle, first axis E: a recurrent state, for example."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What the agents of E battles see before a step."""

    obs: Tensor
    """(E, N, D) float32"""
    action_mask: Tensor
    """(E, N, A) bool: true where an action is legal"""
    unit_type: Tensor
    """(E, N) int64"""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a policy answers to an ``Observation``."""

    actions: Tensor
    """(E, N) int64, legal ones"""
    state: PolicyState
    """to be given with the next observation; rows of a battle that ended are set back to ``initial_state``"""
    record: dict[str, Tensor] = field(default_factory=dict)
    """name -> (E, …) to be stored with the step, in ``Episode.record``: log-probabilities, for example"""


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What a checkpoint gave back of an algorithm's experience."""

    complete: bool
    """whether learning goes on as if it had not stopped"""
    message: str
    """for the run's log, to follow "resumes at 1,000 env steps": ``, its replay of 50 episodes included``"""


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

    @classmethod
    def total(cls, layers: Iterable[LayerFlops]) -> LayerFlops:
        """Add up the work of all layers."""
        found = list(layers)
        return cls(dense=sum(each.dense for each in found), kept=sum(each.kept for each in found))


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
        """Return the prunable layers by name, in order."""
        sides = dict(zip(("gru_ih", "gru_hh"), self.gru, strict=True)) if self.gru_masked else {}
        return {**self.before, **sides, **self.after}


class Algorithm(ABC):
    """One learner with its policy. Constructed from the spec alone, so that any world of that shape will do.

    The harness drives it step by step: ``act`` for all battles, ``observe`` for every episode that ended, ``learn``
    until no update is due, ``advance``. How many episodes are kept, what a batch is and how the policy explores are the
    algorithm's own.

    Args:
        name: the registered id.
        spec: counts and sizes of the world.
        config: the algorithm's own frozen dataclass.
        total_env_steps: length of the run; schedules scale to it.
        seed: seeds parameters, exploration, batches and mask draws; no global generator is touched.
        device: where networks and batches live.
    """

    config: Any
    env_steps: int = 0
    """Where the run stands, as of the last ``learn`` or ``advance``."""

    def __init__(
        self, name: str, spec: EnvSpec, config: Any, *, total_env_steps: int, seed: int, device: torch.device
    ) -> None:
        self.name, self.spec, self.config = name, spec, config
        self.total_env_steps, self.seed, self.device = total_env_steps, seed, device

    def generator(self, purpose: str) -> torch.Generator:
        """Make the CPU generator that one purpose of this run draws from, derived from the run's seed.

        Draws are made on the CPU and moved, so that the numbers do not depend on the device.

        Args:
            purpose: what the draws are for, for example ``"parameters"``; two purposes never share a stream.
        """
        words = np.random.SeedSequence([self.seed, zlib.crc32(purpose.encode())]).generate_state(1, np.uint64)
        return torch.Generator().manual_seed(int(words[0] >> np.uint64(1)))

    @abstractmethod
    def initial_state(self, num_envs: int) -> PolicyState:
        """Return what the policy remembers at the start of an episode, name -> (E, …)."""

    @abstractmethod
    def act(self, observation: Observation, state: PolicyState, *, explore: bool) -> Decision:
        """Choose legal actions.

        Args:
            observation: of E battles.
            state: what ``initial_state`` or the last ``act`` gave.
            explore: act as in training; otherwise greedily, which draws nothing.
        """

    @abstractmethod
    def observe(self, episode: Episode) -> None:
        """Receive a finished episode of training; its arrays are reused after the call, so copy what is kept."""

    @abstractmethod
    def learn(self, env_steps: int) -> Diagnostics | None:
        """Make one update if one is due.

        Args:
            env_steps: where the run stands.

        Returns:
            Finite diagnostics, ``loss`` among them; None where no update is due, so call it until then. Tensors among
            them are read with ``float()`` when they are logged, not sooner: reading one waits for a GPU.
        """

    def advance(self, env_steps: int) -> list[str]:
        """Apply what the schedule asks for at this point (resets, freezing, temperature); returns a line per event."""
        self.env_steps = env_steps
        return []

    @abstractmethod
    def schedule(self) -> dict[str, float]:
        """Return the resolved numbers of every schedule, times in env_steps, to be printed and stored."""

    def diagnostics(self) -> dict[str, float]:
        """Return finite numbers about the learner at this moment, stored beside each evaluation.

        Asking draws nothing and changes neither the policy nor the course of the run. A number may speak of the time
        since the last call; what it needs for that is part of ``state_dict``. ``epsilon`` is shown as the exploration
        rate.
        """
        return {}

    def compile(self) -> None:  # noqa: B027  # most algorithms have nothing to compile
        """Compile what the first steps would, so that it is booked to no step; changes nothing that a run notices."""

    @abstractmethod
    def sparsity(self) -> Sparsity:
        """Measure the weights that ``act`` uses without exploration."""

    @abstractmethod
    def masked_weights(self) -> dict[str, Tensor]:
        """Return layer name -> (G, out, in) effective weights, G mask groups (1 for a dense algorithm)."""

    def flops(self) -> dict[str, LayerFlops]:
        """Return layer name -> work of one decision, for every matrix of the policy; empty: it is not counted."""
        return {}

    def policy_layers(self) -> PolicyLayers | None:
        """Return the policy layer by layer, to be timed in another storage; None: its network has another form."""
        return None

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return parameters, targets, optimiser, schedules, counters and generators, but not the experience."""

    @abstractmethod
    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what ``state_dict`` gave; with ``load_experience`` the run continues as if it had not stopped."""

    # Experience: what was observed and is not learned from yet, or will be again

    @property
    def experience_bytes(self) -> int:
        """How much ``experience(contents=True)`` takes."""
        return 0

    def experience(self, *, contents: bool) -> dict[str, Any]:
        """Return what was observed, for a checkpoint; without ``contents`` only generators and counters."""
        return {}

    def load_experience(self, saved: dict[str, Any]) -> Restored:
        """Restore what ``experience`` gave; without contents it has to be collected again."""
        return Restored(complete=True, message="")
