"""Pictures: of the promised form, the same for the same state, with the right things in the right places."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

import envs
import envs.registry
from envs.battle.scenarios import Scenario
from envs.battle.snapshots.recording import TickRecorder
from envs.battle.unit_types import unit_types
from envs.render import Renderer, outcome, style
from tests.envs.arena import Arena, Unit
from tests.envs.play import Player, begun, make

Picture = NDArray[np.uint8]


@pytest.fixture
def fight() -> Arena:
    """A marine and a medivac against a zealot."""
    return Arena([Unit("marine", 10, 10), Unit("medivac", 12, 20)], [Unit("zealot", 22, 11), Unit("zealot", 28, 28)])


def draw(arena: Arena, **options: object) -> Picture:
    """A picture of the lay-out as it stands."""
    return Renderer(arena.env, **options).draw(arena.env.battles[:1])  # type: ignore[arg-type]


def at(picture: Picture, x: float, y: float) -> list[int]:
    """Colour of a place given in cells, on a picture 640 wide: 8 pixels beside the map, 32 below it, 624 across."""
    assert picture.shape[:2] == (730, 640)
    row = 730 - 32 - round(y * 624 / 32)
    colour: list[int] = picture[row, 8 + round(x * 624 / 32)].tolist()
    return colour


def byte(colour: str) -> list[int]:
    """A named colour in 0..255."""
    return [round(255 * share) for share in to_rgb(colour)]


@pytest.mark.parametrize("size", [240, 333, 640, 1000])
def test_shape(size: int, fight: Arena) -> None:
    renderer = Renderer(fight.env, size=size)
    picture = renderer.draw(fight.env.battles[:1], caption="a caption", outcome="won")
    assert picture.dtype == np.uint8
    assert picture.shape == (renderer.height, renderer.width, 3)
    assert abs(renderer.width - size) <= 1
    assert renderer.height % 2 == renderer.width % 2 == 0


def test_same_state_same_picture(fight: Arena, tmp_path: Path) -> None:
    renderer, frame = Renderer(fight.env), fight.env.battles[:1].copy()
    first = renderer.draw(frame)
    fight.attack(0, 2).run(20)
    assert not np.array_equal(renderer.draw(fight.env.battles[:1]), first)
    renderer.save(tmp_path / "still.pdf", fight.env.battles[:1])
    assert np.array_equal(renderer.draw(frame), first)
    assert np.array_equal(Renderer(fight.env).draw(frame), first)


def test_a_step_changes_only_what_it_should(fight: Arena) -> None:
    """One unit walks: nothing differs far from where it was and is."""
    before = draw(fight)
    changed = (before != draw(fight.carry(0, 12, 10))).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert len(rows) > 100
    assert columns.min() > 8 + 9 * 19.5
    assert columns.max() < 8 + 13 * 19.5
    assert np.ptp(rows) < 2 * 19.5


def test_bodies_have_the_colour_of_their_side(fight: Arena) -> None:
    picture = draw(fight)
    assert at(picture, 10.28, 9.9) == byte(style.ALLY)
    assert at(picture, 12.5, 20.1) == byte(style.ALLY)
    assert at(picture, 22.0, 10.55) == byte(style.ENEMY)
    assert at(picture, 17, 5) == pytest.approx([255 * share for share in style.HIGH], abs=1)
    assert at(picture, 17, 0.7) == pytest.approx([255 * share for share in style.CLIFF], abs=1)


def test_bars_show_what_is_left(fight: Arena) -> None:
    fight.b["hp"][0] = 22.5  # of 45
    picture = draw(fight)
    assert at(picture, 9.75, 10.55) == byte(style.HEALTH)
    assert at(picture, 10.25, 10.55) == byte(style.EMPTY)
    assert at(picture, 22.0, 11.84) == byte(style.SHIELD)


def test_field_of_view_on_demand(fight: Arena) -> None:
    plain, seen = draw(fight), draw(fight, fields_of_view=(0,))
    assert at(plain, 17, 10) != at(seen, 17, 10)
    assert at(plain, 17, 17) == at(seen, 17, 17), "out of the marine's sight of 9"


def test_the_dead_fade_and_strangers_do_no_harm(fight: Arena) -> None:
    """Dead, out of the map, at no place at all, with an order on somebody who is not there."""
    fight.attack(0, 2)
    fight.b["alive"][2] = False
    picture = draw(fight)
    assert at(picture, 22.0, 10.55) != byte(style.ENEMY)
    assert not np.array_equal(picture, draw(fight.carry(2, 5, 5))), "a mark stays where it fell"
    fight.carry(1, -40, 75)
    fight.b["target"][3] = -1
    assert draw(fight, fields_of_view=(0, 1)).shape == picture.shape


@pytest.mark.parametrize("id", ["terran_20_vs_23", "protoss_20_vs_20", "zerg_10_vs_11"])
def test_whole_battles_can_be_drawn(id: str) -> None:
    env = begun(id, 1, seed=6, conic_fov=id.startswith("zerg"))
    camera, player, renderer = (
        TickRecorder(env),
        Player(3),
        Renderer(env, size=240, fields_of_view=range(env.spec.n_agents)),
    )
    pictures = {renderer.draw(camera.now()).tobytes()}
    ticks = 0
    while not outcome(env, 0) and ticks < 80:
        for frame in np.split(camera.step(player(env.action_mask)), env.options.step_mul)[::4]:
            pictures.add(renderer.draw(frame).tobytes())
            ticks += 4
    assert len(pictures) > ticks // 8


def test_the_palette_tells_a_picture(fight: Arena) -> None:
    """Hardly a pixel is far from its colour, and none of a healing line looks like a side's."""
    fight.b["hp"][0] = 20
    colours = style.palette().astype(int)
    assert len(colours) <= 256
    picture = draw(fight.heal(1, 0).run(2), fields_of_view=(0,)).reshape(-1, 3).astype(int)
    distinct, count = np.unique(picture, axis=0, return_counts=True)
    off = np.linalg.norm(distinct[:, None] - colours, axis=2).min(axis=1)
    assert (off * count).sum() / count.sum() < 6
    assert off.max() < 60
    line = 0.75 * np.array(byte(style.HEALTH)) + 0.25 * 255 * np.array(style.HIGH)
    colour = colours[np.linalg.norm(colours - line, axis=1).argmin()]
    assert colour[1] == colour.max(), "green"


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_stills(ending: str, fight: Arena, tmp_path: Path) -> None:
    """A file holds what ``draw`` shows: with a living unit it differs from one without."""
    renderer = Renderer(fight.env, size=240)
    sizes = []
    for alive in (True, False):
        fight.b["alive"][0] = alive
        path = tmp_path / f"{alive}.{ending}"
        renderer.save(path, fight.env.battles[:1], outcome="won")
        sizes.append(path.stat().st_size)
    assert min(sizes) > 1000
    assert sizes[0] != sizes[1]


