"""Pictures of battles of the built-in engine: ``Renderer`` draws one, ``Screen`` follows a running battle.

Drawn with matplotlib, which the learning curves need anyway: no further package, no clash with the ``pygame`` that
StarCraft II's Python client brings, no display needed, and a still can be saved as PDF or SVG for a paper.
"""

from envs.render.picture import Renderer
from envs.render.screen import Screen, outcome

__all__ = ["Renderer", "Screen", "outcome"]
