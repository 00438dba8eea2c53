"""Batches in forked children and in several Python threads, each in a process of its own."""

from __future__ import annotations

import pytest

from tests.programs import output_of

PLAY = """
import multiprocessing, sys, threading
import numpy as np
import envs

def play(seed=0):
    batch = envs.make("3m", 8, seed=seed)
    batch.reset()
    for _ in range(50):
        batch.step(batch.action_mask.argmax(-1))
    return float(batch.obs.sum()), int(batch.battle_id.sum())
"""
FORKED = """
here = play()
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(play, [0, 0]) == [here, here]
"""
TORCH_FIRST = """
import torch
torch.set_num_threads(2)
(torch.ones(600, 600) @ torch.ones(600, 600)).sum()
with multiprocessing.get_context("fork").Pool(1) as pool:
    there = pool.map(play, [0])
assert there == [play()]
"""
LATE = PLAY.replace("import envs\n", "").replace("    batch = envs", "    import envs\n    batch = envs")
"""The package is first imported by the forked child."""
IN_THREADS = """
alone, found = [play(seed) for seed in range(4)], {}
threads = [threading.Thread(target=lambda seed=seed: found.update({seed: play(seed)})) for seed in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert [found[seed] for seed in range(4)] == alone
"""
LAYER = """
import numba
assert numba.threading_layer() == sys.argv[1], numba.threading_layer()
"""


@pytest.mark.parametrize("layer", ["omp", "workqueue"])
@pytest.mark.parametrize(
    "program",
    [PLAY + FORKED, PLAY + TORCH_FIRST, LATE + TORCH_FIRST, PLAY + IN_THREADS],
    ids=["forked", "forked after torch", "forked before the import", "threads"],
)
def test_batches_are_played(program: str, layer: str) -> None:
    words, threads = ["-c", program + LAYER + "print('played')", layer], dict(NUMBA_NUM_THREADS="2")
    assert output_of(*words, timeout=600, NUMBA_THREADING_LAYER=layer, **threads) == "played\n"
