"""What a trial tries follows from its number, whichever worker has it."""

from __future__ import annotations

import optuna

from harness.search.space import TrialSampler


def drawn(workers: list[int], seed: int = 0) -> list[dict[str, float]]:
    """Settings of the trials of a search; ``workers`` says who has which trial."""
    study = optuna.create_study(direction="maximize")
    samplers = [TrialSampler(seed, startup=3) for _ in range(max(workers) + 1)]
    found = []
    for worker in workers:
        study.sampler = samplers[worker]
        trial = study.ask()
        x, kind = trial.suggest_float("x", 0, 1), trial.suggest_categorical("kind", ("a", "b"))
        found.append({"x": x, "kind": kind})
        study.tell(trial, x)
    return found


def test_any_number_of_workers_tries_the_same() -> None:
    alone = drawn([0] * 8)
    assert drawn([0, 1, 2, 1, 0, 0, 2, 1]) == alone
    assert len({each["x"] for each in alone}) == 8, "no two of them draw the same"


def test_another_seed_tries_others() -> None:
    ours, theirs = ({each["x"] for each in drawn([0] * 8, seed)} for seed in (0, 1))
    assert not ours & theirs


def test_after_the_start_trials_are_drawn_near_the_good_ones() -> None:
    tried = [each["x"] for each in drawn([0] * 30)]
    assert sum(tried[20:]) / 10 > 0.7, "x is its own score; at random they would average a half"
