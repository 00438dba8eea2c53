"""Rewrite the fact files about StarCraft II into the package's own data files.

    python envs/data/import_facts.py FACTS_DIR

reads ``units.json``, ``scenarios.json`` and ``maps/`` of FACTS_DIR and writes the files beside this one. The package
itself only reads the results; the facts keep source and confidence of every number.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
# In the order of the game's catalogue, which is the alphabet's: a type's place is the number by which units are sorted.
UNITS = {
    re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower(): name
    for name in (
        "Baneling", "Colossus", "Hydralisk", "Marauder", "Marine", "Medivac", "Overlord", "Reaper", "Roach",
        "SpineCrawler", "Stalker", "Zealot", "Zergling",
    )
}  # fmt: skip
# The learning side's names in the maps; two are spelt in their own way there.
KINDS = {name: kind for kind, name in UNITS.items()} | {"Colosus": "colossus", "Overload": "overlord"}
# Ticks that a spine crawler's tentacle needs are those of a missile of this speed, to a tick, from 3 cells on.
TENTACLE_SPEED = 1.97
RAW_LEVEL = 64  # what one cliff level counts in the files


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
    bursts = "hit_times_loops_after_fire" in get or "hit_times_s_normal_after_fire" in get
    if "hit_times_s_normal_after_fire" in get:
        hit_times = [16 * time for time in get["hit_times_s_normal_after_fire"]]
    speed = get.get("missile_speed_per_loop") or (TENTACLE_SPEED if "tentacle_flight" in get else 0)
    return {
        "name": get["name"],
        "delivery": delivery(get["name"], bursts, speed),
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
        "missile_speed_per_loop": speed,
        "hits_ground": "ground" in get["targets"],
        "hits_air": "air" in get["targets"],
        "splash_radius": value(splash.get("radius"), 0) if get["name"] == "VolatileBurst" else 0,
    }


def delivery(name: str, bursts: bool, missile_speed: float) -> str:
    if name == "ThermalLances":
        return "sweep"
    if name == "VolatileBurst":
        return "explosion"
    if bursts:
        return "burst"
    return "missile" if missile_speed else "instant"


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
        "acceleration_per_loop2": get.get("acceleration_normal", 1000) / 256,
        "turn_deg_per_loop": turret(get) or get["turn_rate_deg_per_s_normal"] / 16,
        "has_turret": turret(get) > 0,
        "radius": radius,
        "inner_radius": get.get("inner_radius") or radius,
        "planes": [plane.lower() for plane in get["planes"]],
        "attributes": [attribute.lower() for attribute in get["attributes"]],
        "collides_with_ground": "Ground" in get["collide_flags"],
        "always_threatens": "AlwaysThreatens" in get.get("flags_relevant", []),
        # The far-reaching weapon first: the other is its melee copy.
        "weapons": sorted((weapon(entry) for entry in get["weapons"]), key=lambda entry: -entry["range"]),
        "heal": heal({name: value(node) for name, node in get["heal"].items()}) if "heal" in get else None,
    }


def turret(get: dict[str, Any]) -> float:
    """Degrees a tick that a unit's turret turns, 0 for a unit without one."""
    names = ("turret_yaw_rate_deg_per_s_normal", "turret_rate_deg_per_s_normal")
    return max((value(entry.get(name), 0) / 16 for entry in get["weapons"] for name in names), default=0.0)


def heal(get: dict[str, Any]) -> dict[str, Any]:
    return {
        "range": get["range"],
        "range_slop": get["range_slop"],
        "hp_per_loop": get["hp_per_loop"],
        "energy_per_hp": get["energy_per_hp"],
        "autocast_range": get["autocast_range"],
        "autocast_min_energy": get["autocast_min_energy"],
    }


def smacv2(facts: dict[str, Any]) -> dict[str, Any]:
    """A scenario of random teams."""
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


RACES = {"T": "terran", "P": "protoss", "Z": "zerg"}


def fixed(facts: dict[str, Any], map_facts: dict[str, Any]) -> dict[str, Any]:
    """A scenario with the teams, places and orders that its map's own script makes."""
    spots: list[list[list[float]]] = []
    teams: dict[int, list[tuple[str, int]]] = {1: [], 2: []}
    for call in map_facts["spawn"]["list"]:
        spot = spot_of(call, map_facts)
        # All units at "a corner point" stand at the same drawn corner; every other draw is made for each unit.
        shared = call.get("at") == "corner point P" or len(spot) == 1
        if not (shared and spot in spots):
            spots.append(spot)
        index = spots.index(spot) if shared else len(spots) - 1
        name = KINDS[call["unit"].removesuffix("_RL")]
        teams[call["owner"]] += [(name, index)] * call["count"]
    return {
        "race": RACES[facts["a_race"]],
        "enemy_race": RACES[facts["b_race"]],
        "map": facts["terrain_class"],
        "type_bits": facts["unit_type_bits"],
        "healers": facts["map_type"] == "MMM",
        "episode_limit": facts["limit"],
        "spots": spots,
        "ally_team": [name for name, _ in teams[1]],
        "ally_spots": [index for _, index in teams[1]],
        "enemy_team": [name for name, _ in teams[2]],
        "enemy_spots": [index for _, index in teams[2]],
        **script(map_facts["enemy_order_on_spawn"]),
    }


