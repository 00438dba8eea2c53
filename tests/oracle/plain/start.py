"""How a battle begins: teams, wished-for places, free ground for everybody, numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from itertools import accumulate, groupby
from typing import Any

from envs.battle.options import BattleOptions
from envs.battle.scenarios import Scenario
from tests.oracle.plain.draws import Dice, Purpose
from tests.oracle.plain.geometry import Point
from tests.oracle.plain.ground import Ground
from tests.oracle.plain.kinds import Kind
from tests.oracle.plain.unit import Unit

WIDTH, MIDDLE, AROUND = 32.0, 16.0, 2.0  # of the map; nearest corner of a surrounding group to the middle
REACH, LATTICE = 8.0, 0.25  # how far and how finely free ground is looked for
CORNERS = (Point(0, 0), Point(0, WIDTH), Point(WIDTH, WIDTH), Point(WIDTH, 0))


def draw_kinds(scenario: Scenario, kinds: dict[str, Kind], dice: Dice) -> tuple[list[Kind], list[Kind]]:
    """Agents' and enemies' types: enemy i is like agent i, enemies beyond them are a second draw."""
    if scenario.ally_team:
        return [kinds[name] for name in scenario.ally_team], [kinds[name] for name in scenario.enemy_team]
    agents = draw_team(scenario, dice, Purpose.TEAM, scenario.n_agents)
    extra = max(scenario.n_enemies - scenario.n_agents, 0)
    enemies = agents[: scenario.n_enemies] + (draw_team(scenario, dice, Purpose.EXTRA_TEAM, extra) if extra else [])
    return [kinds[name] for name in agents], [kinds[name] for name in enemies]


def draw_team(scenario: Scenario, dice: Dice, purpose: Purpose, count: int) -> list[str]:
    """Independent weighted draws; a team of exceptions only is drawn again."""
    names = scenario.ordered_types
    weight = dict(zip(scenario.unit_types, scenario.type_weights, strict=True))
    sums = list(accumulate(weight[name] for name in names))

    def one(value: float) -> str:
        return next((name for name, limit in zip(names[:-1], sums, strict=False) if value < limit), names[-1])

    attempt = 0
    while True:
        team = [one(dice.uniform(purpose, i, attempt)) for i in range(count)]
        if set(team) - set(scenario.exceptions):
            return team
        attempt += 1


def draw_places(scenario: Scenario, spread: float, dice: Dice) -> tuple[list[Point], list[Point]]:
    """Wished-for places of agents and enemies."""

    def draw(unit: int, count: int) -> float:
        return dice.uniform(Purpose.START, unit, count)

    n, m, start = scenario.n_agents, scenario.n_enemies, scenario.start
    if start in ("points", "spots"):
        places = [Point(*scenario.ally_point)] * n + [Point(*scenario.enemy_point)] * m
        if start == "spots":
            spots = [draw_spot(scenario, dice, spot) for spot in range(len(scenario.spots))]
            places = [spots[spot] for spot in scenario.ally_spots + scenario.enemy_spots]
        if spread:
            moves = [Point(*(spread * (2.0 * draw(i, axis) - 1.0) for axis in (10, 11))) for i in range(n + m)]
            places = [place + move for place, move in zip(places, moves, strict=True)]
        return places[:n], places[n:]
    if start == "surrounded_and_reflect":
        start = "surrounded" if draw(0, 0) > scenario.start_p else "reflect"
    if start == "surrounded":
        return [Point(MIDDLE, MIDDLE)] * n, list(surrounding(dice, m))
    west = [Point((MIDDLE - 1) * draw(i, 1), WIDTH * draw(i, 2)) for i in range(max(n, m))]
    east = [Point(WIDTH - place.x, place.y) for place in west[: min(n, m)]]
    beyond = [Point(MIDDLE + MIDDLE * draw(i, 1), west[i].y) for i in range(n, m)]
    return west[:n], east + beyond


def draw_spot(scenario: Scenario, dice: Dice, spot: int) -> Point:
    """A point of one of the spot's rectangles, for everybody who appears there."""
    choice, across, up = (dice.uniform(Purpose.START, spot, count) for count in (7, 8, 9))
    left, bottom, right, top = scenario.spots[spot][int(len(scenario.spots[spot]) * choice)]
    return Point(left + (right - left) * across, bottom + (top - bottom) * up)


