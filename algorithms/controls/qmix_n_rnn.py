"""QMIX with the network of PyMARL2, ``n_rnn``: one layer after the GRU, where Kaleidoscope's ``n_rnn_1R3`` has three.

The settings in the fork of SMACv2's authors name it (benellis3/pymarl2, ``src/config/algs/qmix.yaml``; quoted in
oxwhirl/smacv2, issue 18), so this is the learner to lay beside their curves. The comparison's ``qmix`` has the network
that Kaleidoscope prunes: dense and sparse differ in nothing but their masks.
"""

from __future__ import annotations

from dataclasses import dataclass

from algorithms.qmix import QMix, QMixConfig


@dataclass(frozen=True, kw_only=True)
class QMixNRnnConfig(QMixConfig):
    """Settings of QMIX."""


class QMixNRnn(QMix):
    """QMIX as it is, over the shallower network."""

    config: QMixNRnnConfig

    @property
    def head_layers(self) -> int:
        """Q follows the GRU at once."""
        return 1
