"""What a picture needs to know about its battle: an environment or a replay provides it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class RenderSource(Protocol):
    """The battle beside its record; ``BattleEnv`` is one."""

    units: NDArray[np.void]
    """(1,) table of unit types."""
    setup: NDArray[np.void]
    """(1,) counts, ground, script and what agents can see."""

    @property
    def title(self) -> str:
        """Name of the scenario or map."""

    @property
    def shown_types(self) -> tuple[str, ...]:
        """Unit types that can appear, each once."""
