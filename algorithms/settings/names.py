"""The names that users of PyMARL, Kaleidoscope and K24 already know, and where they are found here."""

from __future__ import annotations

import difflib
from typing import Any

from algorithms.registry import load

KNOWN_AS = {
    # agents: one class, told apart by the layers it is given
    "n_rnn_1R3": "algorithms.q_learning.agent_net:AgentNet",
    "Kalei_type_n_rnn_1R3": "algorithms.q_learning.agent_net:AgentNet",
    "K24_type_n_rnn_1R3": "algorithms.q_learning.agent_net:AgentNet",
    "NRNNAgent_1R3": "algorithms.q_learning.agent_net:AgentNet",
    "Kalei_type_NRNNAgent_1R3": "algorithms.q_learning.agent_net:AgentNet",
    "K24_type_NRNNAgent_1R3": "algorithms.q_learning.agent_net:AgentNet",
    # controllers: which mask an agent uses
    "n_mac": "algorithms.q_learning.agent_net:mask_groups",
    "Kalei_type_n_mac": "algorithms.q_learning.agent_net:mask_groups",
    # learners
    "nq_learner": "algorithms.qmix:QMix",
    "Kalei_nq_learner": "algorithms.kalei:Kalei",
    "k24_nq_learner": "algorithms.k24:K24",
    "NQLearner": "algorithms.qmix:QMix",
    "Kalei_NQLearner": "algorithms.kalei:Kalei",
    # mixers
    "nmix": "algorithms.q_learning.mixer:QMixer",
    "VDNMixer": "algorithms.controls.vdn:VDNMixer",
    # settings
    "qmix_rnn_1R3": "algorithms.qmix:QMixConfig",
    "Kalei_qmix_rnn_1R3": "algorithms.kalei:KaleiConfig",
    "Kalei_args": "algorithms.kalei:KaleiConfig",
    "K24_qmix_rnn_1R3": "algorithms.k24:K24Config",
    "K24_args": "algorithms.k24:K24Config",
    # parts
    "KaleiLinear": "algorithms.sparsity.threshold:KaleiLinear",
    "SemiStructuredLinear24": "algorithms.sparsity.linear24:SemiStructuredLinear24",
    "Pattern24Matrix": "algorithms.sparsity.pattern24:Pattern24Matrix",
    "EMAActivationTracker": "algorithms.sparsity.activation:EMAActivationTracker",
    "PatternOrthogonalityLoss": "algorithms.sparsity.diversity:PatternOrthogonalityLoss",
    "K24DiversityManager": "algorithms.sparsity.diversity:K24DiversityManager",
    "LayerPatternTracker": "algorithms.sparsity.tracker:LayerPatternTracker",
}
"""Known name -> ``module:attribute``."""


ALGORITHMS = {
    "nq_learner": "qmix",
    "qmix_rnn_1R3": "qmix",
    "Kalei_nq_learner": "kalei",
    "Kalei_qmix_rnn_1R3": "kalei",
    "k24_nq_learner": "k24",
    "K24_qmix_rnn_1R3": "k24",
}
"""Names of learners and of their settings -> the registered algorithm; ``--algos`` takes them too."""


def resolve(name: str) -> Any:
    """Import what a known name stands for.

    Raises:
        ValueError: the name is unknown; near matches are named.
    """
    if name not in KNOWN_AS:
        near = difflib.get_close_matches(name, KNOWN_AS, n=3, cutoff=0.5) or sorted(KNOWN_AS)
        raise ValueError(f"unknown name {name!r}; did you mean {' or '.join(near)}?")
    return load(KNOWN_AS[name])
