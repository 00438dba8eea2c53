"""Checks of what a learner reports: real numbers, each under a name, the loss among them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
from torch import Tensor

from algorithms.protocol import Algorithm, Diagnostics


def checked_diagnostics(algorithm: str, source: str, found: Any) -> dict[str, float | Tensor]:
    """Return diagnostics as floats; a tensor of one number stays as it is, since reading it waits for a GPU.

    Args:
        algorithm: registered id, for the message.
        source: the method that returned them, likewise.
        found: what it returned.

    Raises:
        ValueError: they are no mapping, a name is no printable text, or a value is no real number.
    """
    try:
        items = dict(found)
    except (TypeError, ValueError):
        raise ValueError(
            f"algorithm {algorithm}: {source} returned {_brief(found)}; return a mapping from names to real numbers"
        ) from None
    return {_name(algorithm, source, name): _number(algorithm, source, name, value) for name, value in items.items()}


def loss_of(algorithm: Algorithm, diagnostics: Diagnostics) -> float | Tensor:
    """Return the loss among what ``learn`` gave.

    Raises:
        ValueError: there is none.
    """
    if "loss" not in diagnostics:
        raise ValueError(
            f"algorithm {algorithm.name}: learn() returned {', '.join(diagnostics) or 'nothing'} without 'loss'; "
            "return at least {'loss': …}, or None where no update is due"
        )
    return diagnostics["loss"]


def _name(algorithm: str, source: str, name: Any) -> str:
    if isinstance(name, str) and name.isprintable():
        return name
    raise ValueError(
        f"algorithm {algorithm}: {source} named a diagnostic {_brief(name)}; a name is a text of printable characters"
    )


def _number(algorithm: str, source: str, name: str, value: Any) -> float | Tensor:
    if isinstance(value, Tensor):
        if value.numel() == 1 and not value.is_complex():
            return value
    elif isinstance(value, np.ndarray):
        if value.size == 1 and value.dtype.kind in "biuf":
            return float(value.item())
    elif not isinstance(value, (str, bytes, bytearray, complex, np.complexfloating)):
        with suppress(TypeError, ValueError, OverflowError):
            return float(value)
    raise ValueError(
        f"algorithm {algorithm}: {source} returned {_brief(value)} as diagnostic {name!r}; it must be one real number "
        "that fits a float (NaN and infinity are allowed), plain or as a tensor or array of one. Return float(…), or "
        "leave it out"
    )


def _brief(value: Any) -> str:
    """A value in a few words."""
    kind = type(value).__name__
    if isinstance(value, (Tensor, np.ndarray)):
        return f"a {kind} of shape {tuple(value.shape)} and {value.dtype}"
    try:
        text = repr(value)
    except Exception:  # an object of the user's; or an int of more digits than Python writes
        return f"a value of type {kind}"
    return f"{text if len(text) <= 40 else text[:40] + '…'} ({kind})"
