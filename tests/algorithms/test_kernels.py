"""The compiled passes equal PyTorch's operations: values, losses, gradients, use of inputs, acting."""

from __future__ import annotations

import dataclasses
import multiprocessing
import threading
from typing import Any

import numba
import numpy as np
import pytest
import torch

from algorithms.kernels import agent_pass, blocks, simd
from algorithms.kernels.batch import KernelBatch
from algorithms.kernels.simd import make_elementwise, make_tile
from algorithms.kernels.threads import parallel_for
from algorithms.kernels.tiles import pack, times
from algorithms.network.agent_net import mask_groups
from algorithms.q_learning.learner import QLearner
from algorithms.q_learning.mixer import QMixer
from algorithms.qmix import QMix
from tests.algorithms.plain import part_targets
from tests.algorithms.worlds import ALL_PARTS, SPEC, batch, learner

TOLERANCE = 3e-5
"""Of the largest gradient of a parameter: both ways round sums of some hundred float32 terms."""


class PlainLearner:
    """Makes a learner work with PyTorch's operations."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, made: QLearner) -> None:
        compiled = type(made)._compiled.fget
        monkeypatch.setattr(type(made), "_compiled", property(lambda self: self is not made and compiled(self)))


@pytest.mark.parametrize(
    ("id", "changes"),
    [
        ("qmix", {}),
        ("qmix", {"bootstrap_at_limit": True}),
        ("qmix", {"rnn_hidden_dim": 20, "mixing_embed_dim": 5, "hypernet_embed": 9}),
        ("qmix", {"obs_last_action": False, "obs_agent_id": False}),
        ("vdn", {}),
        ("qmix-n-rnn", {}),
        ("qmix-per-type", {}),
        ("kalei", {}),
        ("k24", {}),
        ("k24", ALL_PARTS),
        ("k24", {"mask_gru": True}),
    ],
)
def test_updates_equal_those_of_torch(id: str, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made, plain = learner(id, **changes), learner(id, **changes)
    PlainLearner(monkeypatch, plain)
    assert made._compiled
    assert not plain._compiled
    part_targets(made)
    part_targets(plain)
    for seed in range(3):
        episodes = batch(seed)
        ours, theirs = made.update(episodes, 0), plain.update(episodes, 0)
        assert set(ours) == set(theirs)
        for name in ours:
            assert float(ours[name]) == pytest.approx(float(theirs[name]), rel=1e-4, abs=1e-6), name
        for mine, other in zip(made.parameters, plain.parameters, strict=True):
            if other.grad is not None:
                assert mine.grad is not None
                assert (mine.grad - other.grad).abs().max() <= TOLERANCE * other.grad.abs().max() + 1e-9


def test_many_updates_at_the_published_sizes_follow_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    """With Adam and two copies into the target networks; what rounding adds grows slowly."""
    spec = dataclasses.replace(SPEC, n_agents=5, n_enemies=5, n_actions=11, obs_size=82, state_size=120)
    sizes = {"rnn_hidden_dim": 64, "mixing_embed_dim": 32, "hypernet_embed": 64, "target_update_interval": 40}
    made, plain = (learner("qmix-n-rnn", spec, **sizes) for _ in range(2))
    PlainLearner(monkeypatch, plain)
    for seed in range(24):
        episodes = batch(seed, spec)
        ours, theirs = made.update(episodes, 0), plain.update(episodes, 0)
        for name in ("loss", "q_taken", "target"):
            assert float(ours[name]) == pytest.approx(float(theirs[name]), rel=1e-3, abs=1e-5), (seed, name)
    for mine, other in zip(made.target_net.parameters(), plain.target_net.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-4)


def test_the_use_of_inputs_equals_torchs() -> None:
    made, plain = (learner("k24", mask_gru=True, score_activation=True) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        PlainLearner(patch, plain)
        made.update(batch(), 0)
        plain.update(batch(), 0)
    for name, layer in made.layers().items():
        other = plain.layers()[name].activation
        assert (other.average > 0).any()
        torch.testing.assert_close(layer.activation.average, other.average, rtol=1e-5, atol=1e-7)
        assert torch.equal(layer.activation.count, other.count)


@pytest.mark.parametrize("id", ["qmix", "k24", "qmix-per-type"])
def test_acting_equals_torchs(id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made, plain = learner(id), learner(id)
    PlainLearner(monkeypatch, plain)
    draw = np.random.default_rng(0)
    envs = 40  # more rows than are computed together
    shape = envs, SPEC.n_agents
    mask = torch.from_numpy(draw.random((*shape, SPEC.n_actions)) < 0.5)
    mask[..., 1] = True
    given = {
        "obs": torch.from_numpy(draw.standard_normal((*shape, SPEC.obs_size), np.float32)),
        "last_action": torch.from_numpy(draw.integers(-1, SPEC.n_actions, shape)),
        "action_mask": mask,
        "unit_type": torch.from_numpy(draw.integers(0, 3, shape)),
        "hidden": torch.from_numpy(draw.standard_normal((*shape, 16), np.float32)),
    }
    for epsilon in (0.0, 0.5, 1.0):
        ours, theirs = (each.choose_actions(**given, epsilon=epsilon) for each in (made, plain))
        assert torch.equal(ours[0], theirs[0])
        assert mask.gather(2, ours[0].unsqueeze(2)).all()
        torch.testing.assert_close(ours[1], theirs[1], rtol=1e-5, atol=1e-6)


def test_results_do_not_depend_on_threads() -> None:
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            made = learner("kalei")
            for seed in range(2):
                made.update(batch(seed, lengths=(12, 11, 9, 3) * 8), 0)
            results.append([p.detach().clone() for p in made.parameters])
    finally:
        torch.set_num_threads(threads)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_a_network_that_is_no_number_shows() -> None:
    made = learner("qmix")
    with torch.no_grad():
        made.net.gru.weight_hh.fill_(torch.nan)
    assert np.isnan(float(made.update(batch(), 0)["loss"]))


def test_blocks_hold_every_row_once() -> None:
    draw = np.random.default_rng(0)
    steps = draw.integers(1, 30, 50)
    bootstrap = draw.integers(0, 2, 50)
    groups = draw.integers(0, 3, (50, 5))
    found = blocks.make_blocks(steps, steps + bootstrap, groups, 29)
    seen = np.zeros((50, 30, 5), int)
    for sequences, counts, group in zip(found.sequences, found.counts, found.groups, strict=True):
        assert len(sequences) <= blocks.MOST
        for step, rows in enumerate(counts):
            for sequence in sequences[:rows]:
                place = sequence["row"] + step * 5
                seen.reshape(-1)[place] += 1
                assert groups[place // 150, place % 5] == group
                assert place % 5 == sequence["agent"]
    expected = np.arange(30)[None, :, None] < (steps + bootstrap)[:, None, None]
    assert np.array_equal(seen, np.broadcast_to(expected, seen.shape))
    assert found.rows == seen.sum()


@pytest.mark.parametrize("lanes", [8, 16])
@pytest.mark.parametrize("rows", [1, 6, 12])
def test_a_tile_of_any_form_is_a_product(rows: int, lanes: int) -> None:
    tile = make_tile(rows, lanes)

    @numba.njit
    def run(depth: int, a: np.ndarray, b: np.ndarray, start: np.ndarray, c: np.ndarray) -> None:
        tile(depth, (a.ctypes.data, a.shape[1], 1), (b.ctypes.data, 16), (start.ctypes.data, 0), (c.ctypes.data, 16))

    draw = np.random.default_rng(0)
    for depth in (0, 1, 7):
        a, b, bias = (draw.standard_normal(shape, np.float32) for shape in ((rows, 9), (depth, 16), (1, 16)))
        c = np.zeros((rows, 16), np.float32)
        run(depth, a, b, bias, c)
        np.testing.assert_allclose(c, bias + a[:, :depth] @ b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rows", [1, 5, 6, 17, 48])
def test_packed_products_equal_numpys(rows: int) -> None:
    @numba.njit
    def run(a: np.ndarray, packed: np.ndarray, c: np.ndarray) -> None:
        times(rows, 32, 23, a.ctypes.data, 23, packed.ctypes.data, c.ctypes.data, 32, c.ctypes.data)

    draw = np.random.default_rng(rows)
    a, b, c = (draw.standard_normal(shape, np.float32) for shape in ((rows, 23), (23, 30), (rows, 32)))
    packed = np.empty(23 * 32, np.float32)
    expected = c + np.pad(a @ b, ((0, 0), (0, 2)))
    for transposed in (False, True):
        result = c.copy()
        pack(np.ascontiguousarray(b.T) if transposed else b, transposed, 23, 32, packed)
        run(a, packed, result)
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("formula", "exact", "error"),
    [
        (simd.sigmoid, lambda x: 1 / (1 + np.exp(-x)), 2**-22),
        (simd.tanh, np.tanh, 2**-22),
        (lambda x: simd._elu(x)[0], lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), 2**-22),
    ],
)
def test_functions_keep_their_bounds(formula: Any, exact: Any, error: float) -> None:
    loop = make_elementwise(1, lambda x: {0: formula(x)})

    @numba.njit
    def run(x: np.ndarray) -> None:
        loop(x.size, (x.ctypes.data,))

    x = np.concatenate([np.linspace(-100, 100, 2**16), np.linspace(-2, 2, 2**16)]).astype(np.float32)
    found = x.copy()
    run(found)
    with np.errstate(over="ignore"):
        assert np.abs(found - exact(x.astype(np.float64))).max() <= error
    special = np.array([np.nan, np.inf, -np.inf, 0.0] * 4, np.float32)
    run(special)
    assert np.isnan(special[0])
    assert not np.isnan(special[1:4]).any()


def test_turns_are_taken_once_and_errors_arrive() -> None:
    seen: list[int] = []
    parallel_for(100, lambda turn, thread: seen.append(turn), 3)
    assert sorted(seen) == list(range(100))

    def fail(turn: int, thread: int) -> None:
        if turn == 5:
            raise ValueError("turn 5")

    with pytest.raises(ValueError, match="turn 5"):
        parallel_for(10, fail, 2)


def _turns_in_child(results: Any) -> None:
    seen: list[int] = []
    parallel_for(20, lambda turn, thread: seen.append(turn), 2)
    results.put(sorted(seen))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python warns of forks beside threads
def test_a_forked_child_has_threads_of_its_own() -> None:
    parallel_for(4, lambda turn, thread: threading.Event().wait(0.01), 2)  # the parent has threads by now
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    child = context.Process(target=_turns_in_child, args=(results,), daemon=True)
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert results.get() == list(range(20))


def test_scratch_is_large_enough_for_both_directions() -> None:
    made = learner("qmix")
    groups = mask_groups(batch().unit_type, SPEC, 1)
    padded = KernelBatch.of(batch(), groups, bootstrap_at_limit=True)
    sizes = made._agent_kernels.sizes
    most = max(len(sequences) for sequences in padded.blocks.sequences)
    assert agent_pass.scratch_size(sizes, most) >= agent_pass.backward_areas(sizes, most).end


class Halved(QMixer):
    """A mixer of somebody's own, derived from QMIX's."""

    def forward(self, q: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        return super().forward(q, state) / 2


def test_a_mixer_derived_from_qmixs_computes_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    original = QMix.make_mixer

    def make_mixer(self: QMix) -> QMixer:
        mixer = original(self)
        mixer.__class__ = Halved
        return mixer

    usual = learner("qmix").update(batch(0), 0)["loss"]
    monkeypatch.setattr(QMix, "make_mixer", make_mixer)
    made, plain = learner("qmix"), learner("qmix")
    PlainLearner(monkeypatch, plain)
    ours, theirs = (float(each.update(batch(0), 0)["loss"]) for each in (made, plain))
    assert ours == pytest.approx(theirs, rel=1e-4)
    assert ours != pytest.approx(float(usual), rel=1e-2)
