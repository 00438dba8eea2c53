"""A run of ``harness.compare`` brought back to play: from its policy.pt to a greedy policy and its world."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import algorithms.registry
import envs.registry
from algorithms.protocol import Algorithm
from envs.spec import EnvSpec
from harness.cli.common import is_number
from harness.cli.errors import UsageError
from harness.runs.checkpoint import EARLIER, POLICY, RESUME, load_policy_content, unusable
from harness.runs.files import run_folder
from harness.runs.plan import unregistered
from studies.db.storage_url import parse_storage_url
from studies.reader import StudyReader
from studies.rows import RunRow, key_of


@dataclass(frozen=True, kw_only=True)
class PolicyFile:
    """What a ``policy.pt`` says about its run."""

    path: Path
    """The file."""
    algorithm: str
    scenario: str
    backend: str
    """Who played the scenario."""
    env_options: dict[str, Any]
    """Of the world that it was trained in."""
    content: dict[str, Any]

    @property
    def label(self) -> str:
        """Who plays, and how long it has learned."""
        return f"{self.algorithm}, {self.content['env_steps']:,} env steps"

    def world(self, seed: int, num_envs: int = 1) -> Any:
        """Return a fresh world as the run was trained in.

        Raises:
            UsageError: the world of this program has other options.
        """
        try:
            return envs.registry.make(self.scenario, num_envs, seed=seed, backend=self.backend, **self.env_options)
        except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
            raise unusable(self.path, "does not fit this program's world", error) from error

    def policy(self, env: Any, device: str) -> Algorithm:
        """The algorithm as the checkpoint left it.

        Args:
            env: a world of this run; a batch, or one battle for PettingZoo.
            device: where its networks shall live.

        Raises:
            UsageError: the checkpoint is of another version of the algorithm or the world.
        """
        settings = dict(self.content["identity"]["algorithm"])
        name = settings.pop("name")
        spec = env.spec if isinstance(getattr(env, "spec", None), EnvSpec) else env.unwrapped.batch.spec
        try:
            algorithm = algorithms.registry.make(
                name,
                spec,
                algorithms.registry.config_class(name)(**settings),
                total_env_steps=self.content["identity"]["train"]["env_steps"],
                seed=0,
                device=device,
            )
            algorithm.load_state_dict(self.content["algorithm"])
        except Exception as error:  # whatever a learner raises at the state of another version of itself
            raise unusable(self.path, "does not fit this program", error) from error
        return algorithm

    def restore(self, device: str) -> Algorithm:
        """Return the algorithm as of ``policy``, without a world: one is made for its sizes, and closed.

        Raises:
            UsageError: as of ``world`` and ``policy``.
        """
        with closing(self.world(seed=0)) as env:
            return self.policy(env, device)


def read_policy_file(path: Path) -> PolicyFile:
    """Read a run's policy; nothing that the file holds is run.

    Args:
        path: ``policy.pt``, or the folder of its run.

    Raises:
        UsageError: it is not there, cannot be read, lacks a part, or names what is not registered.
    """
    try:
        file = path / POLICY if path.is_dir() else path
        content = None if file.name == RESUME else load_policy_content(file)
    except OSError as error:  # a name longer than any file's, or a folder that may not be read
        raise UsageError(f"--run {str(path)[:200]}: {error.strerror}; {HINT}") from error
    if content is None:
        raise UsageError(f"--run {path}: {_why_not(path)}")
    _check_structure(file, content)
    identity = content["identity"]
    world = dict(identity["env"])
    scenario, backend = world.pop("scenario"), world.pop("backend", "battle")
    for described in ("fight", "game"):
        world.pop(described, None)
    algorithm = identity["algorithm"]["name"]
    if missing := unregistered(algorithm, scenario):
        raise UsageError(f"--run {path}: {missing}")
    return PolicyFile(
        path=file, algorithm=algorithm, scenario=scenario, backend=backend, env_options=world, content=content
    )


def read_policy_of(row: RunRow, folder: Path) -> PolicyFile:
    """Read the policy of a finished run from its folder.

    Raises:
        UsageError: as of ``read_policy_file``, or it is still in training, for the record of another database.
    """
    found = read_policy_file(folder)
    if found.content["env_steps"] < row.env_steps:
        raise UsageError(
            f"{found.path} is of {found.content['env_steps']:,} env steps, the finished run has {row.env_steps:,}: "
            "another command trains it for another --storage; wait for that"
        )
    return found


_PARTS: tuple[tuple[str, type, str], ...] = (
    ("identity", dict, "a mapping"),
    ("identity/algorithm", dict, "a mapping"),
    ("identity/algorithm/name", str, "a text"),
    ("identity/env", dict, "a mapping"),
    ("identity/env/scenario", str, "a text"),
    ("identity/train", dict, "a mapping"),
    ("identity/train/env_steps", int, "a whole number"),
    ("algorithm", dict, "a mapping"),
    ("env_steps", int, "a whole number"),
)
"""What every policy file holds, the outer parts first: where, its type, and the type in words."""


def _check_structure(file: Path, content: dict[str, Any]) -> None:
    """Refuse a policy file that lacks a part, or holds something else in its place."""
    for place, kind, words in _PARTS:
        *outer, name = place.split("/")
        holder: Any = content
        for part in outer:
            holder = holder[part]
        found = holder.get(name)
        if isinstance(found, kind) and not isinstance(found, bool):
            continue
        fault = f"{place} is a {type(found).__name__}, it must be {words}" if name in holder else f"{place} is missing"
        raise UsageError(
            f"policy {file} cannot be used: {fault}. Nothing was changed. "
            "Train the run again, or name the folder of another run"
        )


HINT = "a run's folder looks like runs/compare-quick/k24-terran_5_vs_5-seed0-0123456789ab"


def _why_not(path: Path) -> str:
    """Why no policy was found there, and what to type instead."""
    folder = path if path.is_dir() else path.parent
    if path.name in (RESUME, EARLIER) or (folder / EARLIER).exists():
        return (
            f"only {POLICY} is read here, since {path.name if path.is_file() else EARLIER} runs code when it is read; "
            f"give the run's folder, or, where it holds no {POLICY}, train the run again with this version"
        )
    below = sorted(str(found.parent) for depth in ("*", "*/*") for found in path.glob(f"{depth}/{POLICY}"))
    return f"no {POLICY} there; {'runs below it: ' + ', '.join(below) if below else HINT}"


def folder_of_run(run: str, *, study: str, storage: str, out: str) -> Path:
    """Return where a run lies that is named by its folder or by its trial's number.

    Raises:
        UsageError: no such database, study or finished trial.
        StorageError: the database cannot be used.
    """
    return folder_of_trial(int(run), study=study, storage=storage, out=Path(out)) if is_number(run) else Path(run)


def folder_of_trial(number: int, *, study: str, storage: str, out: Path) -> Path:
    """Where the run of an Optuna trial keeps its checkpoint.

    Raises:
        UsageError: no such database or study, or no finished trial of that number in it.
        StorageError: the database cannot be used.
    """
    file = parse_storage_url(storage).path
    if file and not file.exists():
        raise UsageError(f"--run {number} names a trial, but there is no database {file}; name it with --storage")
    with StudyReader.open_existing(storage, study) as store:
        rows = {row.trial_number: row for row in store.rows()}
    if number not in rows:
        message = ", ".join(f"{trial} ({row.algorithm} {row.scenario})" for trial, row in rows.items())
        raise UsageError(
            f"--run {number}: study {study} has no finished trial of that number; it has {message or 'none'}; "
            "another study: --study NAME"
        )
    return run_folder(out, study, key_of(rows[number]))
