"""A policy file that is not what the harness writes is refused with what is wrong in it."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from harness import api
from harness.cli.errors import UsageError
from harness.policies.trained import read_policy_file
from harness.runs.checkpoint import POLICY, save_policy
from tests.harness.fake_policy import content_of, untrained_policy

MISSING = object()


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """What the file of a fresh learner holds."""
    return content_of(untrained_policy("qmix", "3m", rnn_hidden_dim=8))


def written(folder: Path, whole: dict[str, Any], place: str, value: object) -> Path:
    """Write a policy whose part at ``place`` is ``value``."""
    content = copy.deepcopy(whole)
    *outer, name = place.split("/")
    holder = content
    for part in outer:
        holder = holder[part]
    holder[name] = value
    if value is MISSING:
        del holder[name]
    save_policy(folder / POLICY, content)
    return folder


def test_a_whole_file_is_read(tmp_path: Path, whole: dict[str, Any]) -> None:
    assert api.load_policy(written(tmp_path, whole, "env_steps", 7)).env_steps == 7


@pytest.mark.parametrize(
    ("place", "value", "fault"),
    [
        ("identity", MISSING, "identity is missing"),
        ("identity", [1], "identity is a list, it must be a mapping"),
        ("identity", "x", "identity is a str, it must be a mapping"),
        ("identity/env", MISSING, "identity/env is missing"),
        ("identity/env", None, "identity/env is a NoneType, it must be a mapping"),
        ("identity/env/scenario", MISSING, "identity/env/scenario is missing"),
        ("identity/env/scenario", [1], "identity/env/scenario is a list, it must be a text"),
        ("identity/algorithm", MISSING, "identity/algorithm is missing"),
        ("identity/algorithm/name", MISSING, "identity/algorithm/name is missing"),
        ("identity/train", MISSING, "identity/train is missing"),
        ("identity/train/env_steps", "x", "identity/train/env_steps is a str, it must be a whole number"),
        ("algorithm", MISSING, "algorithm is missing"),
        ("env_steps", MISSING, "env_steps is missing"),
        ("env_steps", True, "env_steps is a bool, it must be a whole number"),
    ],
)
def test_a_part_that_is_not_there(tmp_path: Path, whole: dict[str, Any], place: str, value: object, fault: str) -> None:
    folder = written(tmp_path, whole, place, value)
    message = f"policy {folder / POLICY} cannot be used: {fault}. Nothing was changed. Train the run"
    with pytest.raises(UsageError, match=re.escape(message)):
        read_policy_file(folder)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("identity/env/gone_option", 1),
        ("identity/env/num_envs", 3),
        ("identity/env/step_mul", "x"),
        ("identity/env/backend", "nope"),
        ("identity/env/backend", [1]),
        ("identity/algorithm/gone", 1),
        ("identity/algorithm/rnn_hidden_dim", "x"),
        ("algorithm", {}),
    ],
)
def test_options_of_another_version(tmp_path: Path, whole: dict[str, Any], place: str, value: object) -> None:
    with pytest.raises(UsageError, match=r"policy\.pt does not fit this program('s world)? \(.*Nothing was changed"):
        api.load_policy(written(tmp_path, whole, place, value))
