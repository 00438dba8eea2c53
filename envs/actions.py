"""The check of actions that worlds other than the built-in engine share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def checked_actions(
    given: NDArray[np.integer[Any]],
    mask: NDArray[np.bool_],
    *,
    started: bool,
    agents: Sequence[str] | None = None,
    battle: str = "battle",
) -> NDArray[np.int64]:
    """The actions of a step, once form and legality are right.

    Args:
        given: (E, N) integers.
        mask: (E, N, A) true where an action is legal.
        started: whether there is something to step.
        agents: names for the message; None: by number.
        battle: what the message calls one of the E.

    Raises:
        ValueError: wrong shape or type, nothing started, or an action that is illegal now.
    """
    expected, n_actions = mask.shape[:2], mask.shape[2]
    given = np.asarray(given)
    if given.shape != expected or given.dtype.kind not in "iu":
        raise ValueError(
            f"step: actions have shape {given.shape} and type {given.dtype}, "
            f"expected integers of shape {expected} ({battle}s, agents)"
        )
    if not started:
        raise ValueError(f"step: no {battle} has started yet; call reset() first")
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
