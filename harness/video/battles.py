"""Battles as pictures: played by a policy now, or read from a replay of StarCraft II's stand-in."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import TimeRemainingColumn

from envs.battle.engine import BattleEnv
from envs.battle.snapshots.recording import TickRecorder
from envs.render import Renderer, outcome
from envs.render.style import palette
from harness.cli.console import log
from harness.cli.errors import UsageError
from harness.cli.progress import make_bar
from harness.policies.scripted import Policy
from harness.video.encode import Picture, write_video

if TYPE_CHECKING:
    from envs.sc2.server.simulation.recording import ReplayRecording

HOLD = 1.0
"""Seconds for which the end of a battle stays in the picture."""


def record(
    env: BattleEnv,
    policy: Policy,
    renderer: Renderer,
    *,
    who: str,
    episodes: int,
    every: int,
    rate: float,
    on_step: Callable[[int, int, str], None],
) -> Iterator[Picture]:
    """Play battles and draw every ``every``-th tick of them.

    Args:
        env: one battle.
        policy: plays it.
        renderer: of that world.
        who: what the pictures call the policy.
        episodes: battles.
        every: ticks from one picture to the next.
        rate: pictures a second.
        on_step: called after each step with the battle, its env_steps so far and how it ended (empty: it goes on).
    """
    recorder, draw = TickRecorder(env), renderer.draw
    env.reset()
    for battle in range(1, episodes + 1):
        caption = f"{who} · battle {battle}" if episodes > 1 else who
        yield draw(recorder.now(), caption=caption)
        step, ended = 0, ""
        while not ended:
            ticks = recorder.step(policy(env))
            step, ended = step + 1, outcome(env, 0)
            on_step(battle, step, ended)
            for t in range(len(ticks)):
                if ticks["tick"][t] % every == 0:
                    yield draw(ticks[t : t + 1], caption=caption)
        last = draw(ticks[-1:], caption=caption, outcome=ended)
        yield from [last] * max(round(HOLD * rate), 1)


def write_replay_video(console: Console, flags: argparse.Namespace, out: Path, rate: float) -> int:
    """Write the video of ``flags.replay``; returns how many pictures it has.

    Raises:
        UsageError: no replay, or one that cannot be played here.
    """
    refuse_other_games(flags)
    recording = open_replay(Path(flags.replay))
    try:
        renderer = Renderer(recording, size=flags.size)
    except ValueError as error:
        raise UsageError(str(error)) from error
    with make_bar(console, TimeRemainingColumn()) as bar:
        task = bar.add_task(Path(flags.replay).name, total=recording.loops)

        def on_end(battle: int, outcome: str, loop: int) -> None:
            log(bar.console, f"battle {battle}: {outcome or 'cut short'} by loop {loop}")

        drawn = pictures(recording, renderer, flags, round(HOLD * rate), on_end)
        return write_video(out, _counted(drawn, lambda: bar.update(task, completed=recording.loop)), rate, palette())


def refuse_other_games(flags: argparse.Namespace) -> None:
    """A replay brings its world and its orders along.

    Raises:
        UsageError: a flag says otherwise.
    """
    others = {
        "--scenario": flags.scenario,
        "--policy": flags.policy,
        "--run": flags.run,
        "--set": flags.settings,
        "--fov": flags.fov != "none",
    }
    given = [flag for flag, value in others.items() if value]
    if given:
        raise UsageError(f"{', '.join(given)}: --replay shows a game as it was played; leave out one of them")


def open_replay(path: Path) -> ReplayRecording:
    """A replay, ready to be played.

    Raises:
        UsageError: it cannot be read, or the packages of the game are not installed.
    """
    try:
        from envs.sc2.server.simulation.recording import ReplayRecording
        from envs.sc2.server.simulation.replay import read_replay
    except ModuleNotFoundError as error:
        raise UsageError(f"--replay needs the package {error.name}: pip install -e '.[sc2]'") from error
    try:
        return ReplayRecording(read_replay(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise UsageError(f"--replay {path}: {error}") from error


def pictures(
    recording: ReplayRecording,
    renderer: Renderer,
    flags: argparse.Namespace,
    hold: int,
    on_end: Callable[[int, str, int], None],
) -> Iterator[Picture]:
    """Every ``--every``-th loop of the first ``--episodes`` battles, each end held; at least one picture.

    Raises:
        UsageError: no unit is ever alive in it.
    """
    battle, number, last, outcome, loop, setup = 0, -1, None, "", 0, recording.setup
    for frame in recording.frames():
        if frame["battle"][0] != number:
            if last is not None:
                on_end(battle, outcome, loop)
                following, recording.setup = recording.setup, setup  # the picture is of the battle that is over
                yield from [renderer.draw(last, caption=f"battle {battle}", outcome=outcome)] * hold
                recording.setup = following
            if battle == flags.episodes:
                return
            battle, number = battle + 1, int(frame["battle"][0])
        last, outcome, loop, setup = frame, recording.outcome, recording.loop, recording.setup
        if frame["tick"][0] % flags.every == 0:
            yield renderer.draw(frame, caption=f"battle {battle}")
    if last is None:
        raise UsageError(f"--replay {flags.replay}: no unit appears in this game, so there is nothing to show")
    on_end(battle, outcome, loop)
    yield from [renderer.draw(last, caption=f"battle {battle}", outcome=outcome)] * max(hold, 1)


def _counted(drawn: Iterator[Picture], on_picture: Callable[[], None]) -> Iterator[Picture]:
    for picture in drawn:
        on_picture()
        yield picture
