"""One run in training, from its first battle (or its last checkpoint) to its stored result."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from algorithms.diagnostics import checked_diagnostics, loss_of
from algorithms.protocol import Restored
from common.signals import Waiting
from harness.cli.progress import RunProgress
from harness.loggers import RunLog
from harness.plots.lines import plot_curves
from harness.policies.evaluate import evaluate_greedily, no_progress
from harness.runs.checkpoint import (
    EARLIER,
    POLICY,
    RESUME,
    holds_replay,
    load_checkpoint,
    save_checkpoint,
    save_policy,
    set_aside,
    unusable,
)
from harness.runs.files import leave_folder, remove_drafts, take_folder
from harness.runs.plan import RunPlan
from harness.runs.process import LoadOfOthers
from harness.runs.rollout import Rollout
from harness.runs.seeding import derive_seed
from harness.runs.warm_up import compile_world
from harness.training.final_evaluation import final_evaluation
from studies.rows import CurvePoint, RunRow
from studies.run import RunRecord

NO_UPDATE = (
    "it made no update: the policy is as it began. Train longer (--env-steps), or give the algorithm settings for "
    "short runs (smoke=… in its register call)"
)


@dataclass(kw_only=True)
class Counters:
    """Progress of a run; part of its checkpoint."""

    env_steps: int = 0
    """Steps summed over all battles."""
    episodes: int = 0
    """Episodes that the algorithm observed."""
    updates: int = 0
    next_test: int = 0
    """env_steps at which the next evaluation is due."""
    last_test: int = -1
    """env_steps of the latest one; a run resumed after its last evaluation does not repeat it."""
    next_checkpoint: int = 0
    resumes: int = 0
    """How often training went on from a checkpoint without its replay, or what else the algorithm learns from."""
    losses: list[float | Tensor] = field(default_factory=list)
    """Of the updates since the last evaluation; tensors are read when they are logged."""
    diagnostics: dict[str, float | Tensor] = field(default_factory=dict)
    """Of the last update, its loss apart."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Spent in each part of the work, over all sessions."""
    wall_seconds: float = 0.0
    """Spent on the run altogether, over all sessions."""


