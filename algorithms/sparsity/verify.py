"""Checks that a mask, or a masked weight, really keeps 2 of 4."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from algorithms.sparsity.pattern24 import GROUP, KEEP


class Pattern24Error(ValueError):
    """A mask or weight is not 2:4 semi-structured."""


def verify_mask24(mask: Tensor, name: str = "mask") -> None:
    """Check that every group of four consecutive inputs keeps exactly two.

    Args:
        mask: (…, in) bool or 0/1; a last group with r < 4 entries must keep min(2, r).
        name: what to call it in the message.

    Raises:
        Pattern24Error: a group keeps another number, or an entry is neither 0 nor 1; the first one is named.
    """
    if mask.is_floating_point() and not ((mask == 0) | (mask == 1)).all():
        raise Pattern24Error(f"{name} holds values other than 0 and 1; pass the mask, or weights to verify_weight24")
    kept, room = _kept_per_group(mask)
    _raise_first(kept != room, kept, room, name, "exactly")


def verify_weight24(weight: Tensor, name: str = "weight") -> None:
    """Check that no group of four consecutive inputs holds more than two non-zeros.

    Fewer are allowed, since a kept weight may happen to be zero.

    Args:
        weight: (…, in).
        name: what to call it in the message.

    Raises:
        Pattern24Error: a group holds more; the first one is named.
    """
    kept, room = _kept_per_group(weight != 0)
    _raise_first(kept > room, kept, room, name, "at most")


def _kept_per_group(mask: Tensor) -> tuple[Tensor, Tensor]:
    padding = -mask.shape[-1] % GROUP
    kept = F.pad(mask.long(), (0, padding)).unflatten(-1, (-1, GROUP)).sum(-1)
    room = kept.new_full((kept.shape[-1],), KEEP)
    room[-1] = min(KEEP, GROUP - padding)
    return kept, room.expand_as(kept)


def _raise_first(bad: Tensor, kept: Tensor, room: Tensor, name: str, how: str) -> None:
    if not bad.any():
        return
    where = tuple(bad.nonzero()[0].tolist())
    start = where[-1] * GROUP
    raise Pattern24Error(
        f"{name} is not 2:4: row {where[:-1]}, inputs {start}..{start + GROUP - 1} keep {int(kept[where])}, "
        f"{how} {int(room[where])} allowed; {int(bad.sum())} of {bad.numel()} groups are wrong"
    )
