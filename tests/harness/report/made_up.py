"""A study of made-up runs, so that a report can be tested without training anybody."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from algorithms.sparsity.tracker import PATTERNS
from studies.rows import RunKey
from studies.run import RunRecord
from studies.store import StudyStore
from tests.harness.results.rows import curve_point, outcome
from tests.studies.sample import PROVENANCE, RESULT

STUDY, SCENARIO = "made-up", "terran_5_vs_5"
TYPES = ["marine", "marauder"]
STEPS = (0, 50_000, 100_000)


def storage(folder: Path) -> str:
    """URL of the database."""
    return f"sqlite:///{folder}/s.db"


def flags_of(folder: Path) -> list[str]:
    """Flags of ``harness.report`` that name the study in a folder."""
    return ["--storage", storage(folder), "--study", STUDY, "--runs", str(folder / "runs")]


def open_study(folder: Path) -> StudyStore:
    return StudyStore.open(storage(folder), STUDY)


def config(algorithm: str, **changed: Any) -> dict[str, Any]:
    """A resolved configuration."""
    settings = {"name": algorithm, "lr": 0.001, **changed}
    return {"algorithm": settings, "env": {"scenario": SCENARIO, "rules": "2024"}, "evaluation": {"n": 40}}


def masks(algorithm: str) -> dict[str, Any]:
    """As ``describe_masks`` gives them: 2:4, unstructured, or none."""
    if algorithm.startswith("qmix"):
        return {"groups": TYPES, "layers": {}}
    use = [[0.5, 0.1, 0.1, 0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.1, 0.1, 0.5]] if algorithm == "k24" else None
    assert use is None or len(use[0]) == len(PATTERNS)
    layer = {"sparsity": [0.5, 0.4], "pattern_use": use, "agreement": [[1.0, 0.3], [0.3, 1.0]]}
    return {"groups": TYPES, "layers": {"fc1": layer, "fc2": {**layer, "sparsity": [0.25, 0.25]}}}


def begin(store: StudyStore, algorithm: str, seed: int, scenario: str = SCENARIO, **changed: Any) -> RunRecord:
    """A run with its learning curve, not finished."""
    settings = config(algorithm, **changed)
    key = RunKey(algorithm=algorithm, scenario=scenario, seed=seed, config_hash=f"{algorithm}{len(str(changed))}")
    run = store.begin(key, config=settings, provenance={**PROVENANCE, "started": "2026-05-04T03:02:01+00:00"})
    for number, env_steps in enumerate(STEPS):
        run.curve(curve_point(env_steps, number / 8 + seed / 32, return_mean=4.0 * number, episodes=32))
    return run


def finish(run: RunRecord, win_rate: float) -> None:
    """Its 40 battles, of which it wins a share, and its result."""
    algorithm = run.key.algorithm
    wins = round(40 * win_rate)
    won = np.random.default_rng(run.key.seed).permutation(40) < wins
    run.outcomes([outcome(slot, bool(each), slots=40, episode_return=10.0) for slot, each in enumerate(won)])
    share, sparse = wins / 40, not algorithm.startswith("qmix")
    rates = dict(win_rate=share, win_low=max(0.0, share - 0.1), win_high=min(1.0, share + 0.1), wins=wins, episodes=40)
    flops = {"layers": {}, "dense": 100, "kept": 60.0}
    details = {"masks": masks(algorithm), "flops": flops, "schedule": {"total_env_steps": 100_000}, "resumes": 0}
    run.finish(dataclasses.replace(RESULT, **rates, sparsity_masked=0.5 if sparse else 0.0, details=details))


def make_study(folder: Path, *, algorithms: tuple[str, ...] = ("k24", "qmix", "kalei"), seeds: int = 2) -> None:
    """Finished runs of some algorithms; k24 wins most."""
    with open_study(folder) as store:
        for seed in range(seeds):
            for number, algorithm in enumerate(algorithms):
                finish(begin(store, algorithm, seed), 0.6 - 0.1 * number + 0.05 * seed)
