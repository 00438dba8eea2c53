"""CUDA graphs: a pass recorded once and launched as a whole, so that small kernels do not wait for Python."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch

from harness.throughput.backends import first_line
from harness.throughput.timing import Work

WORTHWHILE = 5e-3
"""Seconds of a call above which launching takes no noticeable part; such work is not recorded, and its memory is not
kept by a graph either."""


class Recorder:
    """Records work as CUDA graphs and remembers whose kernels refuse it, so that each refuses only once."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.refused: dict[str, str] = {}
        """way -> why its work could not be recorded"""

    def record(self, work: Work, ways: Collection[str]) -> Work | None:
        """Give what replays the work; None without a GPU, or where it cannot be recorded.

        Args:
            work: reads and writes the same tensors at every call.
            ways: whose kernels take part. Where several do and recording fails, the fault is nobody's in particular.
        """
        if self.device.type != "cuda" or any(way in self.refused for way in ways):
            return None
        before = torch.cuda.current_stream(self.device)
        try:
            return _capture(work, self.device)
        except RuntimeError as error:
            torch.cuda.set_stream(before)  # a capture that broke off leaves its own stream in force
            if len(ways) == 1 and not isinstance(error, torch.OutOfMemoryError):
                self.refused |= dict.fromkeys(ways, first_line(error))
            return None


def _capture(work: Work, device: torch.device) -> Work:
    with torch.cuda.device(device):
        aside: Any = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):  # whatever is set up at a first call must not be part of the recording
            work()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            work()
    return graph.replay
