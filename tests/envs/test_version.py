"""A saved battle notices that the engine, the unit data or the scenario have changed since."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import envs
from envs.battle.engine import BattleEnv
from envs.battle.snapshots import version
from envs.battle.unit_types import unit_types
from tests.envs.play import unregistered


def battle(**changes: object) -> BattleEnv:
    scenario = envs.registry.entry("3m").scenario
    assert scenario is not None
    made = unregistered(dataclasses.replace(scenario, **changes), seed=1)  # type: ignore[arg-type]
    made.reset()
    return made


def test_it_goes_on_where_nothing_has_changed() -> None:
    played, other = battle(), battle()
    legal = played.action_mask.argmax(-1)
    played.step(legal)
    other.load_state_dict(played.state_dict())
    np.testing.assert_array_equal(other.obs, played.obs)


def test_changed_unit_data() -> None:
    saved = battle().state_dict()
    for name in ("zealot", "marine"):
        with unit_types.preserved():
            row = unit_types.get(name)
            unit_types._entries[name] = row | {"hp": row["hp"] + 1}
            if name == "zealot":  # none of the battle's types
                battle().load_state_dict(saved)
            else:
                with pytest.raises(ValueError, match="another version of the unit data; start the run again"):
                    battle().load_state_dict(saved)


@pytest.mark.parametrize("change", [dict(map="ring"), dict(script="none"), dict(episode_limit=50)])
def test_a_changed_scenario(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="another version of the scenario, its terrain or its options"):
        battle(**change).load_state_dict(battle().state_dict())


def test_changed_code_counts_and_changed_comments_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = '"""A rule."""\n\ndef speed(u):\n    """Cells a tick."""\n    return u * 2  # doubled\n'
    monkeypatch.setattr(version, "ENGINE_FOLDER", tmp_path)
    hashes = []
    for text in (source, source.replace("A rule", "Rules").replace("# doubled", ""), source.replace("* 2", "* 3")):
        (tmp_path / "rule.py").write_text(text)
        hashes.append(version.engine_hash.__wrapped__())
    assert hashes[0] == hashes[1] != hashes[2]
