"""Checks of the actions of a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def check_form(
    given: NDArray[np.integer[Any]], expected: tuple[int, ...], *, started: bool, battle: str = "battle"
) -> NDArray[np.integer[Any]]:
    """Return actions as an array, once it has the expected shape and there is something to step.

    Raises:
        ValueError: wrong shape or type, or nothing started.
    """
    given = np.asarray(given)
    if given.shape != expected or given.dtype.kind not in "iu":
        raise ValueError(
            f"step: actions have shape {given.shape} and type {given.dtype}, "
            f"expected integers of shape {expected} ({battle}s, agents)"
        )
    if not started:
        raise ValueError(f"step: no {battle} has started yet; call reset() first")
    return given


def checked_actions(
    given: NDArray[np.integer[Any]],
    mask: NDArray[np.bool_],
    *,
    started: bool,
    agents: Sequence[str] | None = None,
    battle: str = "battle",
) -> NDArray[np.int64]:
    """The actions of a step, once form and legality are right; for worlds other than the built-in engine.

    Args:
        given: (E, N) integers.
        mask: (E, N, A) true where an action is legal.
        started: whether there is something to step.
        agents: names for the message; None: by number.
        battle: what the message calls one of the E.

    Raises:
        ValueError: wrong shape or type, nothing started, or an action that is illegal now.
    """
    n_actions = mask.shape[2]
    given = check_form(given, mask.shape[:2], started=started, battle=battle)
    known = (given >= 0) & (given < n_actions)
    legal = known & np.take_along_axis(mask, np.where(known, given, 0)[..., None], 2)[..., 0]
    if not legal.all():
        e, i = np.argwhere(~legal)[0]
        allowed = ", ".join(map(str, np.flatnonzero(mask[e, i])))
        who = agents[i] if agents is not None else f"agent {i}"
        raise ValueError(
            f"illegal action {given[e, i]} of {who} in {battle} {e}; legal now: {allowed}; "
            "mask your policy with action_mask"
        )
    return given.astype(np.int64)