def spot_of(call: dict[str, Any], map_facts: dict[str, Any]) -> list[list[float]]:
    """Rectangles [left, bottom, right, top], one of which is drawn; a point is a rectangle without extent."""
    points = {point["name"]: point["position"] for point in map_facts["points"]}
    regions = {region["id"]: [*region["rect"][0], *region["rect"][1]] for region in map_facts.get("regions", [])}
    if "position" in call:
        return [[*call["position"], *call["position"]]]
    at = call["at"]
    if at == "corner point P":
        return [[*points[f"Spawn Point {corner}"]] * 2 for corner in range(1, 5)]
    if at.startswith("a random point of region"):
        return [regions[int(at.split()[-1])]]
    if "random region" in at:
        return list(regions.values())
    return [[*points[at]] * 2]


def script(order: dict[str, Any]) -> dict[str, Any]:
    """Return the enemies' orders at the spawn."""
    kind = order["kind"]
    if kind == "attack_move_to_point":
        return {"script": "march", "march_to": [order["position"], order["position"]]}
    if kind == "attack_move_to_random_point_on_segment":
        return {"script": "march", "march_to": order["positions"]}
    return {"script": "attack_once" if kind == "attack_unit_group" else "none"}


def terrain(facts: dict[str, Any]) -> dict[str, Any]:
    """The grids of a map; heights as the game's interface gives them, a byte for -16 .. 16 cells."""
    grids = facts["terrain"]
    height = [[round((cell + 16) * 255 / 32) for cell in row] for row in grids["height_cells"]]
    return {
        "size": facts["size"],
        "pathable_ground": grids["pathable_ground"],
        "walkable_colossus": grids["walkable_colossus"],
        "level": ["".join(str(cell // RAW_LEVEL) for cell in row) for row in grids["cliff_level_raw"]],
        "height": height,
    }


def catalog(maps: list[dict[str, Any]], units: dict[str, Any]) -> dict[str, Any]:
    """Return some maps' changes of unit data, by map: ``{unit: {"weapons": {name: fields}, "heal": fields}}``."""
    changes: dict[str, Any] = {}
    for facts in maps:
        overrides = facts.get("catalog_overrides")
        if not overrides:
            continue
        effects = overrides.get("EffectData", {})
        changes[facts["name"]] = {}
        for kind, entry in units.items():
            weapons = {w["name"]: changed(w, overrides["WeaponData"], effects) for w in entry["weapons"]}
            weapons = {name: fields for name, fields in weapons.items() if fields}
            if weapons:
                changes[facts["name"]][kind] = {"weapons": weapons}
            if entry["heal"] and "MedivacHeal" in effects:
                rate = effects["MedivacHeal"]["RechargeVitalRate"] / 16
                changes[facts["name"]][kind] = {"heal": {"hp_per_loop": rate}}
    return changes


def changed(entry: dict[str, Any], weapons: dict[str, Any], effects: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of one weapon that a map changes."""
    given = weapons.get(entry["name"], {})
    fields: dict[str, Any] = {}
    if "Range" in given:
        fields["range"] = given["Range"]
    if "MinScanRange" in given:
        fields["scan_range"] = max(given["MinScanRange"], given.get("Range", entry["range"]))
    if "Period" in given:
        fields["period_loops"] = 16 * given["Period"]
    damage = effects.get(entry["name"], effects.get(entry["name"] + "Damage", {}))
    if "Amount" in damage:
        fields["damage"] = damage["Amount"]
    return fields


def main(facts_dir: str) -> None:
    facts = Path(facts_dir)
    units = json.loads((facts / "units.json").read_text(encoding="utf-8"))["units"]
    scenarios = json.loads((facts / "scenarios.json").read_text(encoding="utf-8"))
    maps = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((facts / "maps").glob("*.json"))}
    known = {kind: unit(units[name]) for kind, name in UNITS.items()}
    write("units.json", known)
    write("scenarios.json", {name: smacv2(entry) for name, entry in scenarios["smacv2"].items()})
    for key, name in (("smacv1", "smac.json"), ("kaleidoscope_extra", "extra.json")):
        write(name, {id: fixed(entry, maps[id]) for id, entry in scenarios[key].items()})
    write("catalog.json", catalog(list(maps.values()), known))
    for content in maps.values():
        write(f"maps/{content['terrain_class']}.json", terrain(content))


def write(name: str, content: dict[str, Any]) -> None:
    path = HERE / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(compact(content) + "\n", encoding="utf-8")


def compact(content: dict[str, Any]) -> str:
    """Indented JSON with a row of plain values on one line."""

    def one_line(match: re.Match[str]) -> str:
        return f"[{' '.join(match[1].split())}]" if len(match[1]) < 600 else match[0]

    return re.sub(r"\[([^\[\]{}]*)\]", one_line, json.dumps(content, indent=1))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
