"""Packed episodes: nothing is lost, and memory is used again instead of growing."""

import dataclasses

import numpy as np
import pytest

from algorithms.episode import Episode
from algorithms.replay.packing import BlockQueue, EpisodeLayout
from tests.algorithms.worlds import SPEC, episode


def packed_and_back(original: Episode) -> dict[str, np.ndarray]:
    layout = EpisodeLayout.of(original)
    size, arrays = layout.pack(original)
    memory = np.full(layout.nbytes(size), 0xFF, np.uint8)
    views = layout.views(memory, size)
    for name, view in views.items():
        view[...] = arrays[name]
    return layout.views(memory.copy(), size)


def dense(views: dict[str, np.ndarray], name: str, width: int) -> np.ndarray:
    """Row by row, value by value."""
    out = np.zeros((len(views[f"{name}_counts"]), width), np.float32)
    entries = zip(views[f"{name}_columns"], views[f"{name}_values"], strict=True)
    for row, count in enumerate(views[f"{name}_counts"]):
        for _ in range(count):
            column, value = next(entries)
            out[row, column] = value
    assert next(entries, None) is None
    return out


def sparse_episode(steps: int = 7) -> Episode:
    rng = np.random.default_rng(3)
    made = episode(rng, steps)
    made.obs[rng.random(made.obs.shape) < 0.7] = 0
    made.obs[0, 0, :3] = (-0.0, np.float32(1e-45), -1.5)
    made.state[2:4] = 0  # rows without any value
    return made


def test_what_is_packed_comes_back_bit_for_bit() -> None:
    original = sparse_episode()
    views = packed_and_back(original)
    obs = dense(views, "obs", SPEC.n_agents * SPEC.obs_size)
    assert obs.tobytes() == original.obs.tobytes(), "negative zeros and the smallest numbers included"
    assert dense(views, "state", SPEC.state_size).tobytes() == original.state.tobytes()
    for name in ("action_mask", "actions", "reward", "unit_type"):
        np.testing.assert_array_equal(views[name], getattr(original, name))
    assert views["ending"].tolist() == [original.terminated, original.truncated]


def test_only_values_cost_memory() -> None:
    full = episode(np.random.default_rng(0), 7)
    empty = dataclasses.replace(full, obs=np.zeros_like(full.obs), state=np.zeros_like(full.state))
    layout = EpisodeLayout.of(full)
    sizes = [layout.pack(each)[0] for each in (full, empty)]
    assert sizes[1].obs_values == sizes[1].state_values == 0
    numbers = full.obs.size + full.state.size
    assert layout.nbytes(sizes[0]) - layout.nbytes(sizes[1]) == 6 * numbers, "four bytes a value, two a column"


def test_a_wide_world_has_wide_columns() -> None:
    rng = np.random.default_rng(0)
    made = episode(rng, 2)
    wide = np.zeros((3, 70_000), np.float32)
    wide[1, 69_999] = 2.5
    views = packed_and_back(dataclasses.replace(made, state=wide))
    assert np.array_equal(dense(views, "state", 70_000), wide)


@pytest.mark.parametrize("block_bytes", [64, 1000, 1 << 20])
def test_records_keep_their_bytes_and_blocks_are_used_again(block_bytes: int) -> None:
    """Records of changing size through a queue that holds 10: what was written is there until it leaves."""
    rng, queue, held = np.random.default_rng(0), BlockQueue(block_bytes), []
    most = 0
    for number in range(2000):
        if len(held) == 10:
            record, content = held.pop(0)
            assert (record == content).all()
            queue.popleft()
        record = queue.append(int(rng.integers(1, 200)))
        assert record.ctypes.data % 8 == 0, "so that every array in it is aligned"
        record[:] = number % 251
        held.append((record, number % 251))
        if number == 1000:
            most = queue.nbytes
    assert queue.nbytes <= most + 200, "memory does not grow once the queue is full"


def test_an_emptied_queue_goes_on_in_the_same_memory() -> None:
    queue = BlockQueue(100)
    for _ in range(50):
        queue.append(60)
        queue.popleft()
    assert queue.nbytes == 100
    assert queue.append(300).nbytes == 300
    assert queue.nbytes == 400
