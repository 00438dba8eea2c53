"""A battle of each algorithm's trained policy as a small GIF: the same battle for all."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import envs.registry
from envs.battle.engine import BattleEnv
from envs.battle.snapshots.recording import TickRecorder
from envs.battle.state import TICKS_PER_SECOND
from envs.render import Renderer, outcome
from envs.render.style import palette
from harness.cli.errors import UsageError
from harness.policies.evaluate import Greedy
from harness.policies.scripted import Policy
from harness.policies.trained import PolicyFile, read_policy_file, read_policy_of
from harness.results.study_data import StudyData
from harness.runs.checkpoint import POLICY
from harness.runs.files import file_name, run_folder
from harness.runs.plan import unregistered
from harness.video.battles import record
from harness.video.encode import write_video
from studies.rows import RunRow, key_of

SIZE, EVERY, SPEED = 320, 4, 2.0
"""Pixels, ticks from one picture to the next, times the game's own pace: about 0.2 MB a battle."""
PICTURES_PER_SECOND = TICKS_PER_SECOND / EVERY
"""Of the game's time."""
MARGIN = 2.0
"""Cells that are shown around the units."""
Area = tuple[float, float, float, float]
"""A square of the map: x0, y0, x1, y1, in cells."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A battle that has been played and written, or why it has not."""

    algorithm: str
    seed: int | None
    """Of the run whose policy plays; None where none can."""
    message: str
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
        who = self.algorithm if self.seed is None else f"{self.algorithm}, seed {self.seed}"
        return f"{who}: {self.message}."

    @property
    def alt(self) -> str:
        """For those who do not see it."""
        return f"A battle seen from above, played by {self.algorithm}: {self.message}."


@dataclass(frozen=True, kw_only=True)
class Job:
    """A clip to be made."""

    algorithm: str
    scenario: str
    seed: int | None = None
    checkpoint: Path | None = None
    why_not: str = ""
    """Why there is no checkpoint to play from."""


def clip_jobs(data: StudyData, runs_folder: Path, scenario: str | None = None) -> list[Job]:
    """A job for each algorithm of the study, all on one scenario: its first seed that can be played.

    Args:
        data: the study.
        runs_folder: ``--out`` of the comparison.
        scenario: where; ``None``: where most algorithms can be played.

    Returns:
        None at all where no algorithm can be played.
    """
    by_scenario = [
        [_first_playable(data, runs_folder, algorithm, where) for algorithm in data.algorithms]
        for where in ([scenario] if scenario else data.scenarios)
    ]
    jobs = max(by_scenario, key=_playable, default=[])
    return jobs if _playable(jobs) else []


def _playable(jobs: Sequence[Job]) -> int:
    return sum(job.checkpoint is not None for job in jobs)


def _first_playable(data: StudyData, runs_folder: Path, algorithm: str, scenario: str) -> Job:
    """The first seed of an algorithm that can be played, or why its first finished one cannot."""
    reasons = []
    for run in data.groups.get((algorithm, scenario), ()):
        checkpoint = run_folder(runs_folder, data.study, key_of(run)) / POLICY
        reason = _why_not(run, checkpoint)
        if not reason:
            return Job(algorithm=algorithm, scenario=scenario, seed=run.seed, checkpoint=checkpoint)
        reasons.append(reason)
    return Job(
        algorithm=algorithm,
        scenario=scenario,
        why_not=reasons[0] if reasons else f"none of its runs on {scenario} has finished",
    )


def _why_not(run: RunRow, checkpoint: Path) -> str:
    """Why a run's policy cannot be shown at play; empty where it can."""
    if missing := unregistered(run.algorithm, run.scenario):
        return missing
    by_engine = envs.registry.entry(run.scenario).entry_point == envs.registry.BATTLE
    if not by_engine or run.config.get("env", {}).get("backend", "battle") != "battle":
        return "only battles of the built-in engine can be drawn"
    if not checkpoint.exists():
        return f"its {POLICY} is not in {checkpoint.parent}; name the folder of harness.compare: --runs FOLDER"
    try:
        read_policy_of(run, checkpoint.parent)
    except UsageError as error:
        return str(error)
    return ""


