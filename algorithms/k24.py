"""K24 (K-2:4): QMIX whose agents share one network but mask it by unit type with learnable 2:4 patterns.

Two of every four consecutive inputs are kept, the shape that sparse tensor cores run. The description has three parts:

    A  heterogeneous score      S_k = EMA(|a|) · |W| · sigmoid(α_k)                    sparsity/linear24.py
    B  pattern projection       layer-normed scores · patternsᵀ, Gumbel-softmax         sparsity/pattern24.py
    C  pattern orthogonality    mean ⟨p_k, p_l⟩ over pairs of types, adaptive weight    sparsity/diversity.py

and three things happen on a schedule: the temperature falls, unused weights reset, and late in the run the masks are
frozen and the weights finetuned (rewind & finetune). Known as learner ``k24_nq_learner`` over ``K24_type_n_rnn_1R3``.
Parts and changes to them are fields of ``K24Config``; ``k24-described`` follows the description. ``k24`` itself was the
best of nine variants on terran, then of three on three races (``docs/results/k24_races.md``): its scores are
|W| · sigmoid(α_k), the best patterns multiply without noise, the gradient of every product passes to its weight, and
there is no EMA(|a|), no C, no reset and no freeze.

Built on Kaleidoscope (Li et al., NeurIPS 2024), whose four masked layers, adaptive coefficient and resets it keeps.
Values, losses, gradients and steps equal an independent implementation of this description, and the straight-through
gradient equals finite differences (``tests/algorithms/test_published_k24.py``). Further deviations from it:

- noise, where it is on, falls with the temperature, where plain Gumbel-softmax keeps it (``noise_anneal``);
- the target network multiplies under the update's draw, where the description takes its best patterns
  (``sampled_target``): those give larger values, which feed back until the run diverges;
- scores of a group are brought to a mean of 1 before the layer norm, whose eps would swallow small ones;
- the rewind, to a snapshot of the weights at the freeze, is off by default (``rewind_ratio``);
- ``mask_gru`` masks the GRU too; it is off by default;
- a dead unit keeps the mask of its type, and those of Kalei that concern the length of a run (see ``kalei.py``).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from algorithms.episode import EpisodeBatch
from algorithms.k24_config import K24Config
from algorithms.kernels.pattern_pass import compile_passes
from algorithms.network.agent_net import AgentNet
from algorithms.protocol import Diagnostics
from algorithms.q_learning.config import linear, scaled
from algorithms.q_learning.learner import UpdateWeights
from algorithms.qmix import SMOKE, SPACE
from algorithms.registry import PyMARLNames, register
from algorithms.sparsity.diversity import AdaptiveCoefficient, pattern_orthogonality
from algorithms.sparsity.linear24 import SemiStructuredLinear24
from algorithms.sparsity.pattern24 import gumbel_noise
from algorithms.sparsity.resets import ResetSchedule
from algorithms.sparsity.search_state import SEARCH_PANELS, SearchMeter
from algorithms.sparsity.sparse_qmix import Pattern24QMix
from algorithms.sparsity.tracker import pattern_overlap
from common.space import Choice

PER_TYPE = ResetSchedule(interval=500_000, ratio=0.2)
"""Resets of unused weights with a mask per unit type. Source: K24_args."""


__all__ = ["K24", "K24Config"]


@dataclass(frozen=True, kw_only=True)
class DrawnWeights(UpdateWeights):
    """What an update multiplies with while masks are searched."""

    logits: list[Tensor]
    """(K, out, ⌈in/4⌉, 6) of each masked layer, which its masks came from"""


class K24(Pattern24QMix):
    """QMIX over 2:4 layers."""

    config: K24Config
    per_type_resets = PER_TYPE

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._coefficient = AdaptiveCoefficient(self.config.div_coef, self.config.deque_len, self.device)
        self._anneal_end = scaled(self.config.anneal_end_step, self.total_env_steps)
        self._dense_end = round(self.config.dense_ratio * self.total_env_steps)
        self._finetune_start = round(self.config.finetune_start_ratio * self.total_env_steps)
        self._target_logits: dict[str, Tensor] | None = None
        self._remembered: dict[str, Tensor] | None = None
        self._meter = SearchMeter(self.layers())
        self._set_up_layers()
        self._set_up_rates()
        self._remember_when_due()

    def _set_up_layers(self) -> None:
        """Leave layers dense that are not masked, or not yet, and set the scale of the others' weights."""
        masked = self.layers()
        for net in (self.net, self.target_net):
            for name, layer in _all_layers(net).items():
                layer.dense = name not in masked or self._dense_end > 0
                if name in masked:
                    layer.scale_start(self.config.weight_init_scale)

    def _set_up_rates(self) -> None:
        """Give α and the masked weights their own learning rates; none to α where its scale is 0."""
        alphas = [p for name, p in self.net.named_parameters() if name.endswith("alpha")]
        for alpha in alphas:
            alpha.requires_grad_(self.config.alpha_lr_scale > 0)
        weights = [layer.weight for layer in self.layers().values()]
        scaled_apart = ((alphas, self.config.alpha_lr_scale), (weights, self.config.weight_lr_scale))
        groups: list[dict[str, Any]] = [
            {"params": own, "lr": self.config.lr * scale} for own, scale in scaled_apart if scale not in (0, 1)
        ]
        if groups:
            apart = {id(p) for group in groups for p in group["params"]}
            others = [p for p in self.parameters if id(p) not in apart]
            self.optimizer = torch.optim.Adam([{"params": others}, *groups], lr=self.config.lr, fused=True)

    @property
    def frozen(self) -> bool:
        """Whether the masks are fixed for good; the layers know, and freeze together."""
        return self.layers()["fc2"].frozen

    @property
    def dense(self) -> bool:
        """Whether nothing is masked yet; the layers know, and change together."""
        return self.layers()["fc2"].dense

    @property
    def searching(self) -> bool:
        """Whether masks are in force and still change."""
        return not (self.dense or self.frozen)

    @property
    def wants_input_use(self) -> bool:
        """Whether the score counts input magnitudes, which matter until the masks are frozen."""
        return self.config.score_activation and not self.frozen

    def make_linear(self, in_features: int, out_features: int) -> SemiStructuredLinear24:
        return SemiStructuredLinear24(in_features, out_features, self.n_groups, self.config, self._init_rng)

    def layers(self) -> dict[str, SemiStructuredLinear24]:
        """Return the masked layers by name."""
        left_out = {"fc1": not self.config.mask_fc1, self.net.head[-1]: not self.config.mask_head}
        return {name: getattr(self.net, name) for name in self.net.prunable() if not left_out.get(name)}

    def compile(self) -> None:
        super().compile()
        if self._compiled:
            compile_passes()

    def temperature(self, env_steps: int) -> float:
        """Return τ of the Gumbel-softmax after this many env_steps."""
        config = self.config
        if config.sharpness_init is None:
            return linear(config.temperature_init, config.temperature_min, self._anneal_end, env_steps)
        length = config.sharpness_ramp * self.total_env_steps
        return config.temperature_init / linear(config.sharpness_init, config.sharpness_final, length, env_steps)

    def noise_scale(self, env_steps: int) -> float:
        """Return the size of the Gumbel noise, 1 at full strength: patterns are drawn from softmax(logits / this)."""
        if not (self.config.noise and self.searching):
            return 0.0
        return self.temperature(env_steps) / self.config.temperature_init if self.config.noise_anneal else 1.0

    def update_weights(self, env_steps: int) -> UpdateWeights:
        """Decide the masks for the whole unroll: drawn with noise, without it the best ones or those held.

        With noise the target network multiplies under the same draw (``sampled_target``), so that both networks' values
        are of one size. Before the masks are in force, and once they are frozen, there is nothing to decide.
        """
        if not self.searching:
            return super().update_weights(env_steps)
        layers = self.layers()
        if self.config.hold_updates and self.updates % self.config.hold_updates == 0:
            for layer in layers.values():
                layer.hold(self.config.hold_margin)
        temperature, scale = self.temperature(env_steps), self.noise_scale(env_steps)
        logits = {name: layer.logits() for name, layer in layers.items()}
        noise = {name: scale * gumbel_noise(each, self._mask_rng) for name, each in logits.items() if scale > 0}
        whole = {name: each.effective_weights() for name, each in self.net.prunable().items() if name not in layers}
        online = whole | {
            name: layer.sampled_weights(logits[name], temperature, noise.get(name)) for name, layer in layers.items()
        }
        sampled = noise and self.config.sampled_target
        target = self._drawn_target(noise) if sampled else self.target_weights()
        return DrawnWeights(online=online, target=target, logits=list(logits.values()))

    def _drawn_target(self, noise: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The target network's weights under this noise; its logits stay the same until the next copy."""
        if self._target_logits is None:
            layers = _all_layers(self.target_net)
            self._target_logits = {name: layers[name].logits().detach() for name in noise}
        return _drawn_weights(self.target_net, self._target_logits, noise)

    def inspect_batch(self, batch: EpisodeBatch) -> None:
        """Measure the size of values once after each evaluation."""
        if self._meter.wants_values:
            self._meter.measure_values(self.net, self.net.pack(batch), self._weights_to_measure())

    def observe_inputs(self, sums: dict[str, Tensor], rows: Tensor) -> None:
        for name, layer in self.layers().items():
            layer.activation.observe(sums[name], rows)

    @torch.no_grad()
    def _weights_to_measure(self) -> dict[str, dict[str, Tensor]]:
        """Those under the best patterns and, where there is noise, under a draw, which the run does not notice."""
        weights = {"best": self.net.effective_weights()}
        scale = self.noise_scale(self.env_steps)
        if scale > 0:
            again = torch.Generator()
            again.set_state(self._mask_rng.get_state())
            logits = {name: layer.logits() for name, layer in self.layers().items()}
            noise = {name: scale * gumbel_noise(each, again) for name, each in logits.items()}
            weights["drawn"] = _drawn_weights(self.net, logits, noise)
        return weights

    def extra_loss(self, td_loss: Tensor, weights: UpdateWeights) -> tuple[Tensor | None, Diagnostics]:
        """Ask for patterns that differ between types, while masks are searched and that has a weight."""
        if not isinstance(weights, DrawnWeights) or self.config.div_coef == 0:
            return None, {}
        return self._coefficient(td_loss, pattern_orthogonality(weights.logits))

    def advance(self, env_steps: int) -> list[str]:
        """Mask when the dense part is over, freeze when it is time, between them reset unused weights."""
        lines = super().advance(env_steps)
        if self.frozen:
            return lines
        lines += self._remember_when_due()
        if self.dense:
            return [*lines, self._end_dense(env_steps)] if self._dense_end <= env_steps else lines
        if self._finetune_start <= env_steps and self.config.finetune_start_ratio < 1:
            return [*lines, self._freeze(env_steps)]
        if self.resets.ratio > 0 and env_steps - self.last_reset >= self.resets.interval:
            self._meter.keep_gradients()
            lines.append(self.reset_unused(env_steps))
        return lines

    def synchronise_targets(self) -> None:
        super().synchronise_targets()
        self._target_logits = None

    def _end_dense(self, env_steps: int) -> str:
        """Put the masks in force, in the target network too."""
        self._meter.keep_gradients()
        for layer in self.layers().values():
            if self.config.alpha_evidence:
                layer.start_from_evidence()
            layer.dense = False
        self.synchronise_targets()
        self.last_reset = env_steps
        self._forget_weights()
        return f"env_step {env_steps}: 2:4 masks in force"

    def _remember_when_due(self) -> list[str]:
        """Keep a copy of all weights, of the mixer too, once the run has come to ``rewind_ratio``."""
        share = self.config.rewind_ratio
        if share is None or self._remembered is not None or self.env_steps < share * self.total_env_steps:
            return []
        self._remembered = {name: p.detach().clone() for name, p in self._rewindable().items()}
        return [f"env_step {self.env_steps}: weights remembered for the rewind"]

    def _rewindable(self) -> dict[str, Tensor]:
        """Every parameter but α, which no longer matters once masks are frozen."""
        net = {name: p for name, p in self.net.named_parameters() if not name.endswith("alpha")}
        return {**net, **{f"mixer.{name}": p for name, p in self.mixer.named_parameters()}}

    def _freeze(self, env_steps: int) -> str:
        """Rewind & finetune: masks as they are best now, a fresh optimiser at a lower rate, equal target networks."""
        self._meter.keep_gradients()
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
        if not self.config.finetune_keeps_optimizer:
            self.optimizer.state.clear()
        for group in self.optimizer.param_groups:
            group["lr"] *= self.config.finetune_lr_decay
        rate = self.config.lr * self.config.finetune_lr_decay
        self.synchronise_targets()
        self._forget_weights()
        return f"env_step {env_steps}: masks frozen (pattern overlap {overlap:.2f}){rewound}, finetuning at lr {rate:g}"

    def diagnostics(self) -> dict[str, float]:
        """Return QMIX's, how patterns are used, τ, and how their search goes (``SearchMeter``).

        ``q_best`` and ``q_drawn``, mean |Q| of legal actions under the best patterns and under a draw, are those of the
        first update after the call before.
        """
        temperature = {"temperature": self.temperature(self.env_steps)}
        return {**super().diagnostics(), **temperature, **self._meter.describe(self.noise_scale(self.env_steps))}

    def schedule(self) -> dict[str, float]:
        return {
            **super().schedule(),
            "anneal_end_step": self._anneal_end,
            "dense_end_step": self._dense_end,
            "finetune_start_step": self._finetune_start,
        }

    def parts(self) -> dict[str, Any]:
        return {**super().parts(), "coefficient": self._coefficient}

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "remembered": copy.copy(self._remembered), **self._meter.state_dict()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        super().load_state_dict(saved)
        self._target_logits = None
        self._remembered = copy.copy(saved["remembered"])
        self.optimizer.zero_grad(set_to_none=True)  # of updates that the loaded state has not made
        self._meter.load_state_dict(saved)


def _all_layers(net: AgentNet) -> dict[str, SemiStructuredLinear24]:
    """The layers that masks may cover, by name, whether they do or not."""
    return {name: getattr(net, name) for name in net.prunable()}


@torch.no_grad()
def _drawn_weights(net: AgentNet, logits: Mapping[str, Tensor], noise: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Layer name -> (K, out, in) under the masks that the noise draws; layers without noise as they act."""
    return {
        name: layer.drawn_weights(logits[name] + noise[name]) if name in noise else layer.effective_weights()
        for name, layer in _all_layers(net).items()
    }


register(
    "k24",
    entry_point=K24,
    config=K24Config,
    source="this project, on Kaleidoscope (NeurIPS 2024); the masks suit sparse tensor cores",
    smoke=SMOKE,
    space={**SPACE, "alpha_lr_scale": Choice(values=(1.0, 10.0)), "decay": Choice(values=(0.0, 2e-4, 2e-3))},
    panels=SEARCH_PANELS,
    pymarl=PyMARLNames(
        learner="k24_nq_learner",
        mac=("Kalei_type_n_mac",),
        agent=("K24_type_n_rnn_1R3",),
        block="K24_args",
        aliases=("k24_nq_learner", "K24_qmix_rnn_1R3"),
        parts={
            "K24_type_n_rnn_1R3": "algorithms.network.agent_net:AgentNet",
            "K24_type_NRNNAgent_1R3": "algorithms.network.agent_net:AgentNet",
            "k24_nq_learner": "algorithms.k24:K24",
            "K24_qmix_rnn_1R3": "algorithms.k24:K24Config",
            "K24_args": "algorithms.k24:K24Config",
            "SemiStructuredLinear24": "algorithms.sparsity.linear24:SemiStructuredLinear24",
            "Pattern24Matrix": "algorithms.sparsity.pattern24:Pattern24Matrix",
            "EMAActivationTracker": "algorithms.sparsity.linear24:EMAActivationTracker",
            "PatternOrthogonalityLoss": "algorithms.sparsity.diversity:pattern_orthogonality",
            "K24DiversityManager": "algorithms.sparsity.diversity:AdaptiveCoefficient",
            "LayerPatternTracker": "algorithms.sparsity.tracker:LayerPatternTracker",
        },
    ),
)
