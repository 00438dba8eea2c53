"""Replay of whole episodes, packed at their real length."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from algorithms.episode import Episode, EpisodeBatch
from algorithms.replay.packing import BlockQueue, EpisodeLayout, PackedSize


class Packed(NamedTuple):
    """One episode in the replay's memory."""

    size: PackedSize
    record: np.ndarray
    """its bytes"""
    arrays: dict[str, np.ndarray]
    """what the bytes mean, where they lie"""


class EpisodeReplay:
    """The most recent episodes, sampled uniformly without replacement.

    Episodes are packed into memory of the replay's own (see ``packing.py``), so the caller may reuse its arrays.

    Args:
        capacity: episodes kept; the oldest is overwritten first.
        seed: of the sampling.

    Raises:
        ValueError: capacity is below 1, an episode has other shapes than those held, or more episodes are asked for
            than are held.
    """

    def __init__(self, capacity: int, seed: int) -> None:
        if capacity < 1:
            raise ValueError(f"replay capacity is {capacity} episodes, it must be at least 1; for example 5000")
        self.capacity = capacity
        self._rng = np.random.default_rng(np.random.SeedSequence([seed, 1]))
        self._clear()

    def _clear(self) -> None:
        self.inserted = 0
        self._layout: EpisodeLayout | None = None
        self._memory = BlockQueue()
        self._packed: list[Packed] = []
        """by slot; episode i lies in slot i % capacity"""
        self._buffers: dict[str, Tensor] = {}

    def __len__(self) -> int:
        return len(self._packed)

    @property
    def nbytes(self) -> int:
        """Memory taken for episodes, free room in it included."""
        return self._memory.nbytes

    @property
    def content_bytes(self) -> int:
        """Bytes of the episodes themselves, which is what ``state_dict`` with ``contents`` holds."""
        return sum(packed.record.nbytes for packed in self._packed)

    def insert(self, episode: Episode) -> None:
        """Keep a copy of the episode, dropping the oldest one when full."""
        if self._layout is None:
            self._layout = EpisodeLayout.of(episode)
        elif self._layout != EpisodeLayout.of(episode):
            raise ValueError(
                f"an episode of another world: {EpisodeLayout.of(episode)}, the replay holds {self._layout}; "
                "give each world a replay of its own"
            )
        size, arrays = self._layout.pack(episode)
        full = len(self) == self.capacity
        if full:
            self._memory.popleft()
        record = self._memory.append(self._layout.nbytes(size))
        packed = Packed(size, record, self._layout.views(record, size))
        for name, view in packed.arrays.items():
            view[...] = arrays[name]
        if full:
            self._packed[self.inserted % self.capacity] = packed
        else:
            self._packed.append(packed)
        self.inserted += 1

    def can_sample(self, batch_size: int) -> bool:
        """Return whether at least ``batch_size`` episodes are held."""
        return len(self) >= batch_size

    def sample(self, batch_size: int, device: torch.device | str = "cpu") -> EpisodeBatch:
        """Draw distinct episodes and pad them to the longest of them, as ``collate`` does.

        Only what is packed travels to the device; padding happens there, in tensors that are used again: a batch is
        overwritten by the next ``sample``.
        """
        if not self.can_sample(batch_size):
            raise ValueError(
                f"{batch_size} episodes were asked for and {len(self)} are held; wait until can_sample({batch_size})"
            )
        chosen = self._rng.choice(len(self), size=batch_size, replace=False)
        return self._batch([self._packed[i] for i in chosen], torch.device(device))

    def _batch(self, packed: list[Packed], device: torch.device) -> EpisodeBatch:
        layout = self._layout
        assert layout is not None
        joined = {name: np.concatenate([each.arrays[name] for each in packed]) for name in packed[0].arrays}
        steps = np.array([each.size.steps for each in packed])
        batch, longest, n = len(packed), int(steps.max()), layout.n_agents
        filled = np.arange(longest) < steps[:, None]
        step = np.flatnonzero(filled)  # of each real step, in the flattened (B, T) axes
        view = np.flatnonzero(np.arange(longest + 1) <= steps[:, None])

        def moved(array: np.ndarray) -> Tensor:
            return torch.from_numpy(array).to(device, non_blocking=True)

        def placed(name: str, rows: np.ndarray, shape: tuple[int, ...], kind: torch.dtype) -> Tensor:
            """Zeros with the episodes' entries in the rows that are real."""
            at, entries = moved(rows), moved(joined[name])
            out = self._zeros(name, shape, kind, device)
            out.flatten(0, 1).index_copy_(0, at, entries.to(kind))
            return out

        def expanded(name: str, width: int) -> Tensor:
            """Zeros with the non-zero values where they belong."""
            at = np.repeat(view * width, joined[f"{name}_counts"])
            at += joined[f"{name}_columns"]
            out = self._zeros(name, (batch, longest + 1, width), torch.float32, device)
            out.view(-1).scatter_(0, moved(at), moved(joined[f"{name}_values"]))
            return out

        action_mask = placed("action_mask", view, (batch, longest + 1, n, layout.n_actions), torch.bool)
        ending = np.zeros((2, batch, longest), np.bool_)
        ending[:, np.arange(batch), steps - 1] = joined["ending"].reshape(batch, 2).T
        padding = moved(np.arange(longest + 1) > steps[:, None])
        action_mask[..., 0] |= padding.unsqueeze(-1)
        terminated, truncated = moved(ending)
        return EpisodeBatch(
            obs=expanded("obs", layout.obs_width).view(batch, longest + 1, n, -1),
            state=expanded("state", layout.state_width),
            action_mask=action_mask,
            actions=placed("actions", step, (batch, longest, n), torch.int64),
            reward=placed("reward", step, (batch, longest), torch.float32),
            terminated=terminated,
            truncated=truncated,
            filled=torch.from_numpy(filled),
            unit_type=torch.from_numpy(joined["unit_type"].reshape(batch, n).astype(np.int64)),
        )

    def _zeros(self, name: str, shape: tuple[int, ...], kind: torch.dtype, device: torch.device) -> Tensor:
        """A tensor of zeros in memory kept for this purpose: fresh pages would cost more than all the copying."""
        entries = int(np.prod(shape))
        buffer = self._buffers.get(name)
        if buffer is None or buffer.numel() < entries or not _is_on(buffer, device):
            buffer = self._buffers[name] = torch.empty(entries, dtype=kind, device=device)
        return buffer[:entries].zero_().view(shape)

    def state_dict(self, *, contents: bool = False) -> dict[str, Any]:
        """Return the generator's state and counters, with ``contents`` the episodes too, as one array of bytes."""
        saved: dict[str, Any] = {"rng": self._rng.bit_generator.state, "inserted": self.inserted, "held": len(self)}
        if contents and self._layout is not None:
            by_age = [self._packed[slot] for slot in self._slots_by_age(len(self))]
            saved["layout"] = asdict(self._layout)
            saved["sizes"] = torch.tensor([packed.size for packed in by_age])
            saved["bytes"] = torch.from_numpy(np.concatenate([packed.record for packed in by_age]))
        return saved

    def load_state_dict(self, saved: dict[str, Any]) -> bool:
        """Restore what ``state_dict`` gave; without contents the replay starts empty and has to be filled again.

        Returns:
            Whether all episodes that were held are here again.
        """
        self._rng.bit_generator.state = saved["rng"]
        self._clear()
        if "bytes" not in saved:
            return saved["held"] == 0
        self.inserted = saved["inserted"]
        self._layout = EpisodeLayout(**saved["layout"])
        sizes = [PackedSize(*size) for size in saved["sizes"].tolist()]
        sources = saved["bytes"].split([self._layout.nbytes(size) for size in sizes])
        by_age = []
        for size, source in zip(sizes, sources, strict=True):
            record = self._memory.append(source.numel())
            record[:] = source.numpy()
            by_age.append(Packed(size, record, self._layout.views(record, size)))
        by_slot = dict(zip(self._slots_by_age(len(by_age)), by_age, strict=True))
        self._packed = [by_slot[slot] for slot in range(len(by_age))]
        return True

    def _slots_by_age(self, held: int) -> list[int]:
        """Slots from the oldest of the episodes held to the newest."""
        return [number % self.capacity for number in range(self.inserted - held, self.inserted)]


def _is_on(tensor: Tensor, device: torch.device) -> bool:
    """Whether a tensor lies on a device; ``cuda`` means whichever card is the present one."""
    return tensor.device.type == device.type and device.index in (None, tensor.device.index)
