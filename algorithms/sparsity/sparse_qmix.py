"""What every learner with masked layers repeats: its mask groups, its layers, resets, records of patterns, state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from algorithms.network.agent_net import mask_group_names
from algorithms.qmix import QMix
from algorithms.sparsity.resets import SPARED_LAYERS, ResetSchedule, resolve_resets
from algorithms.sparsity.tracker import LayerPatternTracker


class SparseQMix(QMix):
    """QMIX over masked layers, with a mask per unit type, or per agent below two types.

    A subclass makes the layers (``make_linear``) and decides what an update multiplies with (``update_weights``). If
    its unused weights are to be reset it sets ``per_type_resets``, has the settings ``reset_interval`` and
    ``reset_ratio``, and calls ``reset_unused`` when that is due; its layers then have a method
    ``reset_unused(ratio, generator)``.
    """

    per_type_resets: ResetSchedule | None = None
    """The published resets with a mask per unit type, the interval in env_steps of a 10.05M run; None: no resets."""
    resets: ResetSchedule
    """Those of this run, where there are any."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._mask_rng = self.generator("masks")
        self.last_reset = 0
        """env_steps of the last reset of unused weights"""
        if self.per_type_resets is not None:
            self.resets = resolve_resets(self.config, self.per_type_resets, self.spec, self.total_env_steps)

    @property
    def n_groups(self) -> int:
        """One mask per unit type, or per agent below two types."""
        return self.spec.n_mask_groups

    @property
    def grouped_gru(self) -> bool:
        """Whether the GRU's matrices are masked too, where the config has ``mask_gru``."""
        return bool(getattr(self.config, "mask_gru", False))

    @property
    def group_names(self) -> tuple[str, ...]:
        """What the mask groups are called."""
        return mask_group_names(self.spec, self.n_groups)

    def layers(self) -> Mapping[str, Any]:
        """Return the masked layers by name."""
        return self.net.prunable()

    def reset_unused(self, env_steps: int) -> str:
        """Redraw a share of the weights that every mask drops; returns a line for the log."""
        layers = [layer for name, layer in self.layers().items() if name not in SPARED_LAYERS]
        count = sum(layer.reset_unused(self.resets.ratio, self._mask_rng) for layer in layers)
        self.last_reset = env_steps
        self._forget_weights()
        return f"env_step {env_steps}: {count} weights that every mask dropped were reset"

    def schedule(self) -> dict[str, float]:
        found = super().schedule()
        if self.per_type_resets is not None:
            found |= {"reset_interval": self.resets.interval, "reset_ratio": self.resets.ratio}
        return found

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "masks": self._mask_rng.get_state(), "last_reset": self.last_reset}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        super().load_state_dict(saved)
        self._mask_rng.set_state(saved["masks"].cpu())
        self.last_reset = saved["last_reset"]


class Pattern24QMix(SparseQMix):
    """The same over 2:4 layers, which have a method ``chosen_patterns``: it records how their patterns are used."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tracker = LayerPatternTracker()

    def diagnostics(self) -> dict[str, float]:
        """Return QMIX's, and how the patterns in force are used; see ``LayerPatternTracker.record``."""
        chosen = {name: layer.chosen_patterns() for name, layer in self.layers().items()}
        return {**super().diagnostics(), **self.tracker.record(chosen, self.group_names)}

    def parts(self) -> dict[str, Any]:
        return {**super().parts(), "tracker": self.tracker}
