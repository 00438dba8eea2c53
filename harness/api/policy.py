"""A trained policy that acts: in a batch of worlds, in a PettingZoo world, or on plain arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

import envs
from algorithms.protocol import Algorithm
from common.values import checked
from envs.parallel_env import agent_names
from envs.protocol import BatchedEnv
from envs.spec import EnvSpec
from harness.cli.errors import UsageError
from harness.policies import trained
from harness.policies.evaluate import Greedy
from harness.policies.trained import PolicyFile
from harness.runs.budget import default_study
from harness.runs.process import resolve_device
from harness.runs.rollout import Seen
from studies.db.storage_url import DEFAULT_STORAGE

SIZES = ("n_agents", "n_actions", "obs_size")
"""What of a world decides whether a policy can act in it."""


class TrainedPolicy:
    """A greedy policy that remembers what a battle has shown so far; make it with ``load_policy``.

    Args:
        run: what its checkpoint says.
        algorithm: with the trained weights.
    """

    def __init__(self, run: PolicyFile, algorithm: Algorithm) -> None:
        self._run, self._algorithm = run, algorithm
        self._greedy: Greedy | None = None
        """What plays, with its memory of E battles; ``None`` before the first."""

    @property
    def algorithm(self) -> str:
        """Registered id."""
        return self._run.algorithm

    @property
    def scenario(self) -> str:
        """The scenario that it was trained on."""
        return self._run.scenario

    @property
    def backend(self) -> str:
        """Who played its battles: ``battle`` or ``sc2``."""
        return self._run.backend

    @property
    def env_options(self) -> dict[str, Any]:
        """Options of the world in which it was trained."""
        return dict(self._run.env_options)

    @property
    def env_steps(self) -> int:
        """The length of its training."""
        return int(self._run.content["env_steps"])

    @property
    def spec(self) -> EnvSpec:
        """Sizes of the world in which it was trained."""
        return self._algorithm.spec

    @property
    def learner(self) -> Algorithm:
        """The algorithm itself: network, masks, ``sparsity()``, ``masked_weights()``."""
        return self._algorithm

    def reset(self) -> None:
        """Forget everything: the next call of ``act`` begins new battles."""
        self._greedy = None

    def act(self, obs: ArrayLike, action_mask: ArrayLike, unit_type: ArrayLike) -> NDArray[np.int64]:
        """Choose the best legal action of every agent, and remember what was seen.

        Call ``reset`` when a new battle begins.

        Args:
            obs: (N, D), or (E, N, D) for battles side by side; finite.
            action_mask: (N, A) or (E, N, A), true or 1 where an action is legal, else false or 0.
            unit_type: (N,) or (E, N), index into ``spec.unit_types``; 0 where that is empty.

        Returns:
            Actions (N,) or (E, N).

        Raises:
            ValueError: a shape, kind or value is wrong, an agent has no legal action, or E changed without ``reset``.
        """
        given = [_numbers(name, each) for name, each in zip(_ARGUMENTS, (obs, action_mask, unit_type), strict=True)]
        alone = given[0].ndim == 2
        if alone:
            given = [array[None] for array in given]
        seen = self._checked(*given)
        e = len(seen.obs)
        self._greedy = greedy = self._greedy or Greedy(self._algorithm, e)
        if greedy.num_envs != e:
            raise ValueError(f"act: {e} battles, before there were {greedy.num_envs}; call reset() between them")
        actions = greedy.act(seen).copy()
        return actions[0] if alone else actions

    def act_parallel(
        self,
        observations: Mapping[str, Any],
        infos: Mapping[str, Mapping[str, Any]],
        *,
        agents: Sequence[str] | None = None,
    ) -> dict[str, int]:
        """Choose the actions of a PettingZoo world's agents, from what ``reset`` or ``step`` returned.

        Args:
            observations: agent -> ``{"observation": (D,), "action_mask": (A,)}``, or (D,) alone where the world has
                ``flat_observations``.
            infos: agent -> at least ``unit_type``, a name of ``spec.unit_types`` or its index; with
                ``flat_observations`` also ``action_mask``.
            agents: all names in the world's order, its ``possible_agents``; None: ``ally_0``, ``ally_1``, …

        Raises:
            ValueError: an agent is missing or unknown, or as of ``act``.
        """
        names = agent_names(self.spec.n_agents) if agents is None else list(agents)
        if set(names) != set(observations):
            raise ValueError(
                f"act_parallel: observations are of {', '.join(map(str, observations)) or 'no agent'}, they must be of "
                f"{', '.join(names)}. For a world whose agents have other names give agents=world.possible_agents"
            )
        rows = [_row(name, observations[name], infos.get(name, {})) for name in names]
        seen, masks, types = zip(*rows, strict=True)
        chosen = self.act(seen, masks, [self._type_number(each) for each in types])
        return {name: int(action) for name, action in zip(names, chosen, strict=True)}

    def __call__(self, env: BatchedEnv) -> NDArray[np.int64]:
        """Act in a whole batch (E, N); slots that began another battle are forgotten by themselves."""
        if self._greedy is None or self._greedy.num_envs != env.num_envs:
            self._greedy = Greedy(self._algorithm, env.num_envs)
        return self._greedy(env).copy()

    @checked(UsageError)
    def make_env(self, num_envs: int, seed: int = 0) -> BatchedEnv:
        """A batch of the world in which it was trained."""
        return envs.make(self.scenario, num_envs=num_envs, seed=seed, backend=self.backend, **self.env_options)

    def parallel_env(self, **options: Any) -> Any:
        """The same world for PettingZoo; ``options`` as of ``envs.parallel_env``."""
        return envs.parallel_env(self.scenario, backend=self.backend, **{**self.env_options, **options})

    def __repr__(self) -> str:
        return f"TrainedPolicy({self.algorithm} on {self.scenario}, {self.env_steps:,} env steps)"

    def _checked(self, obs: NDArray[Any], action_mask: NDArray[Any], unit_type: NDArray[Any]) -> Seen:
        """Return the arguments of ``act`` for E battles as a policy takes them, or raise ValueError."""
        spec, e = self.spec, obs.shape[0] if obs.ndim == 3 else -1
        wanted = {
            "obs": (obs, (e, spec.n_agents, spec.obs_size)),
            "action_mask": (action_mask, (e, spec.n_agents, spec.n_actions)),
            "unit_type": (unit_type, (e, spec.n_agents)),
        }
        for name, (array, shape) in wanted.items():
            if array.ndim == len(shape) and len(array) != e:
                raise ValueError(f"act: {name} is of {len(array)} battles, obs is of {e}")
            if array.shape != shape:
                expected = ", ".join(map(str, shape[1:]))
                raise ValueError(f"act: {name} is {array.shape[1:]} for each battle, {self!r} needs ({expected})")
        with np.errstate(over="ignore"):
            seen = obs.astype(np.float32, order="C")
        if e == 0:
            raise ValueError("act: obs is of 0 battles, there must be at least one")
        if not np.isfinite(seen).all():
            raise ValueError("act: obs holds NaN, infinity or a number too large for float32; it must be finite")
        if not ((action_mask == 0) | (action_mask == 1)).all():
            raise ValueError("act: action_mask holds other values than 0 and 1, false and true")
        if not action_mask.any(axis=-1).all():
            raise ValueError("act: an agent has no legal action; the dead have action 0, no-op")
        last = max(len(spec.unit_types) - 1, 0)
        wrong = unit_type[~((unit_type >= 0) & (unit_type <= last) & (unit_type == np.floor(unit_type)))]
        if wrong.size:
            names = ", ".join(f"{number} {name}" for number, name in enumerate(spec.unit_types)) or "0"
            raise ValueError(f"act: unit_type holds {wrong[0]}; {self!r} knows {names}")
        return Seen(seen, action_mask.astype(bool, order="C"), unit_type.astype(np.int64, order="C"))

    def _type_number(self, unit_type: Any) -> Any:
        if not isinstance(unit_type, str):
            return unit_type
        if not self.spec.unit_types:
            return 0
        if unit_type not in self.spec.unit_types:
            known = ", ".join(self.spec.unit_types)
            raise ValueError(f"unit type {unit_type!r} is unknown to {self!r}; it knows {known}")
        return self.spec.unit_types.index(unit_type)


_ARGUMENTS = {"obs": "real numbers", "action_mask": "true or 1, false or 0", "unit_type": "whole numbers"}
"""What each argument of ``act`` holds."""


def _numbers(name: str, given: ArrayLike) -> NDArray[Any]:
    """Return an argument of ``act`` as an array, or raise ValueError where it holds no real numbers."""
    try:
        array = np.asarray(given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"act: {name} is no array ({error}); it must hold {_ARGUMENTS[name]}") from error
    if array.dtype.kind not in "biuf":
        raise ValueError(f"act: {name} is of dtype {array.dtype}; it must hold {_ARGUMENTS[name]}")
    return array


def _row(name: str, observation: Any, info: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """Observation, action mask and unit type of an agent in a PettingZoo world."""
    parts = {**info, **(observation if isinstance(observation, Mapping) else {"observation": observation})}
    wanted = ("observation", "action_mask", "unit_type")
    if lacking := [part for part in wanted if part not in parts]:
        raise ValueError(
            f"act_parallel: {', '.join(lacking)} of {name} is missing. Give what reset or step of the world returned"
        )
    return parts["observation"], parts["action_mask"], parts["unit_type"]


@checked(UsageError)
def load_policy(
    run: str | Path | int,
    *,
    study: str = default_study("quick", None),
    storage: str = DEFAULT_STORAGE,
    out: str | Path = "runs",
    device: str | torch.device = "cpu",
) -> TrainedPolicy:
    """Load a trained policy.

    Args:
        run: folder of a run, its checkpoint, a folder made by ``push`` or ``pull``, or the number of its trial.
        study: of the trial, where ``run`` is a number.
        storage: database of the trial, likewise.
        out: ``--out`` of the comparison, likewise.
        device: where its network computes: ``cpu``, ``cuda``, ``cuda:N`` or ``auto``.

    Raises:
        UsageError: it is not there, cannot be read, or names an algorithm or scenario that is not registered.
        StorageError: the database cannot be used.
    """
    if isinstance(run, int):
        run = trained.folder_of_trial(run, study=study, storage=storage, out=Path(out))
    found = trained.read_policy_file(Path(run))
    return TrainedPolicy(found, found.restore(resolve_device(str(device))))


def check_fits(policy: TrainedPolicy, spec: EnvSpec) -> None:
    """Refuse a world of other sizes than those of training.

    Raises:
        UsageError: which sizes differ.
    """
    own = policy.spec
    sizes = [(name, getattr(own, name), getattr(spec, name)) for name in SIZES]
    differing = [f"{name} {one} and {other}" for name, one, other in sizes if one != other]
    if len(spec.unit_types) > len(own.unit_types):
        differing.append(f"unit types {', '.join(own.unit_types) or 'none'} and {', '.join(spec.unit_types)}")
    if differing:
        raise UsageError(
            f"{policy!r} cannot act on {spec.id}: they differ in {'; '.join(differing)}. "
            f"Train one there: compare(algos=[{policy.algorithm!r}], scenarios=[{spec.id!r}])"
        )