def test_every_map_has_a_picture() -> None:
    """Its ground, and bodies of the first scenario that is played there."""
    maps: dict[str, Scenario] = {}
    for id in envs.ids():
        scenario = envs.registry.entry(id).scenario
        if scenario is not None and scenario.map not in maps:
            maps[scenario.map] = scenario
            env = begun(id, 1, seed=0)
            picture = Renderer(env).draw(env.battles[:1])
            for colour in (style.ALLY, style.ENEMY):
                assert (np.abs(picture.astype(int) - byte(colour)).sum(axis=2) < 30).sum() > 20, id
    assert len(maps) > 10


def test_pettingzoo_pictures() -> None:
    """One a step; the last shows the end, the next battle comes with ``reset``."""
    battle = envs.parallel_env("zerg_5_vs_5", seed=3, render_mode="rgb_array")
    assert battle.metadata["render_modes"] == ["human", "rgb_array"]
    assert battle.metadata["render_fps"] == 2.0
    observations, _ = battle.reset(seed=3)
    pictures = [battle.render()]
    rng = np.random.default_rng(0)
    while battle.agents:
        actions = {name: int(rng.choice(np.flatnonzero(observations[name]["action_mask"]))) for name in battle.agents}
        observations, *_ = battle.step(actions)
        pictures.append(battle.render())
        assert np.array_equal(battle.render(), pictures[-1]), "looking changes nothing"
    assert all(np.any(first != second) for first, second in pairwise(pictures))
    battle.reset(seed=3)
    assert np.array_equal(battle.render(), pictures[0])
    battle.close()


