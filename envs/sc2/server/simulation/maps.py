"""Map files of the stand-in game.

A stand-in map file is a small JSON text that bears the name of the real one, so that clients ask for it as they ask for
Blizzard's: ``{"format": …, "name": "MMM2", "learners": [kinds], "opening": {…}}``. ``learners`` are the kinds of which
the map brings a passive copy for the agents; ``opening`` is the battle that the map's own script lays out, as in
``envs/data/smac.json``. A map without an opening names its ``terrain`` and ``script``; its units come from the client.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from envs.battle import terrain
from envs.battle.scenarios import SCRIPTS, TYPE_ORDER, Scenario, fixed_scenario
from envs.battle.unit_types import facts, read
from envs.sc2.options import GENERATED

FORMAT = "k24 battlefield 1"
ARCHIVE = b"MPQ"  # how Blizzard's own map files begin
LARGEST_MAP = 1 << 20  # bytes


@dataclass(frozen=True, kw_only=True)
class Battlefield:
    """The ground, who may appear on it, and what the map's script does.

    Raises:
        ValueError: a field names what the engine does not have.
    """

    name: str
    """The stem of the map file."""
    terrain: str
    """The ground, a file in ``envs/data/maps``."""
    script: str
    """The map's orders to the enemies, as in ``Scenario.script``."""
    learners: tuple[str, ...]
    """Kinds with a passive copy for the agents, in alphabetical order."""
    opening: Scenario | None = None
    """The battle that the script sets up at the start, and again when nobody is left; None: units come by debug."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise ValueError(f"map file: the name is {self.name!r}, it must be a text")
        if self.terrain not in terrain.names():
            raise ValueError(f"map file: unknown terrain {self.terrain!r}, allowed: {', '.join(terrain.names())}")
        if self.script not in SCRIPTS:
            raise ValueError(f"map file: unknown script {self.script!r}, allowed: {', '.join(SCRIPTS)}")
        unknown = sorted(set(self.learners) - set(facts()))
        if unknown:
            raise ValueError(f"map file: unknown learners {', '.join(unknown)}, allowed: {', '.join(facts())}")
        if list(self.learners) != sorted(set(self.learners)):
            raise ValueError(f"map file: learners must be in alphabetical order, each once: {list(self.learners)}")

    @property
    def catalog(self) -> str:
        """The map whose changes of unit data hold; empty: none."""
        return self.opening.catalog if self.opening else ""


@cache
def names() -> tuple[str, ...]:
    """The stems of all stand-in map files."""
    return (GENERATED, *read("smac.json"), *read("extra.json"))


def map_file(name: str) -> bytes:
    """The contents of the stand-in map file of this stem.

    Raises:
        ValueError: there is no such map.
    """
    if name not in names():
        raise ValueError(f"no stand-in map is called {name!r}; there are {', '.join(names())}")
    description: dict[str, Any] = {"format": FORMAT, "name": name}
    if name == GENERATED:
        learners = {kind for race in TYPE_ORDER.values() for kind in race}
        description |= {"learners": sorted(learners), "terrain": "flat", "script": "attack_closest"}
    else:
        opening = (read("smac.json") | read("extra.json"))[name]
        description |= {"learners": sorted(set(opening["ally_team"])), "opening": opening}
    return (json.dumps(description) + "\n").encode()


def read_map(data: bytes) -> Battlefield:
    """Read a stand-in map file.

    Raises:
        ValueError: it is none: one of Blizzard's, too large, no text, another format, or it names what the
            engine does not have.
    """
    if data.startswith(ARCHIVE):
        raise ValueError(
            "this is a map archive of StarCraft II itself, which the stand-in cannot play; "
            "`python -m envs.sc2.server install DIR` writes stand-in maps into DIR/Maps"
        )
    if len(data) > LARGEST_MAP:
        raise ValueError(f"this is no stand-in map file: it has {len(data)} bytes, more than {LARGEST_MAP}")
    try:
        description = json.loads(data)
        json.dumps(description, ensure_ascii=False).encode()  # an error where half a character stands alone
    except (ValueError, RecursionError):  # the latter of brackets without end
        raise ValueError("this is no stand-in map file: it holds no JSON text") from None
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise ValueError(f'this is no stand-in map file: it does not say "format": "{FORMAT}"')
    try:
        return _battlefield(description)
    except KeyError as missing:
        raise ValueError(f"map file: the entry {missing} is missing") from None
    except (TypeError, AttributeError) as fault:
        raise ValueError(f"map file: an entry has the wrong type ({fault})") from None


def _battlefield(description: dict[str, Any]) -> Battlefield:
    name, learners = description["name"], tuple(description["learners"])
    opening = fixed_scenario(name, description["opening"]) if "opening" in description else None
    ground, script = (opening.map, opening.script) if opening else (description["terrain"], description["script"])
    return Battlefield(name=name, terrain=ground, script=script, learners=learners, opening=opening)
