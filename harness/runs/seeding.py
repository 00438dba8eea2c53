"""One run seed becomes independent seeds, one for each named purpose."""

from __future__ import annotations

import hashlib

import numpy as np

PURPOSES = ("env", "algorithm", "replay", "evaluation", "final_evaluation", "throughput", "bootstrap", "search")

_WORD = 2**32


def derive_seed(run_seed: int, purpose: str, *parts: int | str) -> int:
    """A seed for one purpose that shares no randomness with any other purpose.

    Args:
        run_seed: the seed a user names on the command line, 0 or more.
        purpose: one of ``PURPOSES``.
        parts: what else the seed depends on, for example the scenario or the number of the evaluation. What is left
            out is shared: evaluation seeds leave the algorithm out, so that all algorithms meet the same battles.

    Returns:
        An integer in 0 .. 2**32 - 1.

    Raises:
        ValueError: a negative run seed or an unknown purpose.
    """
    if run_seed < 0:
        raise ValueError(f"run seed {run_seed} is negative; seeds start at 0")
    if purpose not in PURPOSES:
        raise ValueError(f"unknown seed purpose {purpose!r}; known: {', '.join(PURPOSES)}")
    entropy = [run_seed, _word(purpose), *(_word(part) for part in parts)]
    if entropy[-1] == 0 or max(entropy) >= _WORD:
        # numpy pads with zeros and splits large numbers, so these would share their seed with others; all other seeds
        # stay as they were when published runs were made
        digest = hashlib.sha256(repr(entropy).encode()).digest()
        entropy = np.frombuffer(digest, "<u4").tolist()
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint32)[0])


def bootstrap_generator(*names: int | str) -> np.random.Generator:
    """A generator for the resamples of a statistic; the same names draw the same resamples."""
    return np.random.default_rng(derive_seed(0, "bootstrap", *names))


def _word(part: int | str) -> int:
    """Names by digest: Python's own ``hash`` of a string changes from process to process."""
    if isinstance(part, int):
        return part
    return int.from_bytes(hashlib.sha256(part.encode()).digest()[:4], "little")
