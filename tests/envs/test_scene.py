"""What a picture is made of, on battles laid out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from envs.render.scene import LANE, MISSILE_RADIUS, Scene, ground, sectors
from envs.render.style import CLIFF, HIGH, LOW, VOID
from tests.envs.arena import Arena, Unit


def scene(arena: Arena) -> Scene:
    """The lay-out as it stands."""
    return Scene(arena.env, arena.env.battles[:1].copy())


def test_an_attack_is_a_dart_from_edge_to_edge() -> None:
    arena = Arena([Unit("marine", 10, 10)], [Unit("marauder", 14, 10), Unit("marine", 30, 30)])
    assert not len(scene(arena).aims()[0])
    corners, ally, heals = scene(arena.attack(0, 1)).aims()
    assert corners.shape == (1, 3, 2)
    assert (ally.tolist(), heals.tolist()) == ([True], [False])
    right, left, tip = corners[0]
    marine, marauder = 0.375, 0.5625
    assert tip == pytest.approx([14 - marauder, 10 - LANE])
    assert (right + left) / 2 == pytest.approx([10 + marine, 10 - LANE])
    aimed = np.linalg.norm(right - left)
    corners, _, _ = scene(arena.run(1)).aims()
    assert np.linalg.norm(corners[0, 0] - corners[0, 1]) > aimed, "broader while the shot lands"


def test_healing_is_a_line_of_its_own_kind() -> None:
    arena = Arena([Unit("marine", 10, 10, hp=20), Unit("medivac", 12, 10)], [Unit("marine", 30, 30)])
    _, ally, heals = scene(arena.heal(1, 0).run(1)).aims()
    assert (ally.tolist(), heals.tolist()) == ([True], [True])


def test_nobody_aims_at_the_dead() -> None:
    arena = Arena([Unit("marine", 10, 10)], [Unit("zergling", 13, 10), Unit("marine", 30, 30)]).attack(0, 1)
    arena.b["alive"][1] = False
    assert not len(scene(arena).aims()[0])


def test_a_missile_in_flight() -> None:
    arena = Arena([Unit("stalker", 10, 10)], [Unit("marine", 15, 10)]).attack(0, 1)
    arena.when("missile", 0, 20)
    corners, ally = scene(arena).missiles()
    centre = corners.mean(axis=1)[0]
    assert centre == pytest.approx([arena.b["missile_x"][0], arena.b["missile_y"][0]], abs=1e-9)
    assert np.linalg.norm(corners[0] - centre, axis=1) == pytest.approx(np.full(corners.shape[1], MISSILE_RADIUS))
    assert ally.tolist() == [True]


def test_two_lances_cross_the_target() -> None:
    """They begin 1.25 cells to either side of the target, across the line to it."""
    arena = Arena([Unit("colossus", 10, 10)], [Unit("zergling", 16, 10)]).attack(0, 1)
    assert not len(scene(arena).lances())
    arena.when("sweep", 0, 20)
    lines = scene(arena).lances()
    assert lines[:, 0] == pytest.approx(np.array([[10.0, 10.0]] * 2))
    target = arena.place(1)
    after_two_samples = 1.25 - 0.25 * 2  # of a quarter cell each
    assert sorted(lines[:, 1, 1] - target[1])[1] == pytest.approx(after_two_samples)
    assert lines[:, 1, 0] == pytest.approx(np.full(2, target[0]), abs=0.2)


def test_an_explosion_lasts_for_its_step() -> None:
    arena = Arena([Unit("baneling", 10, 10)], [Unit("zergling", 12, 10)])
    arena.b["start_alive"][:2] = True
    assert not len(scene(arena).blasts()[0])
    arena.b["alive"][0] = False
    corners, ally = scene(arena).blasts()
    assert corners.shape[0] == 1
    assert np.linalg.norm(corners[0] - [10, 10], axis=1).max() == pytest.approx(2.2, abs=1e-3)
    assert ally.tolist() == [True]
    arena.b["start_alive"][0] = False
    assert not len(scene(arena).blasts()[0])


def test_bars_are_as_long_as_what_is_left() -> None:
    arena = Arena(
        [Unit("stalker", 10, 10, hp=40, shield=20), Unit("medivac", 20, 10, energy=50), Unit("marine", 1, 1)],
        [Unit("marine", 30, 30, hp=0)],
    )
    arena.b["alive"][2] = arena.b["alive"][3] = False
    (whole, health), (_, shield), (_, energy) = scene(arena).bars()
    assert len(health) == 2
    assert len(shield) == len(energy) == 1
    widths = [np.ptp(bar[..., 0], axis=1) for bar in (whole, health, shield, energy)]
    stalker, medivac = 2 * 0.625, 2 * 0.75
    assert widths[0] == pytest.approx([stalker, medivac])
    assert widths[1] == pytest.approx([stalker * 40 / 80, medivac])
    assert widths[2] == pytest.approx([stalker * 20 / 80])
    assert widths[3] == pytest.approx([medivac * 50 / 200])
    assert shield[0, 0, 1] > health[0, 0, 1], "shields lie above life"


def test_field_of_view_is_a_circle_of_the_type() -> None:
    arena = Arena([Unit("marine", 10, 10), Unit("marauder", 20, 20)], [Unit("marine", 30, 30)])
    for i, sight in ((0, 9.0), (1, 10.0)):
        (area,) = scene(arena).field_of_view(i)
        assert np.linalg.norm(area - arena.place(i), axis=1) == pytest.approx(np.full(len(area), sight))
    arena.b["alive"][0] = False
    assert scene(arena).field_of_view(0) == []


def test_field_of_view_is_cut_to_the_cone() -> None:
    """Looking east: the cone ahead, and the one behind that smacv2's test lets pass as well."""
    arena = Arena([Unit("marine", 10, 10)], [Unit("marine", 30, 30)], conic_fov=True)
    areas = scene(arena).field_of_view(0)
    assert len(areas) == 2
    for area in areas:
        assert area[0] == pytest.approx([10, 10])
        assert np.abs(area[1:, 1] - 10).max() == pytest.approx(9 * np.sin(np.pi / 12), abs=0.01)
    assert sorted(np.sign(area[1:, 0].mean() - 10) for area in areas) == [-1, 1]


