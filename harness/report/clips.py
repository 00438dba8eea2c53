"""A battle of each algorithm's trained policy as a small GIF: the same battle for all."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

import envs.registry
from envs.battle.engine import BattleEnv
from envs.battle.state import TICKS_PER_SECOND
from envs.render import Renderer
from envs.render.style import palette
from harness.errors import UsageError
from harness.evaluate import Greedy
from harness.folders import file_name, run_folder
from harness.report.collect import StudyData, key_of
from harness.train import CHECKPOINT
from harness.trained import read_run
from harness.video import write_gif
from harness.watch import Show, pictures

SIZE, EVERY, SPEED = 320, 4, 2.0
"""Pixels, ticks from one picture to the next, times the game's own pace: about 0.2 MB a battle."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A battle that has been played and written, or why it has not."""

    algorithm: str
    seed: int
    """Of the run whose policy plays."""
    told: str
    """How the battle ended, or why there is none."""
    path: Path | None = None
    """The GIF; None where it could not be made."""
    moving: str = ""
    """The GIF as data URI."""
    still: str = ""
    """Its last picture, for print and for who wants no motion."""
    width: int = 0
    height: int = 0

    @property
    def caption(self) -> str:
        return f"{self.algorithm}, seed {self.seed}: {self.told}."

    @property
    def alt(self) -> str:
        """For those who do not see it."""
        return f"A battle seen from above, played by {self.algorithm}: {self.told}."


@dataclass(frozen=True, kw_only=True)
class Job:
    """A clip to be made."""

    algorithm: str
    scenario: str
    seed: int
    checkpoint: Path


def clip_jobs(data: StudyData, runs_folder: Path, scenario: str | None = None) -> list[Job]:
    """The first seed of each algorithm that left a checkpoint, all on one scenario.

    Args:
        data: the study.
        runs_folder: ``--out`` of the comparison.
        scenario: where; ``None``: where most algorithms left one.
    """
    found: dict[str, dict[str, Job]] = {}
    drawn = {name for name in envs.registry.ids() if envs.registry.entry(name).entry_point == envs.registry.BATTLE}
    for algorithm, where, run in data.finished():
        checkpoint = run_folder(runs_folder, data.study, key_of(run)) / CHECKPOINT
        by_engine = run.config.get("env", {}).get("backend", "battle") == "battle" and run.scenario in drawn
        if checkpoint.exists() and by_engine:
            job = Job(algorithm=algorithm, scenario=where, seed=run.seed, checkpoint=checkpoint)
            found.setdefault(where, {}).setdefault(algorithm, job)
    if scenario is None:
        return list(max(found.values(), key=len).values()) if found else []
    return list(found.get(scenario, {}).values())


def make_clip(folder: Path, job: Job, battle_seed: int, on_progress: Callable[[float], None]) -> Clip:
    """Play one battle greedily and write it.

    Args:
        folder: for the GIF.
        job: whose battle.
        battle_seed: which battle.
        on_progress: told how much of the longest battle possible has been played, 0..1.
    """
    out = folder / f"battle-{file_name(job.algorithm)}-{file_name(job.scenario)}.gif"
    ends: list[str] = []
    try:
        run = read_run(job.checkpoint.parent)
        env = envs.registry.make(run.scenario, 1, seed=battle_seed, **run.env_options)
        if not isinstance(env, BattleEnv):
            raise UsageError(f"{run.scenario} is not played by the built-in engine, whose battles alone can be drawn")
        show = Show(
            env=env,
            policy=Greedy(run.policy(env, "cpu"), 1),
            who=run.label,
            renderer=Renderer(env, size=SIZE),
            episodes=1,
            every=EVERY,
            rate=TICKS_PER_SECOND * SPEED / EVERY,
            out=out,
        )
    except UsageError as error:  # a checkpoint of another version of the program must not cost the page
        return Clip(algorithm=job.algorithm, seed=job.seed, told=f"no battle: {error}")
    limit = env.spec.episode_limit

    def on_step(_battle: int, step: int, ended: str) -> None:
        on_progress(step / limit)
        if ended:
            ends.append(f"{ended} after {step} env steps")

    folder.mkdir(parents=True, exist_ok=True)
    write_gif(out, pictures(show, on_step), show.rate, palette())
    still, (width, height) = last_picture(out)
    return Clip(
        algorithm=job.algorithm,
        seed=job.seed,
        told=ends[0],
        path=out,
        moving=data_uri(out.read_bytes(), "gif"),
        still=data_uri(still, "png"),
        width=width,
        height=height,
    )


def last_picture(path: Path) -> tuple[bytes, tuple[int, int]]:
    """The end of a GIF as PNG, and its width and height."""
    with Image.open(path) as film:
        film.seek(getattr(film, "n_frames", 1) - 1)
        picture = io.BytesIO()
        film.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(picture, format="PNG", optimize=True)
        return picture.getvalue(), film.size


def data_uri(content: bytes, kind: str) -> str:
    """An image that a page can hold inside itself."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
