"""The learner benchmark runs and prints a row; how long it takes is not looked at."""

import argparse

import pytest

from benchmarks.learner import update


def test_a_row_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    update.measure("qmix", argparse.Namespace(threads=1, episodes=2, steps=3, repeats=1, deterministic=False))
    row = capsys.readouterr().out.splitlines()[-1].split()  # a notice of compiling may come before
    assert row[0] == "qmix"
    assert float(row[2]) > 0


def test_batch_is_as_described() -> None:
    batch = update.random_batch(episodes=20, steps=20)
    lengths = batch.filled.sum(1)
    assert lengths.max() == 20
    assert lengths.min() >= 7
    legal = batch.action_mask[:, :-1].gather(3, batch.actions[..., None])
    assert legal[batch.filled].all()
