"""One point of the grid: every layer alone, then the whole agent, in every storage format; and the card's own peak."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from algorithms.protocol import PolicyLayer, PolicyLayers
from harness.throughput.compare_kernels import Entry, EntryFactory, TimingContext, compare_kernels
from harness.throughput.kernels import BATCH_MULTIPLE, Backend, drawn_rows
from harness.throughput.policy_pass import (
    PolicyPass,
    groups_of,
    policy_pass,
    stores,
    uniform,
    with_dense_gru,
)
from harness.throughput.results import DENSE_GRU, MASKED_GRU, MIXED, CellResult, WorkResult
from harness.throughput.storage_formats import BATCHED, DENSE, MASKED, LayerStore, pad_to

MOST_ACTIVATIONS = 2**29
"""Rows × hidden size that go through the network at once: 1 GiB a tensor in fp16; larger batches go in slices."""


class PolicyMeasurement:
    """A policy laid out for measuring: compressed once, measured at many batch sizes.

    Args:
        policy: on the device that is to be timed.
        dtype: number format of weights and inputs.
        backends: those to be tried.
        at: where and how.
        both_grus: measure the agent with its GRU's masks taken off as well; for a policy that was not trained with
            either, it is the same network twice.
    """

    def __init__(
        self,
        policy: PolicyLayers,
        dtype: torch.dtype,
        backends: tuple[Backend, ...],
        at: TimingContext,
        *,
        both_grus: bool = False,
    ) -> None:
        self.dtype, self.at = dtype, at
        self.layers = stores(policy, dtype, backends)
        self.groups = groups_of(policy)
        self.hidden = policy.gru[1].weight.shape[1]
        self.policies = {MASKED_GRU if policy.gru_masked else DENSE_GRU: policy}
        if both_grus and policy.gru_masked:
            self.policies = {DENSE_GRU: with_dense_gru(policy), **self.policies}

    @torch.no_grad()
    def measure(self, batch: int) -> CellResult:
        """Measure everything at one batch size.

        Args:
            batch: agent decisions, rounded up to a multiple of ``BATCH_MULTIPLE`` for each mask group.

        Raises:
            DeviceLost: a kernel broke the device.
        """
        slices = -(-batch * self.hidden // MOST_ACTIVATIONS)
        per_group = -(-batch // (slices * self.groups * BATCH_MULTIPLE)) * BATCH_MULTIPLE
        sizes = [per_group] * self.groups
        layers = {name: measure_layer(store, sizes, slices, self.at) for name, store in self.layers.items()}
        agents = {
            gru: self._agent(policy, sizes, slices, {name: found.auto for name, found in layers.items()})
            for gru, policy in self.policies.items()
        }
        return CellResult(
            hidden=self.hidden,
            batch=batch,
            rows=slices * sum(sizes),
            slices=slices,
            dtype=str(self.dtype).removeprefix("torch."),
            layers=layers,
            agents=agents,
            conversion_seconds=self._conversion_seconds(),
        )

    def _conversion_seconds(self) -> dict[str, float]:
        """Of the backends that could have every layer that has masks."""
        masked = [store for store in self.layers.values() if store.compressible]
        names = set.intersection(*({*store.conversions} for store in masked)) if masked else set()
        return {name: sum(store.conversions[name].seconds for store in masked) for name in sorted(names)}

    def _agent(self, policy: PolicyLayers, sizes: list[int], slices: int, fastest_ways: dict[str, str]) -> WorkResult:
        """The whole agent in each way, and with each layer stored as is fastest for it alone."""
        prunable = policy.prunable()
        first, *others = (self.layers[name].ways() for name in prunable)
        plans = {way: uniform(policy, way) for way in first if all(way in ways for ways in others)}
        best = {name: fastest_ways[name] or MASKED for name in prunable}
        if best not in plans.values():
            plans[MIXED] = best
        draw = partial(drawn_rows, dtype=self.dtype, device=self.at.device)
        rows, width = sum(sizes), next(iter(policy.before.values())).weight.shape[1]
        inputs, hidden = draw(rows, width), draw(rows, self.hidden, seed=1)
        actions = list(policy.after.values())[-1].bias.numel()
        legal = torch.ones((rows, actions), dtype=torch.bool, device=self.at.device)

        def enter(way: str) -> Entry:
            made = policy_pass(policy, self.layers, plans[way], sizes)
            return self._entry(way, made, plans[way], (inputs, hidden, legal), slices)

        factories: dict[str, EntryFactory] = {way: partial(enter, way) for way in plans}
        useful = slices * rows * sum(2.0 * store.layer.weight.numel() for store in self.layers.values())
        raced = compare_kernels(
            factories, MASKED, self.dtype, self.at, useful_flops=useful, usable=lambda way: way != DENSE
        )
        return replace(raced, plan=best)

    def _entry(
        self, way: str, made: PolicyPass, plan: Mapping[str, str], shown: tuple[Tensor, Tensor, Tensor], slices: int
    ) -> Entry:
        inputs, hidden, legal = shown
        # the code that builds inputs can lay them out like that at no cost
        prepared = pad_to(inputs, 1, made.input_width).contiguous()
        parts, states, masks = (list(each.split(made.block_sizes)) for each in (prepared, hidden, legal))

        def outputs() -> list[Tensor]:
            _, q, next_hidden = made.decide(parts, states, masks)
            return [torch.cat(q), torch.cat(next_hidden)]

        shared = [store.layer.weight for name, store in self.layers.items() if name not in plan]
        flops = sum(each.flops_per_row for each in made.prunable) + sum(2.0 * weight.numel() for weight in shared)
        return Entry(
            work=_again(lambda: made.decide(parts, states, masks), slices),
            outputs=outputs,
            kernels=tuple(set(plan.values())),
            flops=flops * slices * len(inputs),
            nbytes=sum(each.nbytes for each in made.prunable),
            comparable=way != DENSE,
        )


def measure_layer(store: LayerStore, sizes: list[int], slices: int, at: TimingContext) -> WorkResult:
    """One layer alone: the products of all rows, biases added.

    Args:
        store: the layer.
        sizes: rows of each mask group.
        slices: how often the rows are gone through in one call.
        at: where and how.
    """
    rows = sum(sizes)
    inputs = drawn_rows(rows, store.in_features, store.dtype, at.device)
    blocks = sizes if store.groups > 1 else [rows]

    def enter(way: str) -> Entry:
        single = way in (DENSE, BATCHED)
        layer = store.stored(way, rows if single else blocks[0])
        parts = list(pad_to(inputs, 1, layer.width).contiguous().split([rows] if single else blocks))
        turned = way in store.backends and store.backends[way].feature_major
        if turned:
            parts = [part.t().contiguous() for part in parts]

        def outputs() -> list[Tensor]:
            return [found.t() if turned else found for found in layer(parts)]

        return Entry(
            work=_again(lambda: layer(parts), slices),
            outputs=outputs,
            kernels=(way,),
            flops=layer.flops_per_row * rows * slices,
            nbytes=layer.nbytes,
            setting=layer.setting,
            comparable=way != DENSE,
        )

    def usable(way: str) -> bool:
        """In an agent whose layers may be stored each in its own way, activations are in rows, a block per group."""
        return way == MASKED or (way in store.backends and not store.backends[way].feature_major)

    useful = 2.0 * store.layer.weight.numel() * rows * slices
    factories: dict[str, EntryFactory] = {way: partial(enter, way) for way in store.ways(feature_major=True)}
    return compare_kernels(factories, MASKED, store.dtype, at, useful_flops=useful, usable=usable)


def _again(work: Callable[[], object], times: int) -> Callable[[], None]:
    def repeated() -> None:
        for _ in range(times):
            work()

    return repeated


GPU_SIZE, CPU_SIZE = 8192, 1024
"""Rows, inputs and outputs. 8192³ is the product that the kernels' makers quote."""


@dataclass(frozen=True, kw_only=True)
class Peak:
    """One large product in every way."""

    size: int
    dtype: str
    work: WorkResult

    @property
    def flops_per_second(self) -> float | None:
        """Of the dense product: the measured peak that others are held against."""
        seconds = self.work.seconds(DENSE)
        return self.work.useful_flops / seconds if seconds else None


@torch.no_grad()
def measure_peak(dtype: torch.dtype, backends: tuple[Backend, ...], at: TimingContext) -> Peak:
    """Time the product size × size × size of a weight that keeps the first two of every four inputs."""
    size = GPU_SIZE if at.device.type == "cuda" else CPU_SIZE
    weight = drawn_rows(size, size, dtype, at.device) / size**0.5
    kept = torch.arange(size, device=at.device) % 4 < 2
    bias = torch.zeros(size, dtype=dtype, device=at.device)
    layer = PolicyLayer(weight=weight, masked=(weight * kept).unsqueeze(0), bias=bias)
    work = measure_layer(LayerStore(layer, dtype, backends), [size], 1, at)
    return Peak(size=size, dtype=str(dtype).removeprefix("torch."), work=work)
