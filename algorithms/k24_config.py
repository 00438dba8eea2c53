"""K24's settings, each with its meaning, unit and source."""

from __future__ import annotations

from dataclasses import dataclass

from algorithms.qmix import QMixConfig
from algorithms.sparsity.resets import require_reset_settings
from common.values import require


@dataclass(frozen=True, kw_only=True)
class K24Config(QMixConfig):
    """Settings of K24: those of QMIX and those of its masks (``K24_args``, K24_qmix_rnn_1R3.yaml).

    Each change to the description is one field or two. The defaults are those that a comparison on three races
    chose (``docs/results/k24_protocol.md``); ``k24-described`` has the description's.

    Raises:
        ValueError: a value is out of its range, or two values contradict each other.
    """

    temperature_init: float = 5.0
    """Temperature τ of the softmax over patterns at the start; without noise it shapes the gradient only. Source:
    K24_args."""
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
    noise: bool = False
    """Draw the masks with Gumbel noise in training (K24's description). False: the best patterns multiply, and the
    softmax over patterns still gives the gradient. Source: this project; in MaskLLM (arXiv 2409.17481) the best pattern
    has a chance of 0.74 from the start."""
    sharpness_init: float | None = None
    """κ at the start where the anneal is linear in the sharpness κ = temperature_init / τ instead of in τ; then
    ``temperature_min`` and ``anneal_end_step`` have no meaning; about 3 gives the best pattern a chance of 0.8. None:
    linear in τ. Source: MaskLLM, whose ramp is linear in κ."""
    sharpness_final: float = 15.0
    """κ after that ramp. Source: this project."""
    sharpness_ramp: float = 0.25
    """Share of the run that the ramp of κ takes. Source: this project."""
    straight_through: bool = True
    """Pass the gradient of every product to its weight, kept or dropped, summed over types, and let α learn from the
    masks' gradient alone. False: weights that a type drops learn through the score only (K24's description). Source:
    SR-STE (arXiv 2102.04010); STEP (2302.01172)."""
    decay: float = 2e-4
    """With ``straight_through``: λ_w, decay of weights that every type drops, added to their gradient per unit of
    weight. Source: SR-STE."""
    continuous: bool = False
    """Multiply with soft-thresholded weights, which do not jump when patterns change, times a factor fixed at the start
    for each layer. Needs ``straight_through``, no noise, no held masks, no freeze. Source: S-STE (arXiv 2409.09099)."""
    hold_updates: int = 0
    """Updates for which masks are held before they are chosen again; 0: they follow the scores at each update. Needs
    no noise. Source: this project; STEP and CAST (2509.25996) fix or slow masks as well."""
    hold_margin: float = 0.05
    """How much better a pattern's score must be to replace the held one, as a share of it. Source: this project."""
    dense_ratio: float = 0.0
    """Share of the run, at its start, for which all weights are used and nothing is masked. Source: STEP."""
    alpha_evidence: bool = False
    """At the end of the dense part, start α from each type's mean |W · gradient|: sigmoid(α) is half of it relative to
    the types' average, 0.05..0.95. Source: this project; the saliency is that of Molchanov et al., CVPR 2019."""
    div_coef: float = 0.0
    """Size of the orthogonality term relative to the TD loss. Source: this project; K24_args: 0.1."""
    deque_len: int = 100
    """Updates over which that relation is averaged. Source: Kaleidoscope."""
    reset_interval: int | None = None
    """env_steps of a 10.05M run between resets of unused weights; None: 500_000 (K24_args), or 10_000 of any run
    where masks are per agent (see ``sparsity/resets.py``)."""
    reset_ratio: float | None = 0.0
    """Share of the unused weights that resets, 0..1 (0: never); None: 0.2 (K24_args), or 0.1 where masks are per
    agent. Source: this project."""
    finetune_start_ratio: float = 1.0
    """Share of the run after which masks freeze; 1 means never. Source: this project; K24_args: 0.8."""
    finetune_lr_decay: float = 0.9
    """Factor on the learning rate from then on. Source: K24_args."""
    finetune_keeps_optimizer: bool = False
    """Keep Adam's averages at the freeze. False: start them again. Source: this project."""
    rewind_ratio: float | None = None
    """Share of the run, before ``finetune_start_ratio``, at which all weights are remembered; when the masks freeze
    they return to these values. None: they stay as they are. Source: Frankle et al., ICML 2020 (arXiv 1912.05671)."""
    mask_gru: bool = False
    """Keep 2 of 4 in the GRU's two matrices as well, which hold most of the multiplications. Source: this project."""
    mask_fc1: bool = True
    """Mask the first layer. Source: Kaleidoscope; False: this project."""
    mask_head: bool = True
    """Mask the last layer, which gives the Q-values. Source: Kaleidoscope; False: this project."""
    score_activation: bool = False
    """Whether a weight's score counts how strongly its input is used: the factor EMA(|a|). Source: this project; K24's
    description: True."""
    score_alpha: bool = True
    """Whether it counts what each unit type has learned: the factor sigmoid(α_k), without which types share one mask
    (unless ``ema_per_type`` separates them). Source: K24."""
    alpha_init_std: float = 0.1
    """α starts at N(0, this²): a spread that lets types part. Source: this project."""
    alpha_lr_scale: float = 1.0
    """Learning rate of α as a multiple of ``lr``; 0: α stays as it starts. Source: this project; MaskLLM learns masks
    at ten times the rate."""
    weight_init_scale: float = 1.0
    """Factor on the initial weights of masked layers, which gives back the signal that masks take: 1.12 for the best
    patterns, which keep 0.8 of the squared weights, 1.41 for random ones. Source: SμPar (arXiv 2405.15743)."""
    weight_lr_scale: float = 1.0
    """Learning rate of the weights of masked layers as a multiple of ``lr``; 2 lets the values of a layer move as fast
    as without masks, which leave half as many weights to move. Source: SμPar, 1 / density for Adam."""
    ema_momentum: float = 0.99
    """Weight of the past in the mean input magnitudes, per update, 0..1. Source: this project."""
    ema_per_type: bool = False
    """Track input magnitudes per unit type instead of over all of them. Source: this project."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("anneal_end_step", "deque_len"):
            require(self, name, getattr(self, name) >= 1, "at least 1")
        for name in ("div_coef", "alpha_init_std", "alpha_lr_scale", "decay", "hold_updates", "hold_margin"):
            require(self, name, getattr(self, name) >= 0, "0 or larger")
        for name in ("weight_init_scale", "weight_lr_scale"):
            require(self, name, getattr(self, name) > 0, "larger than 0")
        require_reset_settings(self)
        require(self, "ema_momentum", 0 <= self.ema_momentum < 1, "at least 0 and below 1")
        self._check_anneal()
        self._check_forms()
        self._check_phases()

    def _check_anneal(self) -> None:
        require(self, "temperature_init", self.temperature_init > 0, "larger than 0")
        fits = 0 < self.temperature_min <= self.temperature_init
        require(self, "temperature_min", fits, f"larger than 0 and at most temperature_init ({self.temperature_init})")
        start = self.sharpness_init
        require(self, "sharpness_init", start is None or 0 < start <= self.sharpness_final, _UP_TO_FINAL)
        require(self, "sharpness_final", self.sharpness_final > 0, "larger than 0")
        require(self, "sharpness_ramp", 0 < self.sharpness_ramp <= 1, "larger than 0 and at most 1")

    def _check_forms(self) -> None:
        """Which forms of masks go together."""
        plain = self.straight_through and not self.noise and not self.hold_updates and self.finetune_start_ratio == 1
        needs = "straight_through=true, noise=false, hold_updates=0 and finetune_start_ratio=1"
        require(self, "continuous", plain or not self.continuous, f"false, or go with {needs}")
        require(self, "hold_updates", not (self.hold_updates and self.noise), "0, or go with noise=false")
        learns = self.score_alpha and self.dense_ratio > 0
        needs = "score_alpha=true and a dense_ratio above 0"
        require(self, "alpha_evidence", learns or not self.alpha_evidence, f"false, or go with {needs}")

    def _check_phases(self) -> None:
        """Dense, then masked, then frozen."""
        for name in ("finetune_start_ratio", "finetune_lr_decay"):
            require(self, name, 0 < getattr(self, name) <= 1, "larger than 0 and at most 1")
        before = 0 <= self.dense_ratio < self.finetune_start_ratio
        limit = f"finetune_start_ratio ({self.finetune_start_ratio})"
        require(self, "dense_ratio", before, f"at least 0 and below {limit}")
        rewinds = self.rewind_ratio is None or 0 <= self.rewind_ratio < self.finetune_start_ratio < 1
        require(self, "rewind_ratio", rewinds, f"at least 0 and below {limit}, which is below 1; or None")


_UP_TO_FINAL = "larger than 0 and at most sharpness_final, or None"
