"""The end-to-end benchmark learns as much as its ratio says; how long it takes is not looked at."""

from __future__ import annotations

import pytest

from benchmarks.learner import end_to_end
from benchmarks.learner.end_to_end import Course, Ratio
from tests.harness.conftest import Printed
from tests.harness.fake_algorithm import rule
from tests.harness.fake_env import FakeEnv


@pytest.mark.parametrize(
    "ratio",
    [
        Ratio(batch_size=4, updates=1, episodes=3, num_envs=4),
        Ratio(batch_size=4, updates=5, env_steps=40, num_envs=4),
    ],
)
def test_updates_follow_the_ratio(ratio: Ratio) -> None:
    env = FakeEnv(ratio.num_envs, 0)
    env.reset()
    algorithm = rule(env)
    course = Course(algorithm, env, ratio)
    course.fill(10)
    warm_up = len(algorithm.updates)
    for _ in range(50):
        course.play()
        course.learn()
    calls = course.clock.calls
    assert course.env_steps == 200
    assert calls["engine"] == calls["acting"] == 50
    assert calls["insert"] == course.episodes > 30
    due = course.episodes // 3 if ratio.episodes else 5 * (200 // 40)
    assert calls["update"] == calls["sample"] == len(algorithm.updates) - warm_up == due


def test_a_row_is_printed(printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(end_to_end.RATIOS, "tiny", Ratio(batch_size=2, updates=1, episodes=1, num_envs=2))
    monkeypatch.setattr(Course, "fill", lambda course, episodes: None)
    monkeypatch.setattr(Course, "learn", lambda course: None)
    end_to_end.measure("qmix", "tiny", 0.5)
    row = printed().splitlines()[-1].split()  # a notice of compiling may come before
    assert row[:2] == ["qmix", "tiny"]
    assert float(row[2].replace(",", "")) > 0
