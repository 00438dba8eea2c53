"""``compare``: the command ``harness.compare`` as a function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from common.values import checked
from harness.api.study import Study
from harness.cli.common import flag_words
from harness.cli.console import make_console
from harness.cli.errors import UsageError
from harness.compare import completed_study
from harness.flags.compare import read_flags
from harness.results.study_data import collect
from studies.db.storage_url import DEFAULT_STORAGE


class Comparison(Study):
    """The runs that were asked for, with their results; other runs of the same study are left out."""

    complete: bool = True
    """Whether every run has finished; a failed one is tried again when ``compare`` is called again."""


@checked(UsageError)
def compare(
    algos: Sequence[str] = ("k24", "qmix", "kalei"),
    scenarios: Sequence[str] = ("terran_5_vs_5",),
    *,
    env_steps: int | None = None,
    seeds: int | Sequence[int] | None = None,
    budget: str = "quick",
    settings: Mapping[str, Any] | None = None,
    study: str | None = None,
    storage: str = DEFAULT_STORAGE,
    out: str | Path = "runs",
    device: str | torch.device = "auto",
    num_envs: int | None = None,
    n_jobs: int = 1,
    backend: str = "battle",
    log: Sequence[str] = (),
    imports: Sequence[str] = (),
    progress: bool = True,
) -> Comparison:
    """Train and compare, as ``python -m harness.compare`` does: finished runs are not repeated, killed ones resume.

    Args:
        algos: registered algorithms.
        scenarios: registered scenarios.
        env_steps: length of each run; ``None``: the budget's.
        seeds: how many, or which; ``None``: the budget's.
        budget: how long runs are and how often they are evaluated: ``smoke``, ``quick``, ``standard``, ``long`` or
            ``paper``.
        settings: ``{"k24.div_coef": 0.2, "env.rules": 2023}``, as ``--set``.
        study: its name; ``None``: by budget and length, as the command names it.
        storage: the database.
        out: folder for checkpoints.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        num_envs: training battles side by side; ``None``: 8, or 4 with ``sc2``.
        n_jobs: runs that are trained at the same time, in processes of their own.
        backend: ``battle``, the built-in engine, or ``sc2``, StarCraft II.
        log: loggers, for example ``["tensorboard"]``.
        imports: files or modules that register your own algorithms or maps, for worker processes.
        progress: whether progress is printed.

    Raises:
        UsageError: a name or value is wrong; nothing was started.
        StorageError: the database cannot be used.
        KeyboardInterrupt: stopped by the user; what is done is kept, and the same call goes on from there.
    """
    given = dict(
        algos=algos, scenarios=scenarios, env_steps=env_steps, seeds=seeds, budget=budget, settings=settings,
        study=study, storage=storage, out=out, device=device, num_envs=num_envs, n_jobs=n_jobs, backend=backend,
        log=log, imports=imports,
    )  # fmt: skip
    args = read_flags(_words(given))
    with completed_study(make_console() if progress else Console(quiet=True), args) as (store, plans, all_finished):
        data = collect(store, args.study, {plan.key for plan in plans})
    result = Comparison(data, title=args.title, storage=args.storage, out=args.out)
    result.complete = all_finished
    return result


def _words(given: Mapping[str, Any]) -> list[str]:
    """Return the arguments of ``compare`` as those of the command; three of them are written in their own way."""
    words = ["--report", "none"]
    for name, value in given.items():
        if name == "settings":
            pairs = (f"{key}={_joined(setting)}" for key, setting in (value or {}).items())
            words += [word for pair in pairs for word in flag_words("--set", pair)]
        elif name == "imports":
            targets = [value] if isinstance(value, str) else value
            words += [word for target in targets for word in flag_words("--import", target)]
        elif name == "seeds" and isinstance(value, Sequence):
            words += flag_words("--seeds", _joined([*value, ""]))  # "4," is seed 4 alone
        elif value is not None and value != ():
            words += flag_words(f"--{name.replace('_', '-')}", _joined(value))
    return words


def _joined(value: Any) -> str:
    """Return a list as the command reads it; a single name or number stays as it is."""
    several = isinstance(value, Sequence) and not isinstance(value, str)
    return ",".join(map(str, value)) if several else str(value)