@pytest.mark.parametrize("marked", ["", "0", "3", "012", "7", "670", "0347", "01234567"])
def test_sectors_cover_the_marked_directions(marked: str) -> None:
    """Their area is that of the marked eighths of a many-sided disc."""
    seen = np.array([str(d) in marked for d in range(8)])
    fine = np.repeat(seen, 40)
    covered = sum(area_of(sector) for sector in sectors(fine))
    assert covered == pytest.approx(np.pi * len(marked) / 8, abs=0.01)


def area_of(corners: np.ndarray) -> float:
    """The shoelace formula."""
    x, y = corners.T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def test_ground_is_shaded_by_height() -> None:
    """Low and high ground and a ramp between them, a wall, the void."""
    pathable = np.array([[True, True, True, False, False]])
    height, level = np.array([[192, 200, 208, 190, 64]]), np.array([[1, 1, 2, 1, 0]])
    low, ramp, high, wall, void = ground(pathable, height, level)[0]
    assert low == pytest.approx(LOW)
    assert ramp == pytest.approx((np.array(LOW) + np.array(HIGH)) / 2)
    assert high == pytest.approx(HIGH)
    assert wall == pytest.approx(CLIFF)
    assert void == pytest.approx(VOID)
    flat = ground(pathable, np.full((1, 5), 192), level)
    assert flat[0, :3] == pytest.approx(np.array([HIGH] * 3))
    uneven = ground(pathable, np.array([[192, 191, 192, 192, 64]]), level)
    assert uneven[0, 1] == pytest.approx(HIGH, abs=0.02), "a bump is no cliff"
