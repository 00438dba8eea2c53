"""K24 (K-2:4): QMIX whose agents share one network but mask it by unit type with learnable 2:4 patterns.

Two of every four consecutive inputs are kept, the shape that sparse tensor cores run. Three parts make the masks:

    A  heterogeneous score      S_k = EMA(|a|) · |W| · sigmoid(α_k)                    sparsity/linear24.py
    B  pattern projection       layer-normed scores · patternsᵀ, Gumbel-softmax         sparsity/pattern24.py
    C  pattern orthogonality    mean ⟨p_k, p_l⟩ over pairs of types, adaptive weight    sparsity/diversity.py

and three things happen on a schedule: the temperature falls, unused weights restart, and late in the run the masks are
frozen and the weights finetuned (rewind & finetune). Known as learner ``k24_nq_learner`` over ``K24_type_n_rnn_1R3``.

Built on Kaleidoscope (Li et al., NeurIPS 2024), whose four masked layers, adaptive coefficient and resets it keeps.
Values, losses, gradients and steps equal a plain second writing of this description, and the straight-through gradient
equals finite differences (``tests/algorithms/test_published_k24.py``). Deviations from the description:

- the Gumbel noise falls with the temperature, where plain Gumbel-softmax keeps it (``noise_anneal``);
- the target network multiplies under the update's draw, where the description takes its best patterns
  (``sampled_target``): those give larger values, which feed back until the run diverges;
- scores of a group are brought to a mean of 1 before the layer norm, whose eps would swallow small ones;
- ``mask_gru`` masks the GRU too, ``rewind_ratio`` returns weights to a snapshot at the freeze; both are off by default;
- a dead unit keeps the mask of its type, and those of Kalei that concern the length of a run (see ``kalei.py``).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from algorithms.generators import generator
from algorithms.kernels.packed_batch import PackedBatch
from algorithms.protocol import Diagnostics
from algorithms.q_learning.agent_net import LayerInputs, mask_group_names
from algorithms.q_learning.learner import UpdateWeights
from algorithms.q_learning.schedules import linear, scaled
from algorithms.qmix import QMix, QMixConfig
from algorithms.settings.checks import require
from algorithms.sparsity.diversity import K24DiversityManager
from algorithms.sparsity.linear24 import SemiStructuredLinear24
from algorithms.sparsity.pattern24 import gumbel_noise
from algorithms.sparsity.resets import SPARED_LAYERS, ResetSchedule, require_reset_settings, resolve_resets
from algorithms.sparsity.tracker import LayerPatternTracker, PatternUse, describe_use, pattern_overlap

PER_TYPE = ResetSchedule(interval=500_000, ratio=0.2)
"""Resets of unused weights with a mask per unit type. Source: K24_args."""


@dataclass(frozen=True, kw_only=True)
class K24Config(QMixConfig):
    """Settings of K24: those of QMIX and those of its masks (``K24_args``, K24_qmix_rnn_1R3.yaml).

    Raises:
        ValueError: a value is out of its range, or two values contradict each other.
    """

    temperature_init: float = 5.0
    """Gumbel-softmax temperature τ at the start. Source: K24_args."""
    temperature_min: float = 0.2
    """τ after the ramp. Source: K24_args."""
    anneal_end_step: int = 8_040_000
    """env_steps of a 10.05M run at which the linear ramp of τ ends. Source: K24_args."""
    noise_anneal: bool = True
    """Let the Gumbel noise fall with τ, as τ / temperature_init. In plain Gumbel-softmax (False) τ shapes the gradient
    only, and the normed logits leave the best pattern a chance of about one half until the masks freeze: 120k env_steps
    of terran_5_vs_5 ended at win rates of 0.03 to 0.07 (three seeds) against 0.12 to 0.16 (two). Source: this project.
    """
    sampled_target: bool = True
    """Let the target network multiply under the same draw as the network that learns. With its best patterns (False)
    its values come out larger, 1.4 times in one run, and feed back through the targets: that run, 1M env steps of
    terran_5_vs_5, diverged from 100k on. Source: this project."""
    div_coef: float = 0.1
    """Size of the orthogonality term relative to the TD loss. Source: K24_args."""
    deque_len: int = 100
    """Updates over which that relation is averaged. Source: Kaleidoscope."""
    reset_interval: int | None = None
    """env_steps of a 10.05M run between resets of unused weights; None: 500_000 (K24_args), or 10_000 of any run
    where masks are per agent (see ``sparsity/resets.py``)."""
    reset_ratio: float | None = None
    """Share of the unused weights that resets, 0..1 (0: never); None: 0.2 (K24_args), or 0.1 where masks are per
    agent."""
    finetune_start_ratio: float = 0.8
    """Share of the run after which masks freeze; 1 means never. Source: K24_args."""
    finetune_lr_decay: float = 0.9
    """Factor on the learning rate from then on. Source: K24_args."""
    rewind_ratio: float | None = None
    """Share of the run, before ``finetune_start_ratio``, at which all weights are remembered; when the masks freeze
    they return to these values. None: they stay as they are. Source: Frankle et al., ICML 2020 (arXiv 1912.05671)."""
    mask_gru: bool = False
    """Keep 2 of 4 in the GRU's two matrices as well, which hold most of the multiplications. Source: this project."""
    score_activation: bool = True
    """Whether a weight's score counts how strongly its input is used: the factor EMA(|a|). Source: K24."""
    score_alpha: bool = True
    """Whether it counts what each unit type has learned: the factor sigmoid(α_k), without which types share one mask
    (unless ``ema_per_type`` tells them apart). Source: K24."""
    alpha_init_std: float = 0.1
    """α starts at N(0, this²): a spread that lets types part. Source: this project."""
    ema_momentum: float = 0.99
    """Weight of the past in the mean input magnitudes, per update, 0..1. Source: this project."""
    ema_per_type: bool = False
    """Track input magnitudes per unit type instead of over all of them. Source: this project."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("anneal_end_step", "deque_len"):
            require(self, name, getattr(self, name) >= 1, "at least 1")
        for name in ("div_coef", "alpha_init_std"):
            require(self, name, getattr(self, name) >= 0, "0 or larger")
        require(self, "temperature_init", self.temperature_init > 0, "larger than 0")
        fits = 0 < self.temperature_min <= self.temperature_init
        require(self, "temperature_min", fits, f"larger than 0 and at most temperature_init ({self.temperature_init})")
        require_reset_settings(self, self.reset_interval, self.reset_ratio)
        require(self, "ema_momentum", 0 <= self.ema_momentum < 1, "at least 0 and below 1")
        for name in ("finetune_start_ratio", "finetune_lr_decay"):
            require(self, name, 0 < getattr(self, name) <= 1, "larger than 0 and at most 1")
        before_finetune = self.rewind_ratio is None or 0 <= self.rewind_ratio < self.finetune_start_ratio < 1
        freeze = f"finetune_start_ratio ({self.finetune_start_ratio}), which is below 1"
        require(self, "rewind_ratio", before_finetune, f"at least 0 and below {freeze}; or None")


@dataclass(frozen=True, kw_only=True)
class DrawnWeights(UpdateWeights):
    """One draw of the masks."""

    logits: list[Tensor]
    """(K, out, ⌈in/4⌉, 6) of each layer, which the draw came from"""


class K24(QMix):
    """QMIX over 2:4 layers."""

    config: K24Config

    def __init__(self, *args: Any, seed: int, **kwargs: Any) -> None:
        self._mask_rng = generator(seed, "masks")
        super().__init__(*args, seed=seed, **kwargs)
        self.tracker = LayerPatternTracker()
        self._diversity = K24DiversityManager(self.config.div_coef, self.config.deque_len)
        self._resets = resolve_resets(
            self.config.reset_interval,
            self.config.reset_ratio,
            per_type=PER_TYPE,
            spec=self.spec,
            total_env_steps=self.total_env_steps,
        )
        self._anneal_end = scaled(self.config.anneal_end_step, self.total_env_steps)
        self._finetune_start = round(self.config.finetune_start_ratio * self.total_env_steps)
        self._last_reset = self._env_steps = 0
        self._remembered: dict[str, Tensor] | None = None
        self._remember_when_due()

    @property
    def frozen(self) -> bool:
        """Whether the masks are fixed for good; the layers know, and freeze together."""
        return self.layers()["fc1"].frozen

    @property
    def n_groups(self) -> int:
        """One mask per unit type, or per agent below two types."""
        return self.spec.n_mask_groups

    @property
    def grouped_gru(self) -> bool:
        """Whether the GRU's matrices are masked too."""
        return self.config.mask_gru

    @property
    def wants_layer_inputs(self) -> bool:
        """Input magnitudes matter to the score, until the masks are frozen."""
        return self.config.score_activation and not self.frozen

    def make_linear(self, in_features: int, out_features: int) -> SemiStructuredLinear24:
        """Make a 2:4 layer."""
        return SemiStructuredLinear24(
            in_features,
            out_features,
            self.n_groups,
            alpha_init_std=self.config.alpha_init_std,
            ema_momentum=self.config.ema_momentum,
            ema_per_type=self.config.ema_per_type,
            score_activation=self.config.score_activation,
            score_alpha=self.config.score_alpha,
            generator=self._init_rng,
        )

    def layers(self) -> dict[str, SemiStructuredLinear24]:
        """The masked layers by name."""
        return {name: getattr(self.net, name) for name in self.net.prunable()}

    def temperature(self, env_steps: int) -> float:
        """τ of the Gumbel-softmax after this many env_steps."""
        return linear(self.config.temperature_init, self.config.temperature_min, self._anneal_end, env_steps)

    def update_weights(self, env_steps: int) -> UpdateWeights:
        """Draw one mask per layer and mask group by Gumbel noise, for the whole unroll; frozen masks draw nothing.

        The target network multiplies under the same draw, so that both networks' values are of one size.
        """
        if self.frozen:
            return super().update_weights(env_steps)
        layers, temperature = self.layers(), self.temperature(env_steps)
        scale = temperature / self.config.temperature_init if self.config.noise_anneal else 1.0
        logits = {name: layer.logits() for name, layer in layers.items()}
        noise = {name: scale * gumbel_noise(each, self._mask_rng) for name, each in logits.items()}
        online = {name: layer.sampled_weights(logits[name], temperature, noise[name]) for name, layer in layers.items()}
        if self.config.sampled_target:
            target = {name: getattr(self.target_net, name).drawn_weights(noise[name]) for name in layers}
        else:
            target = self.target_weights()
        return DrawnWeights(online=online, target=target, logits=list(logits.values()))

    def after_unroll(self, packed: PackedBatch, layer_inputs: LayerInputs) -> None:
        """Track input magnitudes over filled rows of living units; dead is whose only legal action is 0."""
        dead = packed.action_mask[:, 0] & (packed.action_mask.sum(1) == 1)
        filled = packed.order.to_group_order(packed.is_step.repeat_interleave(self.spec.n_agents))
        counted = (filled * ~dead).split(packed.order.group_sizes)
        for name, layer in self.layers().items():
            layer.activation.observe(layer_inputs[name], counted)

    def extra_loss(self, td_loss: Tensor, weights: UpdateWeights) -> tuple[Tensor | None, Diagnostics]:
        """Ask for patterns that differ between types, until the masks are frozen."""
        return self._diversity(td_loss, weights.logits) if isinstance(weights, DrawnWeights) else (None, {})

    def advance(self, env_steps: int) -> list[str]:
        """Freeze when it is time, before that restart unused weights each interval."""
        self._env_steps = env_steps
        if self.frozen:
            return []
        lines = self._remember_when_due()
        if self._finetune_start <= env_steps and self.config.finetune_start_ratio < 1:
            return [*lines, self._freeze(env_steps)]
        if self._resets.ratio > 0 and env_steps - self._last_reset >= self._resets.interval:
            lines.append(self._reset_unused(env_steps))
        return lines

    def _reset_unused(self, env_steps: int) -> str:
        """Redraw a share of the weights that every mask drops."""
        layers = [layer for name, layer in self.layers().items() if name not in SPARED_LAYERS]
        reset = sum(layer.reset_unused(self._resets.ratio, self._mask_rng) for layer in layers)
        self._last_reset = env_steps
        self._acting = None
        return f"env_step {env_steps}: {reset} weights that every mask dropped were reset"

    def _remember_when_due(self) -> list[str]:
        """Keep a copy of all weights, of the mixer too, once the run has come to ``rewind_ratio``."""
        share = self.config.rewind_ratio
        if share is None or self._remembered is not None or self._env_steps < share * self.total_env_steps:
            return []
        self._remembered = {name: p.detach().clone() for name, p in self._rewindable().items()}
        return [f"env_step {self._env_steps}: weights remembered for the rewind"]

    def _rewindable(self) -> dict[str, Tensor]:
        """Every parameter but α, which no longer matters once masks are frozen."""
        net = {name: p for name, p in self.net.named_parameters() if not name.endswith("alpha")}
        return {**net, **{f"mixer.{name}": p for name, p in self.mixer.named_parameters()}}

    def _freeze(self, env_steps: int) -> str:
        """Rewind & finetune: masks as they are best now, a fresh optimiser at a lower rate, equal target networks."""
        layers = self.layers().values()
        overlap = sum(pattern_overlap(layer.chosen_patterns()) for layer in layers) / len(layers)
        for layer in layers:
            layer.freeze()
        rewound = ""
        if self._remembered is not None:
            with torch.no_grad():
                for name, p in self._rewindable().items():
                    p.copy_(self._remembered[name])
            self._remembered, rewound = None, ", weights rewound"
        self.optimizer.state.clear()
        rate = self.config.lr * self.config.finetune_lr_decay
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.synchronise_targets()
        self._acting = None
        return f"env_step {env_steps}: masks frozen (pattern overlap {overlap:.2f}){rewound}, finetuning at lr {rate:g}"

    def record_patterns(self) -> dict[str, PatternUse]:
        """How each layer's patterns are used now, and how many changed since the last call."""
        return {name: self.tracker.record(name, layer.chosen_patterns()) for name, layer in self.layers().items()}

    def diagnostics(self) -> dict[str, float]:
        """τ, and how the patterns in force are used; see ``describe_use``."""
        names = mask_group_names(self.spec, self.n_groups)
        return {"temperature": self.temperature(self._env_steps), **describe_use(self.record_patterns(), names)}

    def schedule(self) -> dict[str, float]:
        """QMIX's, the temperature's, the resets' and the freeze."""
        return {
            **super().schedule(),
            "anneal_end_step": self._anneal_end,
            "reset_interval": self._resets.interval,
            "reset_ratio": self._resets.ratio,
            "finetune_start_step": self._finetune_start,
        }

    def state_dict(self) -> dict[str, Any]:
        """QMIX's and that of the masks."""
        return {
            **super().state_dict(),
            "masks": self._mask_rng.get_state(),
            "coefficient": self._diversity.coefficient.state_dict(),
            "tracker": self.tracker.state_dict(),
            "last_reset": self._last_reset,
            "env_steps": self._env_steps,
            "remembered": copy.copy(self._remembered),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what ``state_dict`` gave."""
        super().load_state_dict(saved)
        self._mask_rng.set_state(saved["masks"].cpu())
        self._diversity.coefficient.load_state_dict(saved["coefficient"], self.device)
        self.tracker.load_state_dict(saved["tracker"])
        self._last_reset = saved["last_reset"]
        self._env_steps = saved["env_steps"]
        self._remembered = copy.copy(saved["remembered"])
