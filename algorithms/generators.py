"""Every random draw has an owner: one generator per purpose, all derived from the run's seed."""

from __future__ import annotations

import zlib

import numpy as np
import torch


def generator(seed: int, purpose: str) -> torch.Generator:
    """Make the CPU generator that one purpose of one run draws from.

    Draws are made on the CPU and moved, so that the numbers do not depend on the device.

    Args:
        seed: the run's seed, 0 or larger.
        purpose: what the draws are for, for example ``"parameters"``; two purposes never share a stream.
    """
    words = np.random.SeedSequence([seed, zlib.crc32(purpose.encode())]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(words[0] >> np.uint64(1)))
