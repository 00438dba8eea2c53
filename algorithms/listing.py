"""Ids, summaries and presets of this package's algorithms, so that ``--help`` can list them without importing torch.

The rows themselves are registered in the algorithms' files, which take their summaries from here.
"""

from __future__ import annotations

SUMMARIES = {
    "qmix": "dense: one network shared by all agents, monotone value mixing",
    "kalei": "Kaleidoscope: unstructured masks by learnable thresholds, one per unit type",
    "k24": "K-2:4: learnable 2:4 semi-structured masks, one per unit type",
    "mappo": "dense, on-policy: a recurrent policy shared by all agents, a critic of the state (PPO)",
    "k24-with-ema": "control: K-2:4 whose scores count how strongly an input is used, EMA(|a|)",
    "k24-with-c": "control: K-2:4 with C, pattern orthogonality",
    "k24-with-resets": "control: K-2:4 with resets of unused weights",
    "k24-with-finetune": "control: K-2:4 whose masks freeze after 80% of the run",
    "k24-described": (
        "K-2:4 as first described: noise at full strength, best patterns in the target network, resets, a freeze"
    ),
    "k24-alpha-fixed": "control: K-2:4 whose α stays where it starts",
    "k24-magnitude-per-type": "control: straight-through 2:4 masks by EMA(|a|) · |W|, one per unit type",
    "k24-dense-first": "control: K-2:4 that is dense for the first fifth of the run, then starts α from evidence",
    "k24-wide": "control: K-2:4 with hidden 96 and the GRU masked, as many kept weights as 64 dense",
    "k24-gru": "control: K-2:4 with the GRU masked",
    "qmix-no-ids": "dense: QMIX whose agents do not see their number",
    "k24-magnitude": "control: the 2 largest weights of every 4, trained straight through (SR-STE)",
    "k24-static": "control: 2:4 masks drawn at random, one per unit type, never changed",
    "qmix-n-rnn": "dense: QMIX with PyMARL2's own network, one layer after the GRU",
    "qmix-per-type": "dense: QMIX with one network per unit type",
    "vdn": "dense: QMIX with a plain sum for a mixer",
    "vdn-n-rnn": "dense: VDN with PyMARL2's own network, one layer after the GRU",
}
"""id -> one line, in the order of the table."""

PRESETS = ("micro", "large", "mixed")
"""All classes of fights that some algorithm has a preset for."""