def common_area(jobs: Sequence[Job], battle_seed: int) -> Area | None:
    """The square that the units of all these battles keep to: the clips of one page show the same part of the map.

    Returns:
        None where no job can be played.
    """
    battles = []
    for job in jobs:
        with suppress(UsageError):  # ``make_clip`` says what is wrong
            if job.checkpoint is not None:
                run, env = _load(job.checkpoint, battle_seed)
                battles.append((env, Greedy(run.policy(env, "cpu"), 1)))
    return area_of(battles) if battles else None


def area_of(battles: Sequence[tuple[BattleEnv, Policy]]) -> Area:
    """Play battles on one map and return the square that their units keep to, with a margin."""
    places = np.concatenate([_places(env, policy) for env, policy in battles], axis=1)
    least, most = places.min(axis=1), places.max(axis=1)
    rows, columns = battles[0][0].setup[0]["pathable"].shape
    half = float(min((most - least).max() + 2 * MARGIN, max(rows, columns))) / 2
    room = np.maximum(np.array([columns, rows]) - half, half)  # the square stays on the map where it fits
    x, y = np.clip((least + most) / 2, half, room).tolist()
    return x - half, y - half, x + half, y + half


def _places(env: BattleEnv, policy: Policy) -> NDArray[np.float64]:
    """Return the places of all units in a battle, [x and y, units and ticks], in cells."""
    recorder = TickRecorder(env)
    env.reset()
    frames = [recorder.now()]
    while not outcome(env, 0):
        frames.append(recorder.step(policy(env)))
    n = env.spec.n_agents + env.spec.n_enemies
    return np.stack([np.concatenate([frame[axis][:, :n].ravel() for frame in frames]) for axis in "xy"])


def _load(checkpoint: Path, battle_seed: int) -> tuple[PolicyFile, BattleEnv]:
    """A trained policy and the world that it plays the battle in."""
    run = read_policy_file(checkpoint.parent)
    env = run.world(battle_seed)
    if not isinstance(env, BattleEnv):
        raise UsageError(f"{run.scenario} is not played by the built-in engine, whose battles alone can be drawn")
    return run, env


def make_clip(
    folder: Path, job: Job, battle_seed: int, area: Area | None, on_progress: Callable[[float], None]
) -> Clip:
    """Play one battle greedily and write it, or say why not.

    Args:
        folder: for the GIF.
        job: whose battle.
        battle_seed: which battle.
        area: the part of the map that is shown; ``None``: all of it.
        on_progress: called with how much of the longest battle possible has been played, 0..1.
    """
    if job.checkpoint is None:
        return Clip(algorithm=job.algorithm, seed=None, message=f"no battle: {job.why_not}")
    out = folder / f"battle-{file_name(job.algorithm)}-{file_name(job.scenario)}.gif"
    ends: list[str] = []
    try:
        run, env = _load(job.checkpoint, battle_seed)
        policy = Greedy(run.policy(env, "cpu"), 1)
    except UsageError as error:  # a checkpoint of another version must not prevent the report
        return Clip(algorithm=job.algorithm, seed=job.seed, message=f"no battle: {error}")
    limit = env.spec.episode_limit

    def on_step(_battle: int, step: int, ended: str) -> None:
        on_progress(step / limit)
        if ended:
            ends.append(f"{ended} after {step} env steps")

    folder.mkdir(parents=True, exist_ok=True)
    renderer, rate = Renderer(env, size=SIZE, area=area), PICTURES_PER_SECOND * SPEED
    drawn = record(env, policy, renderer, who=run.label, episodes=1, every=EVERY, rate=rate, on_step=on_step)
    write_video(out, drawn, rate, palette())
    still, (width, height) = last_picture(out)
    return Clip(
        algorithm=job.algorithm,
        seed=job.seed,
        message=ends[0],
        path=out,
        moving=data_uri(out.read_bytes(), "gif"),
        still=data_uri(still, "png"),
        width=width,
        height=height,
    )


def last_picture(path: Path) -> tuple[bytes, tuple[int, int]]:
    """The end of a GIF as PNG, and its width and height."""
    with Image.open(path) as gif:
        gif.seek(getattr(gif, "n_frames", 1) - 1)
        picture = io.BytesIO()
        gif.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(picture, format="PNG", optimize=True)
        return picture.getvalue(), gif.size


def data_uri(content: bytes, kind: str) -> str:
    """An image that a page can hold inside itself."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
