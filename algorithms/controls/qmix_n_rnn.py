"""QMIX with the network of PyMARL2, ``n_rnn``: one layer after the GRU, where Kaleidoscope's ``n_rnn_1R3`` has three.

The published runs of SMACv2's authors logged their settings (benellis3/pymarl2, ``results_smac2_unit_ranges``): this
network, and every other setting as the defaults here, with four battles side by side where the harness has eight. So
this is the learner to lay beside their curves. The comparison's ``qmix`` has the network that Kaleidoscope prunes:
dense and sparse differ in nothing but their masks.
"""

from __future__ import annotations

from algorithms.qmix import QMix
from algorithms.registry import PyMARLNames, register


class QMixNRnn(QMix):
    """QMIX as it is, over the shallower network."""

    head_layers = 1


register(
    "qmix-n-rnn",
    base="qmix",
    entry_point=QMixNRnn,
    source="Hu et al., arXiv 2102.03479 (PyMARL2)",
    pymarl=PyMARLNames(learner="nq_learner", mac=("n_mac",), agent=("n_rnn",)),
)