def test_pictures_do_not_change_the_battle() -> None:
    seen, unseen = (envs.parallel_env("terran_5_vs_5", seed=1, render_mode=mode) for mode in ("rgb_array", None))
    players = [Player(4), Player(4)]
    seen.reset(seed=1)
    unseen.reset(seed=1)
    for _ in range(25):
        for battle, player in ((seen, players[0]), (unseen, players[1])):
            actions = player(battle.batch.action_mask)[0]
            if not battle.agents:
                battle.reset()
            battle.step(dict(zip(battle.possible_agents, actions.tolist(), strict=True)))
        assert np.array_equal(seen.state(), unseen.state())


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Picture]:
    """Matplotlib's off-screen canvas passes for a window; the fixture gives the picture in it."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr(FigureCanvasAgg, "required_interactive_framework", "headless")
    return lambda: np.asarray(pyplot.figure("terran_5_vs_5").axes[0].images[0].get_array())


def test_a_window_shows_every_tick(window: Callable[[], Picture], monkeypatch: pytest.MonkeyPatch) -> None:
    draws: list[int] = []
    monkeypatch.setattr(FigureCanvasAgg, "draw_idle", lambda canvas: draws.append(1))
    battle = envs.parallel_env("terran_5_vs_5", seed=1, render_mode="human", fields_of_view=(0,))
    assert (window() == 255).all()
    observations, _ = battle.reset()
    first = window().copy()
    draws.clear()
    stop = dict.fromkeys(observations, 1)
    battle.step(stop)
    assert len(draws) == 8
    assert battle.render() is None
    assert not np.array_equal(window(), first)
    battle.close()
    draws.clear()
    battle.step(stop)
    assert not draws, "the battle goes on without its window"
    battle.close()


ERRORS: list[tuple[Callable[[], object], str]] = [
    (
        lambda: envs.parallel_env("terran_5_vs_5", render_mode="ansi"),
        "render_mode is 'ansi', allowed: human, rgb_array",
    ),
    (lambda: envs.parallel_env("terran_5_vs_5", render_mode="human"), "On a machine with a display install a toolkit"),
    (lambda: envs.parallel_env("terran_5_vs_5").render(), 'made without a render_mode; make it with render_mode="rgb'),
    (lambda: envs.parallel_env("terran_5_vs_5", render_mode="rgb_array").render(), "no battle has started; call reset"),
    (
        lambda: envs.parallel_env("terran_5_vs_5", render_mode="rgb_array", fields_of_view=(5,)),
        "fields_of_view names agent 5; terran_5_vs_5 has agents 0 to 4",
    ),
    (lambda: Renderer(make("terran_5_vs_5"), size=100), "size is 100 pixels, it must be at least 240"),
]


@pytest.mark.parametrize(("wrong", "says"), ERRORS, ids=[says[:30] for _, says in ERRORS])
def test_errors(wrong: Callable[[], object], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    pyplot.switch_backend("agg")
    with pytest.raises(ValueError, match=re.escape(says)):
        wrong()


@pytest.mark.parametrize("id", ["a$b_c_d", r"x$\y$", "_", "\u200b"])
def test_names_that_a_formula_would_read(id: str, monkeypatch: pytest.MonkeyPatch, fight: Arena) -> None:
    monkeypatch.setattr(type(fight.env), "title", property(lambda self: id))
    with unit_types.preserved():
        envs.register_unit(id, like="marine")
        monkeypatch.setattr(type(fight.env), "shown_types", property(lambda self: ("marine", id)))
        assert draw(fight).shape == (730, 640, 3)
        box = style.letter_of(id).get_extents()
        assert box.width < 2 * box.height, "no bar across its neighbours"
