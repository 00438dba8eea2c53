"""Measure one grid point: each layer alone, then the whole agent, in every storage format; and the card's own peak."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from algorithms.protocol import PolicyLayer, PolicyLayers
from harness.speed.compare_kernels import Candidate, compare_kernels
from harness.speed.kernels import BATCH_MULTIPLE, Backend, drawn_rows
from harness.speed.policy_pass import PolicyPass, groups_of, policy_pass, stores, with_dense_gru
from harness.speed.results import DENSE_GRU, MASKED_GRU, MIXED, GridPointResult, Peak, WorkResult
from harness.speed.storage_formats import BATCHED, DENSE, MASKED, LayerStore, pad_to
from harness.speed.timing import TimingContext

MOST_ACTIVATIONS = 2**29
"""Rows × hidden size that go through the network at once: 1 GiB a tensor in fp16; larger batches go in slices."""


class PolicyMeasurement:
    """A policy laid out for measuring: compressed once, measured at many batch sizes.

    Args:
        policy: on the device that is to be timed.
        dtype: number format of weights and inputs.
        backends: those to be tried.
        context: device and duration of each comparison.
        both_grus: measure the agent with its GRU's masks taken off as well; for a policy that was not trained with
            either, it is the same network twice.
    """

    def __init__(
        self,
        policy: PolicyLayers,
        dtype: torch.dtype,
        backends: tuple[Backend, ...],
        context: TimingContext,
        *,
        both_grus: bool = False,
    ) -> None:
        self.dtype, self.context = dtype, context
        self.layers = stores(policy, dtype, backends)
        self.groups = groups_of(policy)
        self.hidden = policy.gru[1].weight.shape[1]
        self.policies = {MASKED_GRU if policy.gru_masked else DENSE_GRU: policy}
        if both_grus and policy.gru_masked:
            self.policies = {DENSE_GRU: with_dense_gru(policy), **self.policies}

    @torch.no_grad()
    def measure(self, batch: int) -> GridPointResult:
        """Measure everything at one batch size.

        Args:
            batch: agent decisions, rounded up to a multiple of ``BATCH_MULTIPLE`` for each mask group.

        Raises:
            DeviceLost: a kernel broke the device.
        """
        slices = -(-batch * self.hidden // MOST_ACTIVATIONS)
        per_group = -(-batch // (slices * self.groups * BATCH_MULTIPLE)) * BATCH_MULTIPLE
        sizes = [per_group] * self.groups
        layers = {name: measure_layer(store, sizes, slices, self.context) for name, store in self.layers.items()}
        agents = {
            gru: self._agent(policy, sizes, slices, {name: found.auto for name, found in layers.items()})
            for gru, policy in self.policies.items()
        }
        return GridPointResult(
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
        """Return the time of each backend that could store every masked layer."""
        masked = [store for store in self.layers.values() if store.compressible]
        names = set.intersection(*({*store.conversions} for store in masked)) if masked else set()
        return {name: sum(store.conversions[name].seconds for store in masked) for name in sorted(names)}

    def _agent(
        self, policy: PolicyLayers, sizes: list[int], slices: int, fastest_formats: dict[str, str]
    ) -> WorkResult:
        """Measure the whole agent in each format, and with each layer in the format that is fastest for it alone."""
        prunable = policy.prunable()
        first, *others = (self.layers[name].formats() for name in prunable)
        everywhere = [name for name in first if all(name in formats for formats in others)]
        plans = {name: dict.fromkeys(prunable, name) for name in everywhere}
        best = {name: fastest_formats[name] or MASKED for name in prunable}
        if best not in plans.values():
            plans[MIXED] = best
        draw = partial(drawn_rows, dtype=self.dtype, device=self.context.device)
        rows, width = sum(sizes), next(iter(policy.before.values())).weight.shape[1]
        inputs, hidden = draw(rows, width), draw(rows, self.hidden, seed=1)
        actions = list(policy.after.values())[-1].bias.numel()
        legal = torch.ones((rows, actions), dtype=torch.bool, device=self.context.device)

        def make_candidate(storage_format: str) -> Candidate:
            plan = plans[storage_format]
            made = policy_pass(policy, self.layers, plan, sizes)
            return self._candidate(made, plan, (inputs, hidden, legal), slices)

        useful = slices * rows * sum(2.0 * store.layer.weight.numel() for store in self.layers.values())
        compared = compare_kernels(
            plans, make_candidate, self.dtype, self.context, useful_flops=useful, usable=lambda name: name != DENSE
        )
        return replace(compared, plan=best)

    def _candidate(
        self, made: PolicyPass, plan: Mapping[str, str], arguments: tuple[Tensor, Tensor, Tensor], slices: int
    ) -> Candidate:
        inputs, hidden, legal = arguments
        # the code that builds inputs can lay them out like that at no cost
        prepared = pad_to(inputs, 1, made.before[0].width).contiguous()
        parts, states, masks = (list(each.split(made.block_sizes)) for each in (prepared, hidden, legal))

        def outputs() -> list[Tensor]:
            _, q, next_hidden = made.decide(parts, states, masks)
            return [torch.cat(q), torch.cat(next_hidden)]

        shared = [store.layer.weight for name, store in self.layers.items() if name not in plan]
        flops = sum(each.flops_per_row for each in made.prunable) + sum(2.0 * weight.numel() for weight in shared)
        return Candidate(
            work=_repeated(lambda: made.decide(parts, states, masks), slices),
            outputs=outputs,
            layer_formats=tuple(set(plan.values())),
            flops=flops * slices * len(inputs),
            nbytes=sum(each.nbytes for each in made.prunable) + sum(each.numel() * each.itemsize for each in shared),
        )


def measure_layer(store: LayerStore, sizes: list[int], slices: int, context: TimingContext) -> WorkResult:
    """Measure one layer alone: the products of all rows, biases added.

    Args:
        store: the layer.
        sizes: rows of each mask group.
        slices: how often the rows are gone through in one call.
        context: device and duration.
    """
    rows = sum(sizes)
    inputs = drawn_rows(rows, store.in_features, store.dtype, context.device)
    blocks = sizes if store.groups > 1 else [rows]

    def make_candidate(storage_format: str) -> Candidate:
        single = storage_format in (DENSE, BATCHED)
        layer = store.stored(storage_format, rows if single else blocks[0])
        parts = list(pad_to(inputs, 1, layer.width).contiguous().split([rows] if single else blocks))
        transposed = storage_format in store.backends and store.backends[storage_format].feature_major
        if transposed:
            parts = [part.t().contiguous() for part in parts]

        def outputs() -> list[Tensor]:
            return [found.t() if transposed else found for found in layer(parts)]

        return Candidate(
            work=_repeated(lambda: layer(parts), slices),
            outputs=outputs,
            layer_formats=(storage_format,),
            flops=layer.flops_per_row * rows * slices,
            nbytes=layer.nbytes,
            setting=layer.setting,
        )

    def usable(name: str) -> bool:
        """Return whether an agent can mix this format with others: activations in rows, a block per group."""
        return name == MASKED or (name in store.backends and not store.backends[name].feature_major)

    useful = 2.0 * store.layer.weight.numel() * rows * slices
    formats = store.formats(feature_major=True)
    return compare_kernels(formats, make_candidate, store.dtype, context, useful_flops=useful, usable=usable)


def _repeated(work: Callable[[], object], times: int) -> Callable[[], None]:
    def repeated() -> None:
        for _ in range(times):
            work()

    return repeated


GPU_SIZE, CPU_SIZE = 8192, 1024
"""Rows, inputs and outputs. 8192³ is the product that the kernels' makers quote."""


@torch.no_grad()
def measure_peak(dtype: torch.dtype, backends: tuple[Backend, ...], context: TimingContext) -> Peak:
    """Time the product size × size × size of a weight that keeps the first two of every four inputs."""
    size = GPU_SIZE if context.device.type == "cuda" else CPU_SIZE
    weight = drawn_rows(size, size, dtype, context.device) / size**0.5
    kept = torch.arange(size, device=context.device) % 4 < 2
    bias = torch.zeros(size, dtype=dtype, device=context.device)
    layer = PolicyLayer(weight=weight, masked=(weight * kept).unsqueeze(0), bias=bias)
    work = measure_layer(LayerStore(layer, dtype, backends), [size], 1, context)
    return Peak(size=size, dtype=str(dtype).removeprefix("torch."), work=work)
