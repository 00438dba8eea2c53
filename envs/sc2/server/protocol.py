"""Interface between a session and a world: the game itself, without its protocol's statuses and errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from s2clientprotocol import debug_pb2, query_pb2, sc2api_pb2

from envs.sc2.server.simulation.maps import Battlefield


class World(Protocol):
    """A game in play, decided by its battlefield, its seed and the calls of ``step``, ``act`` and ``debug``."""

    loop: int
    """Game loops since the start."""

    def step(self, loops: int) -> None:
        """Advance."""

    def act(self, actions: Sequence[sc2api_pb2.Action]) -> list[int]:
        """Give raw orders; an ``ActionResult`` for each."""

    def debug(self, commands: Sequence[debug_pb2.DebugCommand]) -> list[str]:
        """Create and kill units and the like; a sentence for each command that cannot be followed."""

    def observation(self) -> sc2api_pb2.Observation:
        """The moment."""

    def query(self, request: query_pb2.RequestQuery) -> query_pb2.ResponseQuery:
        """Answer what could be done, without doing it."""


WorldMaker: TypeAlias = Callable[[Battlefield, int], World]
"""Builds the world of a battlefield and a seed."""
