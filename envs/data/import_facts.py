"""Rewrite the fact files about StarCraft II into the package's own data files.

    python envs/data/import_facts.py FACTS_DIR

reads ``units.json``, ``scenarios.json`` and ``maps/`` of FACTS_DIR and writes the files beside this one. The package
itself only reads the results; the facts keep source and confidence of every number.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
UNITS = (
    "Baneling", "Colossus", "Hydralisk", "Marauder", "Marine", "Medivac", "Stalker", "Zealot", "Zergling",
)  # fmt: skip


def value(node: Any, default: Any = None) -> Any:
    """A fact is either plain or ``{"value", "src", "conf"}``; give the plain value."""
    if isinstance(node, dict) and "value" in node:
        node = node["value"]
    return default if node is None else node


def weapon(facts: dict[str, Any]) -> dict[str, Any]:
    get = {name: value(node) for name, node in facts.items()}
    splash = get.get("splash") or {}
    bonus = get["bonus_vs_attribute"]
    hit_times = value(facts.get("hit_times_loops_after_fire"), [0])
    return {
        "name": get["name"],
        "delivery": delivery(get, splash),
        "damage": get["damage_per_hit"],
        "bonus_light": bonus.get("Light", 0),
        "bonus_armored": bonus.get("Armored", 0),
        "range": get["range_edge_to_edge"],
        "range_slop": get["range_slop"],
        "scan_range": get["scan_range_effective"],
        "arc_deg": get["arc_deg"],
        "period_loops": get["period_loops"],
        "damage_point_loops": get["damage_point_loops"],
        "second_hit_loops": hit_times[-1],
        "missile_speed_per_loop": get.get("missile_speed_per_loop") or 0,
        "hits_ground": "ground" in get["targets"],
        "hits_air": "air" in get["targets"],
        "splash_radius": value(splash.get("radius"), 0) if get["name"] == "VolatileBurst" else 0,
    }


def delivery(get: dict[str, Any], splash: dict[str, Any]) -> str:
    if get["name"] == "ThermalLances":
        return "sweep"
    if get["name"] == "VolatileBurst":
        return "explosion"
    if "hit_times_loops_after_fire" in get:
        return "burst"
    return "missile" if get.get("missile_speed_per_loop") else "instant"


def unit(facts: dict[str, Any]) -> dict[str, Any]:
    get = {name: value(node) for name, node in facts.items()}
    radius = get["radius"]
    return {
        "race": get["race"].lower(),
        "hp": get["hp_max"],
        "shield": get["shield_max"],
        "armor": get["armor"],
        "hp_regen_per_loop": get.get("hp_regen_per_loop") or 0,
        "shield_regen_per_loop": get.get("shield_regen_per_loop") or 0,
        "shield_regen_delay_loops": get.get("shield_regen_delay_loops") or 0,
        "energy_start": get.get("energy_start") or 0,
        "energy_max": get.get("energy_max") or 0,
        "energy_regen_per_loop": get.get("energy_regen_per_loop") or 0,
        "speed_per_loop": get["speed_per_loop"],
        "acceleration_per_loop2": get["acceleration_normal"] / 256,
        "turn_deg_per_loop": get["turn_rate_deg_per_s_normal"] / 16,
        "radius": radius,
        "inner_radius": get.get("inner_radius") or radius,
        "planes": [plane.lower() for plane in get["planes"]],
        "attributes": [attribute.lower() for attribute in get["attributes"]],
        "collides_with_ground": "Ground" in get["collide_flags"],
        "always_threatens": "AlwaysThreatens" in get.get("flags_relevant", []),
        "weapons": [weapon(entry) for entry in get["weapons"]],
        "heal": heal({name: value(node) for name, node in get["heal"].items()}) if "heal" in get else None,
    }


def heal(get: dict[str, Any]) -> dict[str, Any]:
    return {
        "range": get["range"],
        "range_slop": get["range_slop"],
        "hp_per_loop": get["hp_per_loop"],
        "energy_per_hp": get["energy_per_hp"],
        "autocast_range": get["autocast_range"],
        "autocast_min_energy": get["autocast_min_energy"],
    }


def scenario(facts: dict[str, Any]) -> dict[str, Any]:
    config = facts["env_args"]["capability_config"]
    team, start = config["team_gen"], config["start_positions"]
    return {
        "race": facts["race"],
        "map": "flat",
        "n_agents": facts["n_units"],
        "n_enemies": facts["n_enemies"],
        "episode_limit": facts["episode_limit"],
        "team": {
            "unit_types": team["unit_types"],
            "weights": team["weights"],
            "exceptions": team.get("exception_unit_types", []),
        },
        "start": {"kind": start["dist_type"], "p": start["p"]},
    }


def main(facts_dir: str) -> None:
    facts = Path(facts_dir)
    units = json.loads((facts / "units.json").read_text())["units"]
    scenarios = json.loads((facts / "scenarios.json").read_text())["smacv2"]
    flat = json.loads((facts / "maps/10gen_terran.json").read_text())
    write("units.json", {name.lower(): unit(units[name]) for name in UNITS})
    write("scenarios.json", {name: scenario(entry) for name, entry in scenarios.items()})
    write("maps/flat.json", {"size": flat["size"], "pathable_ground": flat["terrain"]["pathable_ground"]})


def write(name: str, content: dict[str, Any]) -> None:
    path = HERE / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
