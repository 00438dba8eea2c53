"""One run: an algorithm with its settings, a scenario, a seed and a length, as an object and as JSON."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import algorithms.registry
import envs.registry
from algorithms.protocol import Algorithm
from envs.protocol import BatchedEnv
from envs.sc2.installation import game_name
from envs.spec import EnvSpec
from harness.cli.errors import UsageError
from harness.runs.budget import Budget, CheckpointReplay
from harness.runs.process import resolve_device
from harness.runs.provenance import config_hash
from studies.rows import RunKey

EVALUATION = ("test_interval", "test_episodes", "test_slots", "final_episodes", "final_slots")
"""Fields of a budget that say how a run is evaluated."""


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """One run: an algorithm with its settings, a scenario, a seed, a length."""

    algorithm: str
    config: Any
    """The algorithm's resolved dataclass."""
    scenario: str
    env_options: Any
    """The world's resolved dataclass."""
    seed: int
    budget: Budget
    num_envs: int
    """E: training battles side by side."""
    device: str
    """``cpu``, ``cuda`` or ``cuda:N``."""
    backend: str = "battle"
    """Who plays the scenario: the built-in engine or, with ``sc2``, StarCraft II."""
    checkpoint_replay: CheckpointReplay = "auto"
    """Changes how a resumed run continues, so it is not part of the run's identity."""

    def identity(self) -> dict[str, Any]:
        """Return every setting that changes the result, and no other; two plans of equal training are the same run.

        How a run is evaluated stands in it as ``evaluation`` and is no part of the run's hash: another number of
        battles evaluates the trained policy again and trains nothing. The code and the versions of packages are no
        part of it either, though they can change a result: they stand in the provenance of each session, and a stored
        run that is met again with others says so. The seed stands beside it in ``RunKey``, so that the seeds of one
        question share one hash.
        """
        return {
            "algorithm": {"name": self.algorithm, **dataclasses.asdict(self.config)},
            "env": {"scenario": self.scenario, "fight": fight_of(self.scenario), **self._world()},
            "train": {"env_steps": self.budget.env_steps, "num_envs": self.num_envs},
            "evaluation": {name: getattr(self.budget, name) for name in EVALUATION},
            "device": self.device.partition(":")[0],
        }

    def _world(self) -> dict[str, Any]:
        """Options that decide results; backend and game only where it is not the built-in engine."""
        options = {
            option.name: getattr(self.env_options, option.name)
            for option in dataclasses.fields(self.env_options)
            if option.metadata.get("decides_result", True)
        }
        return options if self.backend == "battle" else {"backend": self.backend, "game": game_name(), **options}

    @property
    def key(self) -> RunKey:
        of_training = {part: value for part, value in self.identity().items() if part != "evaluation"}
        return RunKey(
            algorithm=self.algorithm, scenario=self.scenario, seed=self.seed, config_hash=config_hash(of_training)
        )

    @property
    def label(self) -> str:
        """Name of this run in progress lines."""
        where = "" if self.backend == "battle" else f" on {self.backend}"
        return f"{self.algorithm} {self.scenario}{where} seed {self.seed}"

    def make_env(self, num_envs: int, seed: int) -> BatchedEnv:
        """A batch of this run's world."""
        options = dataclasses.asdict(self.env_options)
        return envs.make(self.scenario, num_envs=num_envs, seed=seed, backend=self.backend, **options)

    def make_algorithm(self, spec: EnvSpec, seed: int) -> Algorithm:
        """A fresh learner for a world of this shape."""
        length = self.budget.env_steps
        return algorithms.registry.make(
            self.algorithm, spec, self.config, total_env_steps=length, seed=seed, device=self.device
        )

    def to_json(self, *, deterministic: bool = False) -> dict[str, Any]:
        """Return the plan as JSON-able data, so that another process or machine can do it: ``k24_runs.job``.

        Args:
            deterministic: whether the run uses only operations that give the same bits each time.
        """
        fields = ("algorithm", "scenario", "seed", "num_envs", "device", "backend", "checkpoint_replay")
        return {
            **{name: getattr(self, name) for name in fields},
            "config": dataclasses.asdict(self.config),
            "env_options": dataclasses.asdict(self.env_options),
            "budget": dataclasses.asdict(self.budget),
            "config_hash": self.key.config_hash,
            "deterministic": deterministic,
        }

    @classmethod
    def from_json(cls, job: dict[str, Any], device: str = "auto") -> RunPlan:
        """Return the plan of ``to_json``, as this process would have made it.

        Args:
            job: of ``to_json``.
            device: where this process works: a run that was planned for ``cuda`` takes the one it names.

        Raises:
            UsageError: what the run needs is not here: its algorithm, scenario, game, device, or the same settings.
        """
        name, scenario, backend = job["algorithm"], job["scenario"], job.get("backend", "battle")
        if missing := unregistered(name, scenario):
            raise UsageError(missing)
        try:
            plan = cls(
                algorithm=name,
                config=algorithms.registry.config_class(name)(**_with_tuples(job["config"])),
                scenario=scenario,
                env_options=envs.registry.options_class(scenario, backend)(**_with_tuples(job["env_options"])),
                seed=job["seed"],
                budget=Budget(**job["budget"]),
                num_envs=job["num_envs"],
                device=_device(job["device"], device),
                backend=backend,
                checkpoint_replay=job["checkpoint_replay"],
            )
        except (TypeError, ValueError) as error:
            raise UsageError(f"{name} {scenario}: planned by another version of this program ({error})") from error
        try:
            envs.registry.require_installed(scenario, backend, plan.env_options)
        except ValueError as error:
            raise UsageError(f"{plan.label}: {error}") from error
        if plan.key.config_hash != job["config_hash"]:
            raise UsageError(
                f"{plan.label}: here its settings are others than where it was planned ({plan.key.config_hash}, there "
                f"{job['config_hash']}); give this machine the same version and the same --import files"
            )
        return plan


def unregistered(algorithm: str, scenario: str) -> str:
    """Say which of the two is not registered here; empty where both are."""
    asked = ("algorithm", algorithm, algorithms.registry.ids()), ("scenario", scenario, envs.registry.ids())
    missing = [f"{kind} {name}" for kind, name, known in asked if name not in known]
    return f"{missing[0]} is not registered here; name the file that does: --import my_file.py" if missing else ""


def fight_of(scenario: str) -> dict[str, Any]:
    """Return what a scenario's name stands for: a map that is redefined, or of another world, is another map."""
    row = envs.registry.entry(scenario)
    fight = {} if row.scenario is None else dataclasses.asdict(row.scenario) | envs.registry.own_data(row.scenario)
    return fight if row.entry_point == envs.registry.BATTLE else {**fight, "entry_point": row.entry_point}


def _device(planned: str, here: str) -> str:
    """The device of this process for a run that was planned for one of the same kind."""
    kind = planned.partition(":")[0]
    if here == "auto":
        return resolve_device(planned if kind == "cpu" else kind)
    if resolve_device(here).partition(":")[0] != kind:
        raise UsageError(f"it was planned for {kind}, this worker is on {here}")
    return here


def _with_tuples(value: Any) -> Any:
    """Return the value with tuples in place of lists: JSON knows no tuples, and config dataclasses hold no lists."""
    if isinstance(value, dict):
        return {name: _with_tuples(each) for name, each in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value
