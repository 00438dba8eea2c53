"""Kalei: QMIX whose agents share one network but mask it by unit type with learnable thresholds.

Li et al., "Kaleidoscope: Learnable Masks for Heterogeneous Multi-agent Reinforcement Learning", NeurIPS 2024
(repository LXXXXR/Kaleidoscope, folder Kalei_SMACv2: learner ``Kalei_nq_learner``, mac ``Kalei_type_n_mac``, agent
``Kalei_type_n_rnn_1R3``).

Weights, losses, gradients, steps and resets equal an independent implementation of them (``tests/algorithms/
test_published_kalei.py``). Deviations from the repository, beside those of ``learner.py``:

- there a dead unit, whose type bits are zeroed in its observation, is masked as type 0; here it keeps the mask of its
  type, which is fixed for the episode;
- there a reset comes at the start of an update, here after all updates of a step, so also before the first one;
- intervals of resets scale with the length of the run (see ``q_learning/config.py``);
- with one mask group there are no pairs and the diversity is 0, there it divides by zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from algorithms.network.agent_net import MASKED_LAYERS
from algorithms.protocol import Diagnostics
from algorithms.q_learning.learner import UpdateWeights
from algorithms.qmix import SMOKE, SPACE, QMixConfig
from algorithms.registry import PyMARLNames, register
from algorithms.sparsity.diversity import AdaptiveCoefficient, mask_distance
from algorithms.sparsity.resets import ResetSchedule, require_reset_settings
from algorithms.sparsity.sparse_qmix import SparseQMix
from algorithms.sparsity.threshold import KaleiLinear, ThresholdInit
from algorithms.sparsity.tracker import pattern_overlap
from common.space import Range
from common.values import require

PER_TYPE = ResetSchedule(interval=1_000_000, ratio=0.2)
"""Resets of unused weights with a mask per unit type. Source: Kalei_qmix_rnn_1R3.yaml."""


@dataclass(frozen=True, kw_only=True)
class KaleiConfig(QMixConfig):
    """Settings of Kalei: those of QMIX and, with published defaults, those of its masks (``Kalei_args``).

    Raises:
        ValueError: a value is out of its range.
    """

    div_coef: float = 5.0
    """Size of the diversity term relative to the TD loss. Source: Kalei_qmix_rnn_1R3.yaml."""
    deque_len: int = 100
    """Updates over which that relation is averaged. Source: Kalei_qmix_rnn_1R3.yaml."""
    threshold_init_scale: float = 5.0
    """Raw thresholds start at −(bias + scale · U[0, 1]). Source: Kalei_qmix_rnn_1R3.yaml."""
    threshold_init_bias: float = 5.0
    """See ``threshold_init_scale``. Source: Kalei_qmix_rnn_1R3.yaml."""
    threshold_reset_scale: float = 5.0
    """The same for reset weights. Source: Kalei_qmix_rnn_1R3.yaml."""
    threshold_reset_bias: float = 5.0
    """See ``threshold_reset_scale``. Source: Kalei_qmix_rnn_1R3.yaml."""
    reset_interval: int | None = None
    """env_steps of a 10.05M run between resets of unused weights; None: 1_000_000 (Kalei_qmix_rnn_1R3.yaml), or
    10_000 of any run where masks are per agent (see ``sparsity/resets.py``)."""
    reset_ratio: float | None = None
    """Share of the unused weights that resets, 0..1; None: 0.2 (Kalei_qmix_rnn_1R3.yaml), or 0.1 where masks are per
    agent."""
    sparsity_layer_weights: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
    """Weight of each layer, fc1 to fc4, in the diversity. Source: Kalei_qmix_rnn_1R3.yaml."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "deque_len", self.deque_len >= 1, "at least 1")
        for name in ("div_coef", "threshold_init_scale", "threshold_reset_scale"):
            require(self, name, getattr(self, name) >= 0, "0 or larger")
        require_reset_settings(self)
        layers = len(MASKED_LAYERS)
        fits = len(self.sparsity_layer_weights) == layers and min(self.sparsity_layer_weights) >= 0
        require(self, "sparsity_layer_weights", fits, f"{layers} numbers of 0 or larger, one per layer")