class TrainingRun:
    """Train one run: worlds, algorithm, counters, checkpoints."""

    def __init__(self, plan: RunPlan, record: RunRecord, folder: Path) -> None:
        seed, scenario = plan.seed, plan.scenario
        self.plan, self.record, self.folder, self.path = plan, record, folder, folder / RESUME
        self.at = Counters(next_checkpoint=plan.budget.checkpoint_interval)
        self.env = plan.make_env(plan.num_envs, derive_seed(seed, "env", scenario))
        with ExitStack() as worlds:  # a world may be a game with a process of its own: none is left where a part fails
            worlds.callback(self.env.close)
            self.test_env = plan.make_env(plan.budget.test_slots, derive_seed(seed, "evaluation", scenario))
            worlds.callback(self.test_env.close)
            self.algorithm = plan.make_algorithm(self.env.spec, derive_seed(seed, "algorithm"))
            compiling = time.perf_counter()
            compile_world(self.env)
            compile_world(self.test_env)
            self.algorithm.compile()
            self.at.seconds["compile"] = time.perf_counter() - compiling
            self.env.reset(derive_seed(seed, "env", scenario))
            self.rollout = Rollout(self.env, self.algorithm)
            worlds.pop_all()
        self.log = RunLog.off()
        self._load = LoadOfOthers()
        self._spent, self._since = 0.0, float("nan")
        self.resume()

    @property
    def wall_seconds(self) -> float:
        """Seconds of work on this run so far, over all its sessions; pauses do not count."""
        running = 0.0 if math.isnan(self._since) else time.perf_counter() - self._since
        return self.at.wall_seconds + self._spent + running

    def resume(self) -> None:
        """Let time count from now on; a second time nothing changes."""
        if math.isnan(self._since):
            self._since = time.perf_counter()

    def pause(self) -> None:
        """Let no time count while another run has its turn."""
        if not math.isnan(self._since):
            self._spent += time.perf_counter() - self._since
            self._since = float("nan")

    @property
    def is_trained(self) -> bool:
        """Whether the budget is spent and the last evaluation made."""
        return self.at.last_test >= self.plan.budget.env_steps

    def train(self, progress: RunProgress, interrupt: Waiting, until: int | None = None) -> None:
        """Play and learn until the budget is spent or an interrupt asked for, evaluating and saving on the way.

        Args:
            progress: shows how far it is.
            interrupt: asks to stop.
            until: env_steps at which to pause, after an evaluation; where one was due, the pause changes nothing.
        """
        self.resume()
        budget = self.plan.budget.env_steps
        end = budget if until is None else min(budget, until)
        while self.at.env_steps < end and not interrupt.requested:
            if self.at.env_steps >= self.at.next_test:
                self.test(progress)
            if self.at.env_steps >= self.at.next_checkpoint:
                self.save()
            self.play()
            self.learn()
            for line in self.algorithm.advance(self.at.env_steps):
                progress.event(line)
                self.record.event(self.at.env_steps, line)
            self.record.heartbeat()
            progress.advance(self.at.env_steps)
            if self.log.is_due(self.at.env_steps):
                self.log.training(self.at.env_steps, self.training_values())
        if self.at.last_test < self.at.env_steps and not interrupt.requested:
            self.test(progress)
        if not self.at.updates and self.is_trained:
            progress.event(NO_UPDATE)
            self.record.event(self.at.env_steps, NO_UPDATE)
        self.save()
        if until is not None:
            self.pause()

    def play(self) -> None:
        """Play one step of every battle; the algorithm observes what ended."""
        with self._timed("rollout"):
            ended = self.rollout.step()
            for episode in ended:
                self.algorithm.observe(episode)
        self.at.env_steps += self.plan.num_envs
        self.at.episodes += len(ended)

    def learn(self) -> None:
        """Make every update that is due."""
        while True:
            with self._timed("update"):
                learned = self.algorithm.learn(self.at.env_steps)
            if learned is None:
                return
            learned = checked_diagnostics(self.algorithm.name, "learn()", learned)
            self.at.losses.append(loss_of(self.algorithm, learned))
            self.at.diagnostics = {name: value for name, value in learned.items() if name != "loss"}
            self.at.updates += 1

    def training_values(self) -> dict[str, float]:
        """Return what loggers are given between two evaluations; reading the loss waits for a GPU."""
        at = self.at
        values = {"env_steps_per_second": at.env_steps / max(self.wall_seconds, 1e-9), "updates": float(at.updates)}
        return values | ({"loss": float(at.losses[-1])} if at.losses else {})

    def test(self, progress: RunProgress) -> None:
        """Evaluate a point of the learning curve; each has battles of its own, the same for every algorithm."""
        at, plan = self.at, self.plan
        seed = derive_seed(plan.seed, "evaluation", plan.scenario, at.next_test)
        with self._timed("evaluation"):
            found = evaluate_greedily(self.algorithm, self.test_env, episodes=plan.budget.test_episodes, seed=seed)
        at.last_test = at.env_steps
        while at.next_test <= at.env_steps:  # a step of many battles may pass several
            at.next_test += plan.budget.test_interval
        if not found.finished:
            progress.log(f"all {found.aborted} evaluation battles aborted; this point of the curve is left out")
            return
        own = checked_diagnostics(self.algorithm.name, "diagnostics()", self.algorithm.diagnostics())
        columns: dict[str, Any] = {
            "env_steps": at.env_steps,
            "win_rate": found.win_rate.estimate,
            "return_mean": found.mean_return,
            "episodes": len(found.finished),
            "loss": sum(map(float, at.losses)) / len(at.losses) if at.losses else None,
            "epsilon": float(own.pop("epsilon", 0.0)),
            "wall_seconds": self.wall_seconds,
        }
        extra = {"sparsity_masked": self.algorithm.sparsity().masked_layers, "updates": float(at.updates)}
        taken = {*columns, *extra}
        for name, value in {**at.diagnostics, **own}.items():
            extra[f"learner/{name}" if name in taken else name] = float(value)
        self.log.evaluated(self.record.curve(CurvePoint(**columns, extra=extra)))
        at.losses = []
        won = columns["win_rate"] if self.env.spec.can_be_won else None
        progress.evaluated(at.env_steps, won, found.mean_return)

    def conclude(self, on_battles: Callable[[int], None] = no_progress) -> RunRow:
        """Evaluate the trained policy, and store the result with a picture of its curve."""
        self.resume()
        picture = self.folder / "curve.png"
        curves = {self.plan.algorithm: [self.record.curve_points()]}
        plot_curves(picture, curves, title=self.plan.label, can_be_won=self.env.spec.can_be_won)
        self.record.attach(picture)
        self._close_worlds()  # the final evaluation has one of its own, and games of StarCraft II are large
        result, outcomes = final_evaluation(
            self.plan,
            self.algorithm,
            env_steps=self.at.env_steps,
            wall=self.wall_seconds,
            resumes=self.at.resumes,
            load=self._load.cores(),
            on_battles=on_battles,
        )
        self.record.outcomes(outcomes)
        self.record.timings(self.at.seconds)
        row = self.record.finish(result)
        self.log.finished(result)
        return row

    def save(self) -> None:
        """Put a checkpoint in place of the last one."""
        while self.at.next_checkpoint <= self.at.env_steps:
            self.at.next_checkpoint += self.plan.budget.checkpoint_interval
        content = {
            "run_created": self.record.created,
            "identity": self.plan.identity(),  # so that the policy can be played wherever the file is taken
            "counters": {**dataclasses.asdict(self.at), "wall_seconds": self.wall_seconds},
            "algorithm": self.algorithm.state_dict(),
            "experience": self.algorithm.experience(
                contents=holds_replay(self.plan.checkpoint_replay, self.algorithm.experience_bytes)
            ),
            "env": self.env.state_dict(),
            "rollout": self.rollout.state_dict(),
        }
        with self._timed("checkpoint"):
            save_checkpoint(self.path, content)
            self.save_policy(content)
        self.record.timings(self.at.seconds)

    def save_policy(self, content: dict[str, Any]) -> None:
        """Put what it takes to play the policy, wherever the file is taken, beside the checkpoint."""
        shared = {name: content[name] for name in ("identity", "algorithm")}
        try:
            save_policy(self.folder / POLICY, {**shared, "env_steps": self.at.env_steps})
        except TypeError as error:  # a user's own learner; its run is worth more than the file
            self.record.event(0, f"no {POLICY} is written: {error}")

    def restore(self) -> list[str]:
        """Go to the last checkpoint, if there is one; returns lines that say where the run starts and how.

        Raises:
            UsageError: the checkpoint cannot be used, and is left as it is; or another process writes the folder.
        """
        take_folder(self.folder)
        for file in (self.path, self.folder / POLICY):
            remove_drafts(file)  # the run is this process's own now; each is as large as a checkpoint
        if not self.path.exists() and (self.folder / EARLIER).exists():
            raise unusable(self.folder / EARLIER, "is of an earlier version, which this one cannot go on from", None)
        saved = load_checkpoint(self.path)
        lines = []
        if saved is not None and saved.get("run_created") != self.record.created:
            lines.append(
                f"the checkpoint in its folder is that of another record of this run (in another --storage, or in one "
                f"that is gone); it is kept there as {set_aside(self.path).name}, and training starts again"
            )
            saved = None
        if saved is None:
            self.record.rewind(-1)
            numbers = ", ".join(f"{name} {value:,g}" for name, value in self.algorithm.schedule().items())
            return [*lines, f"schedule: {numbers}"]
        try:
            experience = self.load(saved)
        except Exception as error:  # whatever a world or a learner raises at the state of another version of itself
            raise unusable(self.path, "does not fit this program", error) from error
        self.record.rewind(self.at.env_steps)
        if self.at.env_steps >= self.plan.budget.env_steps:
            return [f"resumes at {self.at.env_steps:,} env steps, the end of its training"]
        self.at.resumes += not experience.complete
        return [f"resumes at {self.at.env_steps:,} env steps{experience.message}"]

    def load(self, saved: dict[str, Any]) -> Restored:
        """Take every part back to where ``save`` found it; returns what is there of the algorithm's experience."""
        self.at = Counters(**saved["counters"])
        self.algorithm.load_state_dict(saved["algorithm"])
        self.env.load_state_dict(saved["env"])
        self.rollout.load_state_dict(saved["rollout"])
        return self.algorithm.load_experience(saved["experience"])

    def close(self) -> None:
        """Release both worlds and the folder."""
        self._close_worlds()
        leave_folder(self.folder)

    def _close_worlds(self) -> None:
        self.env.close()
        self.test_env.close()

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.at.seconds[part] = self.at.seconds.get(part, 0.0) + time.perf_counter() - start