def surrounding(dice: Dice, count: int) -> Iterator[Point]:
    """One to four groups of enemies, each on its own diagonal of the map, anywhere from near to its corner."""

    def draw(unit: int, purpose: int) -> float:
        return dice.uniform(Purpose.START, unit, purpose)

    groups = 1 + int(4 * draw(0, 3))
    corners = shuffled(list(CORNERS), [draw(i, 4) for i in range(3)])
    members = [int(groups * draw(i, 5)) for i in range(count)]
    for group in range(groups):
        inward = draw(group, 6)
        corner = corners[group]
        near = [MIDDLE + AROUND if side else MIDDLE - AROUND for side in corner]
        for _ in range(members.count(group)):
            yield Point(*(a * inward + b * (1.0 - inward) for a, b in zip(near, corner, strict=True)))


def shuffled(items: list[Any], draws: list[float]) -> list[Any]:
    """Fisher and Yates: each place in turn is given one of the items from there on."""
    items = items.copy()
    for place, draw in enumerate(draws):
        other = place + int((len(items) - place) * draw)
        items[place], items[other] = items[other], items[place]
    return items


@cache
def lattice() -> list[Point]:
    """Displacements to try, nearest first, those at one distance by their angle from due west on."""
    steps = int(REACH / LATTICE)
    line = [LATTICE * step for step in range(-steps, steps + 1)]
    disc = [Point(x, y) for x in line for y in line if x * x + y * y <= REACH * REACH]
    return sorted(disc, key=lambda point: (point.square, math.atan2(point.y, point.x)))


@cache
def whole_map() -> list[Point]:
    """Points to try where the lattice has none, from the bottom of the map up."""
    line = [LATTICE * (step + 0.5) for step in range(int(WIDTH / LATTICE))]
    return [Point(x, y) for y in line for x in line]


def find_room(kinds: list[Kind], wishes: list[Point], ground: Ground, dice: Dice, reading: str) -> list[Point]:
    """The nearest free ground to each wish, one unit after the other; flyers need none, only the map."""
    taken: list[tuple[Kind, Point]] = []
    mirrored = reading == "mirrored" and dice.uniform(Purpose.PLACE, 0, 1) < 0.5
    for i, (kind, wish) in enumerate(zip(kinds, wishes, strict=True)):
        draw = dice.uniform(Purpose.PLACE, i, 0) if reading == "drawn" else 0.0
        taken.append((kind, room_for(kind, wish.rounded, taken, ground, draw, mirrored)))
    return [place for _, place in taken]


def room_for(
    kind: Kind, wish: Point, taken: list[tuple[Kind, Point]], ground: Ground, draw: float, mirrored: bool
) -> Point:
    """Of several equally near places that which the draw, 0..1, falls on; mirrored, they are counted through north."""
    if kind.floor == "air":
        return Point(*(min(max(coordinate, 0.0), WIDTH) for coordinate in wish))
    others = [(kind.body + other.body, place) for other, place in taken if other.floor == kind.floor]

    def is_free(place: Point) -> bool:
        return ground.stands(kind.floor, place) and all(
            (other - place).square >= least * least for least, other in others
        )

    for _, equally_near in groupby(lattice(), key=lambda displacement: displacement.square):
        places = [wish + (Point(way.x, -way.y) if mirrored else way) for way in equally_near]
        free = [place for place in places if is_free(place)]
        if free:
            return free[int(len(free) * draw)]
    ground_points = [point for point in whole_map() if ground.stands(kind.floor, point)]
    free = [point for point in ground_points if is_free(point)]
    return min(free or ground_points, key=lambda point: (point - wish).square)


def init_units(
    scenario: Scenario, options: BattleOptions, kinds: dict[str, Kind], ground: Ground, dice: Dice
) -> list[Unit]:
    """Everybody in place, agents first, sorted by (type, x, y); a glance in a random direction."""
    agents, enemies = draw_kinds(scenario, kinds, dice)
    agent_wishes, enemy_wishes = draw_places(scenario, options.spawn_spread, dice)
    at_random = scenario.start not in ("spots", "points")  # smacv2's own starts are drawn; nothing else is mirrored
    reading = "first" if at_random and options.equal_places == "mirrored" else options.equal_places
    places = find_room(agents + enemies, agent_wishes + enemy_wishes, ground, dice, reading)
    placed = list(zip(agents + enemies, places, strict=True))
    first = sorted(placed[: len(agents)], key=lambda pair: (pair[0].number, pair[1]))
    units = []
    for i, (kind, place) in enumerate(first + placed[len(agents) :]):
        angle = 2.0 * math.pi * dice.uniform(Purpose.FACING, i, 0)
        unit = Unit(i, i < len(agents), kind, place, facing=Point(math.cos(angle), math.sin(angle)))
        unit.cooldown = options.first_shot_delay * dice.uniform(Purpose.FIRST_SHOT, i, 0)
        units.append(unit)
    return units