class Kalei(SparseQMix):
    """QMIX over thresholded layers, with mask diversity and resets of unused weights."""

    config: KaleiConfig
    per_type_resets = PER_TYPE

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._coefficient = AdaptiveCoefficient(self.config.div_coef, self.config.deque_len, self.device)

    def make_linear(self, in_features: int, out_features: int) -> KaleiLinear:
        init = ThresholdInit(scale=self.config.threshold_init_scale, bias=self.config.threshold_init_bias)
        reset = ThresholdInit(scale=self.config.threshold_reset_scale, bias=self.config.threshold_reset_bias)
        return KaleiLinear(in_features, out_features, self.n_groups, init, self._init_rng, reset=reset)

    def extra_loss(self, td_loss: Tensor, weights: UpdateWeights) -> tuple[Tensor, Diagnostics]:
        """Ask for masks that differ between groups."""
        masks = [layer.weighted_masks() for layer in self.layers().values()]
        return self._coefficient(td_loss, -mask_distance(masks, self.config.sparsity_layer_weights))

    def advance(self, env_steps: int) -> list[str]:
        """Reset unused weights each interval, but not within one interval of the end."""
        super().advance(env_steps)
        due = env_steps - self.last_reset > self.resets.interval
        if not due or self.total_env_steps - env_steps <= self.resets.interval:
            return []
        return [self.reset_unused(env_steps)]

    @torch.no_grad()
    def diagnostics(self) -> dict[str, float]:
        """Return QMIX's, ``mask_sparsity`` and ``mask_overlap``.

        The first is the share of weights that masks drop (of all; after slashes of a layer, and of a mask group), the
        second the share on which two groups' masks agree, averaged over pairs.
        """
        kept = torch.cat([(layer.effective_weights() != 0).flatten(1) for layer in self.layers().values()], 1)
        overall = {"mask_sparsity": 1 - kept.float().mean().item(), "mask_overlap": pattern_overlap(kept.long())}
        names, shares = self.group_names, self.sparsity().per_layer
        by_layer = {f"mask_sparsity/{layer}": sum(of_layer) / len(of_layer) for layer, of_layer in shares.items()}
        by_group = {
            f"mask_sparsity/{layer}/{name}": share
            for layer, of_layer in shares.items()
            for name, share in zip(names, of_layer, strict=True)
        }
        return {**super().diagnostics(), **overall, **by_layer, **by_group}

    def schedule(self) -> dict[str, float]:
        return {**super().schedule(), "last_reset_before": self.total_env_steps - self.resets.interval}

    def parts(self) -> dict[str, Any]:
        return {**super().parts(), "coefficient": self._coefficient}


register(
    "kalei",
    entry_point=Kalei,
    config=KaleiConfig,
    source="Li et al., NeurIPS 2024; repository LXXXXR/Kaleidoscope",
    smoke=SMOKE,
    space={**SPACE, "div_coef": Range(low=2.5, high=10.0, log=True)},  # the published 5, halved and doubled
    pymarl=PyMARLNames(
        learner="Kalei_nq_learner",
        mac=("Kalei_type_n_mac",),
        agent=("Kalei_type_n_rnn_1R3",),
        block="Kalei_args",
        aliases=("Kalei_nq_learner", "Kalei_qmix_rnn_1R3"),
        parts={
            "Kalei_type_n_rnn_1R3": "algorithms.network.agent_net:AgentNet",
            "Kalei_type_NRNNAgent_1R3": "algorithms.network.agent_net:AgentNet",
            "Kalei_type_n_mac": "algorithms.network.agent_net:mask_groups",
            "Kalei_nq_learner": "algorithms.kalei:Kalei",
            "Kalei_NQLearner": "algorithms.kalei:Kalei",
            "Kalei_qmix_rnn_1R3": "algorithms.kalei:KaleiConfig",
            "Kalei_args": "algorithms.kalei:KaleiConfig",
            "KaleiLinear": "algorithms.sparsity.threshold:KaleiLinear",
        },
    ),
)
