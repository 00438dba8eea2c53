"""Magnitudes of the inputs of layers, as an update measures them; K24's scores may count them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class InputUse:
    """How strongly each input of the layers was used in an update, over the filled rows of living agents."""

    sums: dict[str, Tensor]
    """layer name -> (G, in) sums of magnitudes"""
    rows: Tensor
    """(G,) how many rows they sum over"""
