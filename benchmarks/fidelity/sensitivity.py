"""Effect of each undocumented rule of the engine on battles: every reading alone, and pairs that interact.

    python -m benchmarks.fidelity.sensitivity [--battles 1024] [--scenarios terran_5_vs_5,…] [--pairs] [--out FILE]

Every reading meets the same battles as the defaults, so differences are paired and small ones show. An effect is given
in marks (8% of the length, 0.8 of the return, 0.08 of the win rate, or one unit dead), with the number of standard
errors in brackets; readings are ranked by their greatest effect that is more than chance (4 standard errors: hundreds
are looked at). For pairs stands what both do together beyond the sum of what each does alone.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.fidelity.battles import POLICIES, STATISTICS, Battles, play_battles
from benchmarks.fidelity.checks import LENGTH_MARK, RETURN_MARK, WIN_MARK
from benchmarks.fidelity.reference import RACES
from envs.battle.readings import CHOICES, Readings

NUMBERS: dict[str, tuple[float, ...]] = {
    "acquire_period": (4, 8, 16),
    "reconsider_period": (1, 16),
    "first_shot_delay": (8.0, 16.0),
    "spawn_spread": (0.5, 1.0, 2.0),
}
"""Values tried of the readings that are numbers."""
PAIRS = (
    ("unit_order", "weapon_delay"),
    ("acquire_period", "call_for_help"),
    ("enemy_medivacs", "medivac_priority"),
    ("turning", "same_attack"),
    ("bodies", "same_attack"),
    ("spawn_spread", "unit_order"),
)
MAPS = (*RACES, "2s3z", "3s5z", "1c3s5z", "10m_vs_11m", "MMM")
MARKS = {"return": RETURN_MARK, "win": WIN_MARK, "dead_allies": 1.0, "dead_enemies": 1.0}
CERTAIN = 4.0
PAGE = """# How much each undocumented rule matters

`python -m benchmarks.fidelity.sensitivity`, {battles:,} battles of random and of scripted play for each reading and
scenario, seed {seed}. A cell shows the policy and statistic that change most, in marks (8% of the length, 0.8 of the
return, 0.08 of the win rate, or one unit dead), and in brackets in standard errors; – means nothing beyond chance. Two
readings in one row: what both do together beyond the sum of what each does alone. [The engine's page](../engine.md)
explains them.

{table}"""

Reading = tuple[tuple[str, Any], ...]
"""Options that differ from the defaults."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Effect of a reading on one statistic of one policy's battles."""

    reading: Reading
    scenario: str
    policy: str
    statistic: str
    marks: float
    sigmas: float

    @property
    def weight(self) -> float:
        """Size where it is certain, else 0."""
        return abs(self.marks) if abs(self.sigmas) >= CERTAIN else 0.0


def single_readings() -> list[Reading]:
    """Every reading but the defaults."""
    defaults = Readings()
    values = CHOICES | NUMBERS
    return [((name, value),) for name in values for value in values[name] if value != getattr(defaults, name)]


def pair_readings(singles: list[Reading]) -> list[Reading]:
    """Each pair of names with the last value of both: the one farthest from the default."""
    last = {reading[0][0]: reading[0] for reading in singles}
    return [(last[a], last[b]) for a, b in PAIRS]


def effects(reading: Reading, scenario: str, policy: str, change: Battles, scale: Battles) -> list[Effect]:
    """Turn paired changes (N,) of each statistic into effects; ``scale`` gives the length of which 8% are a mark."""
    found = []
    for statistic in STATISTICS:
        values = change[statistic]
        mark = MARKS.get(statistic) or LENGTH_MARK * float(scale["length"].mean())
        error = float(values.std(ddof=1)) / len(values) ** 0.5
        mean = float(values.mean())
        found.append(
            Effect(
                reading=reading,
                scenario=scenario,
                policy=policy,
                statistic=statistic,
                marks=mean / mark,
                sigmas=mean / error if error > 0 else 0.0,
            )
        )
    return found


def measure(scenarios: list[str], battles: int, seed: int, *, pairs: bool) -> list[Effect]:
    """All effects."""
    singles = single_readings()
    found = []
    for scenario, policy in product(scenarios, POLICIES):
        base = play_battles(scenario, policy, battles, seed=seed)
        alone: dict[tuple[str, Any], Battles] = {}
        for reading in singles:
            played = play_battles(scenario, policy, battles, seed=seed, **dict(reading))
            alone[reading[0]] = {name: played[name] - base[name] for name in STATISTICS}
            found += effects(reading, scenario, policy, alone[reading[0]], base)
        for reading in pair_readings(singles) if pairs else []:
            played = play_battles(scenario, policy, battles, seed=seed, **dict(reading))
            first, second = (alone[one] for one in reading)
            beyond = {name: played[name] - base[name] - first[name] - second[name] for name in STATISTICS}
            found += effects(reading, scenario, policy, beyond, base)
        print(f"{scenario}, {policy}: done", flush=True)
    return found


def table(found: list[Effect]) -> str:
    """Readings in order of their greatest certain effect; in every cell the greatest of a scenario."""
    scenarios = list(dict.fromkeys(effect.scenario for effect in found))
    readings = list(dict.fromkeys(effect.reading for effect in found))
    by_reading = {reading: [effect for effect in found if effect.reading == reading] for reading in readings}
    readings.sort(key=lambda reading: -max(effect.weight for effect in by_reading[reading]))
    lines = ["| reading | " + " | ".join(scenarios) + " |", "|---" * (len(scenarios) + 1) + "|"]
    for reading in readings:
        cells = []
        for scenario in scenarios:
            here = [effect for effect in by_reading[reading] if effect.scenario == scenario]
            top = max(here, key=lambda effect: (effect.weight, abs(effect.sigmas)))
            text = f"{top.policy} {top.statistic} {top.marks:+.2f} ({abs(top.sigmas):.0f})"
            cells.append(text if top.weight else "–")
        name = ", ".join(f"{option}={value}" for option, value in reading)
        lines.append("| " + " | ".join([name, *cells]) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", default=",".join(MAPS))
    parser.add_argument("--battles", type=int, default=1024)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pairs", action="store_true", help="interacting pairs as well")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table here as well")
    args = parser.parse_args()
    found = table(measure(args.scenarios.split(","), args.battles, args.seed, pairs=args.pairs))
    if args.out:
        args.out.write_text(PAGE.format(battles=args.battles, seed=args.seed, table=found), encoding="utf-8")
    print(found)


if __name__ == "__main__":
    main()
