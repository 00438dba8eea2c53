"""Hashes of rules and data that a saved battle carries, so that a change is noticed when it is loaded."""

from __future__ import annotations

import ast
import hashlib
import json
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.battle.jit import ENGINE_FOLDER
from envs.battle.scenarios import Scenario
from envs.battle.state import BATTLE
from envs.battle.unit_types import facts, facts_of, kind_of

BY_KIND = ("type_by_kind", "enemy_type_by_kind", "shoot_range", "sight_range", "cooldown_scale")
"""Fields of the setup with an entry for each unit type that is registered."""


def version_of(scenario: Scenario, setup: NDArray[np.void]) -> dict[str, str]:
    """Hashes by part of what a battle of this scenario depends on, its seed and slot left out.

    Args:
        scenario: who fights whom.
        setup: the record that compiled code reads.
    """
    fields = [name for name in setup.dtype.names or () if name not in ("seed", "first_slot")]
    types = {*scenario.ordered_types, *scenario.ally_team, *scenario.enemy_team, *scenario.ordered_enemy_types}
    rows = dict(zip(facts(), facts_of(scenario.catalog), strict=True))
    used = json.dumps({name: rows[name] for name in sorted(types)}, sort_keys=True, default=repr)
    return {
        "engine": engine_hash(),
        "unit data": _digest(used.encode()),
        "scenario, its terrain or its options": _digest(b"".join(_bytes(setup, name, types) for name in fields)),
    }


def _bytes(setup: NDArray[np.void], field: str, types: set[str]) -> bytes:
    """The content of a field; where it has an entry for each kind, without those of units that others registered."""
    values = setup[field]
    if field not in BY_KIND:
        return values.tobytes()
    own = values.copy()
    for name, row in facts().items():
        if "assumed" in row and name not in types:  # it is not one of the game's own
            own[0, kind_of(name)] = 0
    return own.tobytes()


@cache
def engine_hash() -> str:
    """Hash of the engine's code: comments and docstrings do not count."""
    parts = [repr(BATTLE)]
    for path in sorted(ENGINE_FOLDER.rglob("*.py")):
        parts += [path.relative_to(ENGINE_FOLDER).as_posix(), ast.unparse(_without_docstrings(path.read_text("utf-8")))]
    return _digest("\0".join(parts).encode())


def _without_docstrings(source: str) -> ast.Module:
    """The syntax tree without bare strings: docstrings, and notes under fields."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body: Any = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not _is_text(line)]  # type: ignore[attr-defined]
    return tree


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
