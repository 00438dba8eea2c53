"""From what was asked to the runs that answer it, each with every setting that decides its result."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch

import algorithms.registry
import envs.registry
from algorithms.k24 import K24Config
from algorithms.settings.presets import preset
from envs.protocol import BatchedEnv
from envs.sc2.installation import game_name
from harness.cli.compare_args import Request
from harness.cli.errors import UsageError
from harness.cli.overrides import resolve_config, resolve_env
from harness.runs.budget import Budget
from harness.runs.checkpoint import CheckpointReplay
from harness.runs.provenance import config_hash
from studies.rows import RunKey


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
    """Whether checkpoints hold the replay; decides what a resumed run is, not what a run is."""

    def identity(self) -> dict[str, Any]:
        """Every setting that changes the result, and no other: two plans with equal identities are the same run.

        The code and the versions of packages are no part of it, though they can change a result as well: they stand
        in the provenance of each session, and a stored run that is met again with others says so.
        The seed stands beside it in ``RunKey``, so that the seeds of one question share one hash.
        """
        return {
            "algorithm": {"name": self.algorithm, **dataclasses.asdict(self.config)},
            "env": {"scenario": self.scenario, "fight": _fight(self.scenario), **self._world()},
            "train": {"env_steps": self.budget.env_steps, "num_envs": self.num_envs},
            "evaluation": {
                "test_interval": self.budget.test_interval,
                "test_episodes": self.budget.test_episodes,
                "test_slots": self.budget.test_slots,
                "final_episodes": self.budget.final_episodes,
                "final_slots": self.budget.final_slots,
            },
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
        return RunKey(
            algorithm=self.algorithm,
            scenario=self.scenario,
            seed=self.seed,
            config_hash=config_hash(self.identity()),
        )

    @property
    def label(self) -> str:
        """How progress lines call this run."""
        where = "" if self.backend == "battle" else f" on {self.backend}"
        return f"{self.algorithm} {self.scenario}{where} seed {self.seed}"

    def make_env(self, num_envs: int, seed: int) -> BatchedEnv:
        """A batch of this run's world."""
        options = dataclasses.asdict(self.env_options)
        return envs.make(self.scenario, num_envs=num_envs, seed=seed, backend=self.backend, **options)


def plan_runs(request: Request) -> tuple[list[RunPlan], list[str]]:
    """Every run of the comparison: seed by seed, so that each algorithm has a first number early.

    Returns:
        The plans, and a line for each setting that differs from its default.

    Raises:
        UsageError: a setting is unknown or of the wrong type, or the device or a
            package that a scenario needs is not there.
    """
    device = resolve_device(request.device)
    configs, options = {}, {}
    notes: dict[str, None] = {}  # in order, each line once
    for name in request.algorithms:
        config_class = algorithms.registry.config_class(name)
        overrides = {
            **_from_file(request, name),
            **_from_preset(request, config_class),
            "by the budget": request.budget.algorithm_overrides,
        }
        configs[name], lines = resolve_config(name, config_class, request.settings, overrides)
        notes |= dict.fromkeys(lines)
    for scenario in request.scenarios:
        options[scenario], lines = resolve_env(scenario, request.settings, request.backend)
        notes |= dict.fromkeys(lines)
    plans = [
        RunPlan(
            algorithm=name,
            config=configs[name],
            scenario=scenario,
            env_options=options[scenario],
            seed=seed,
            budget=request.budget,
            num_envs=request.num_envs,
            device=device,
            backend=request.backend,
            checkpoint_replay=request.checkpoint_replay,
        )
        for scenario in request.scenarios
        for seed in request.seeds
        for name in request.algorithms
    ]
    return plans, list(notes)


def _from_file(request: Request, algorithm: str) -> dict[str, dict[str, Any]]:
    """What a settings file of this algorithm says, where one was given."""
    return {f"by {file.name}": file.values for file in request.files if file.algorithm == algorithm}


def _from_preset(request: Request, config_class: type) -> dict[str, dict[str, Any]]:
    """The preset, for K24 and its controls; what a control itself sets otherwise stays as it is."""
    if request.preset is None or not issubclass(config_class, K24Config):
        return {}
    own, plain = config_class(), K24Config()
    chosen = {
        name: value for name, value in preset(request.preset).items() if getattr(own, name) == getattr(plain, name)
    }
    return {f"by preset {request.preset}": chosen}


def resolve_device(name: str) -> str:
    """``auto`` becomes ``cuda`` where a device is there, else ``cpu``.

    Raises:
        UsageError: no such device.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"unknown --device {name!r}; use auto, cpu, cuda or cuda:N") from None
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"--device {name!r} is not supported; use auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(
            f"--device {name!r}: PyTorch sees {torch.cuda.device_count()} CUDA devices here; use --device cpu"
        )
    return name


def _fight(scenario: str) -> dict[str, Any]:
    """What the name stands for: a map that its author redefines is another map, and so is one of another world."""
    row = envs.registry.entry(scenario)
    fight = dataclasses.asdict(row.scenario) if row.scenario is not None else {}
    return fight if row.entry_point == envs.registry.BATTLE else {**fight, "entry_point": row.entry_point}
