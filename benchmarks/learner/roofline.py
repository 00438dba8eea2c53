"""Roofline of a card: operations and bytes of each layer, and the gain that they leave room for.

    python -m benchmarks.learner.roofline

writes the tables of docs/throughput.md. A product takes at least the time of its operations at the peak of the tensor
cores, and at least the time of moving each of its operands once at the memory's bandwidth; a kernel takes at least
``KERNEL_SECONDS`` however little it does. Source of the peaks: NVIDIA's data sheet of the H100 SXM.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

DENSE_PEAK, SPARSE_PEAK = 989e12, 1979e12
"""fp16 operations a second of the H100 SXM's tensor cores, dense and 2:4."""
BANDWIDTH = 3.35e12
"""Bytes a second of its memory; the H200's has 4.8e12."""
KERNEL_SECONDS = 3e-6
"""From the start of a small kernel in a CUDA graph to the next: the usual order of size, not measured here."""
NUMBER = 2
"""Bytes of an fp16 or bf16 value."""
COMPRESSED = 9 / 16
"""Size of a compressed weight: half of the values, and 2 bits of position for each of them."""


@dataclass(frozen=True, kw_only=True)
class LayerProduct:
    """One layer for R rows, its mask groups together."""

    rows: int
    out_features: int
    in_features: int
    groups: int

    @property
    def flops(self) -> float:
        """Multiplications and additions of the dense product."""
        return 2.0 * self.rows * self.out_features * self.in_features

    def nbytes(self, *, compressed: bool, groups: int) -> float:
        """Inputs, outputs and weights, each moved once."""
        weights = groups * self.out_features * self.in_features * (COMPRESSED if compressed else 1.0)
        return NUMBER * (self.rows * (self.in_features + self.out_features) + weights)

    def limits(self, storage_format: str) -> dict[str, float]:
        """Least seconds by each limit, of ``dense`` (one weight), ``masked`` or ``compressed`` (one each group)."""
        compressed, groups = storage_format == "compressed", 1 if storage_format == "dense" else self.groups
        return {
            "cores": self.flops / (SPARSE_PEAK if compressed else DENSE_PEAK),
            "memory": self.nbytes(compressed=compressed, groups=groups) / BANDWIDTH,
            "kernels": groups * KERNEL_SECONDS,
        }

    def seconds(self, storage_format: str) -> float:
        """The least time, by all limits."""
        return max(self.limits(storage_format).values())

    @property
    def bound(self) -> str:
        """Return what bounds the compressed product's least time."""
        limits = self.limits("compressed")
        return max(limits, key=lambda name: limits[name])

    @property
    def most_gain(self) -> float:
        """Of the compressed product over the dense one."""
        return self.seconds("dense") / self.seconds("compressed")


def layers(hidden: int, *, inputs: int, actions: int) -> dict[str, tuple[int, int]]:
    """The agent network's matrices: name -> (out, in); fc3 is fc2's size, gru_hh is gru_ih's."""
    return {
        "fc1": (hidden, inputs),
        "gru_ih": (3 * hidden, hidden),
        "fc2": (hidden, hidden),
        "fc4": (actions, hidden),
    }


def agent(hidden: int, rows: int, *, inputs: int, actions: int, groups: int) -> tuple[float, float]:
    """Least seconds of a whole decision with a 2:4 GRU, dense and compressed.

    Beside its products, a pass reads and writes activations element by element: gates 6H in, H of state in and out and
    5H that the fused kernel keeps; ReLUs H in and out, three times.
    """
    sizes = layers(hidden, inputs=inputs, actions=actions)
    products = [
        LayerProduct(rows=rows, out_features=out, in_features=width, groups=groups)
        for name, (out, width) in sizes.items()
        for _ in range(2 if name in ("gru_ih", "fc2") else 1)
    ]
    between = NUMBER * rows * hidden * (6 + 2 + 5 + 3 * 2) / BANDWIDTH
    dense, compressed = (
        sum(each.seconds(storage_format) for each in products) + between for storage_format in ("dense", "compressed")
    )
    return dense, compressed


def layer_table(*, rows: int, inputs: int, actions: int, groups: int) -> Iterator[str]:
    """Markdown lines: each layer at some hidden sizes."""
    yield "| hidden | layer | out × in | GFLOP | MB | FLOP/byte | compressed is bound by | most gain |"
    yield "|---|---|---|---|---|---|---|---|"
    for hidden in (64, 256, 1024, 2048, 4096):
        for name, (out, width) in layers(hidden, inputs=inputs, actions=actions).items():
            one = LayerProduct(rows=rows, out_features=out, in_features=width, groups=groups)
            moved = one.nbytes(compressed=False, groups=1)
            yield (
                f"| {hidden} | {name} | {out} × {width} | {one.flops / 1e9:,.3g} | {moved / 1e6:,.3g} | "
                f"{one.flops / moved:.0f} | {one.bound} | {one.most_gain:.2f} × |"
            )


def agent_table(*, inputs: int, actions: int, groups: int) -> Iterator[str]:
    """Markdown lines: the most that a whole agent can gain, by hidden size and batch."""
    batches = (256, 2048, 16_384, 131_072, 1_048_576)
    yield f"| hidden | {' | '.join(f'{rows:,}' for rows in batches)} |"
    yield "|---" * (1 + len(batches)) + "|"
    for hidden in (64, 128, 256, 512, 1024, 2048, 4096):
        gains = []
        for rows in batches:
            dense, compressed = agent(hidden, rows, inputs=inputs, actions=actions, groups=groups)
            gains.append(f"{dense / compressed:.2f} ×")
        yield f"| {hidden} | {' | '.join(gains)} |"


def tables() -> str:
    """Both, for terran_5_vs_5: 82 numbers of observation, 11 actions, 5 agents, 3 unit types."""
    sizes = {"inputs": 82 + 11 + 5, "actions": 11, "groups": 3}
    return "\n".join([*layer_table(rows=16_384, **sizes), "", *agent_table(**sizes)])


if __name__ == "__main__":
    print(tables())
