"""Play battles and draw every tick of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from envs.battle.engine import BattleEnv
from envs.battle.snapshots.recording import TickRecorder
from envs.render import Renderer, outcome
from harness.policies import scripted as policies
from harness.video.encode import Picture

HOLD = 1.0
"""Seconds for which the end of a battle stays in the picture."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Everything needed to play battles and draw them."""

    env: BattleEnv
    """One battle."""
    policy: policies.Policy
    who: str
    """What the pictures call the policy."""
    renderer: Renderer
    episodes: int
    every: int
    """Ticks from one picture to the next."""
    rate: float
    """Pictures a second."""
    out: Path


def record(recording: Recording, on_step: Callable[[int, int, str], None]) -> Iterator[Picture]:
    """Draw every ``every``-th tick of all battles.

    Args:
        recording: what to play and how to draw it.
        on_step: called after each step with the battle, its env_steps so far and how it ended (empty: it goes on).
    """
    env, recorder, draw = recording.env, TickRecorder(recording.env), recording.renderer.draw
    env.reset()
    for battle in range(1, recording.episodes + 1):
        caption = f"{recording.who} · battle {battle}" if recording.episodes > 1 else recording.who
        yield draw(recorder.now(), caption=caption)
        step, ended = 0, ""
        while not ended:
            ticks = recorder.step(recording.policy(env))
            step, ended = step + 1, outcome(env, 0)
            on_step(battle, step, ended)
            for t in range(len(ticks)):
                if ticks["tick"][t] % recording.every == 0:
                    yield draw(ticks[t : t + 1], caption=caption)
        last = draw(ticks[-1:], caption=caption, outcome=ended)
        yield from [last] * max(round(HOLD * recording.rate), 1)
