"""The first sentence of the page: who scores highest, alone or level, and what is shown about the others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from harness.report.headline import headline

PLACE = "terran_5_vs_5"


def row(algorithm: str, win_rate: float, seeds: tuple[int, ...] = (0, 1, 2)) -> Any:
    won = dict(can_be_won=True, win_rate=win_rate, score=win_rate, win_low=win_rate - 0.1, win_high=win_rate + 0.1)
    return SimpleNamespace(seeds=seeds, algorithm=algorithm, scenario=PLACE, **won)


def headline_of(*rows: Any, comparisons: tuple[Any, ...] = ()) -> str:
    """The sentence of as much of a report as it needs."""
    report: Any = SimpleNamespace(rows=list(rows), comparisons=list(comparisons), scenarios=(PLACE,))
    return headline(report, ())


AHEAD = (SimpleNamespace(scenario=PLACE, algorithm="k24", baseline="vdn", low=0.1, high=0.3),)


def test_one_that_scores_highest_is_named_with_what_is_shown() -> None:
    assert headline_of(row("k24", 0.5), row("qmix", 0.4), row("vdn", 0.2), comparisons=AHEAD) == (
        f"On {PLACE} k24 scores highest, win rate 0.500 [0.400, 0.600]; k24 is shown to be better than vdn; "
        "no difference from qmix is shown."
    )


def test_one_seed_shows_nothing_about_algorithms() -> None:
    assert headline_of(row("k24", 0.5, (0,)), row("vdn", 0.2, (0,)), comparisons=AHEAD) == (
        f"On {PLACE} k24 scores highest, win rate 0.500 [0.400, 0.600]; its policy wins more than that of vdn."
    )


def test_one_seed_where_no_one_wins_or_two_are_level() -> None:
    rows = [row(name, score, (0,)) for name, score in (("k24", 0.5), ("kalei", 0.5), ("vdn", 0.2))]
    ends = "; the policy of k24 wins more than that of vdn."
    assert headline_of(*rows, comparisons=AHEAD).endswith(ends)
    for each in rows:
        each.can_be_won, each.return_mean = False, each.score
    ends = "; its policy has a higher return than that of vdn."
    assert headline_of(rows[0], rows[2], comparisons=AHEAD).endswith(ends)


def test_equal_results_are_named_together() -> None:
    assert headline_of(row("k24", 0.5), row("qmix", 0.4), row("kalei", 0.5)) == (
        f"On {PLACE} k24 and kalei score highest, win rate 0.500 [0.400, 0.600]; no difference from qmix is shown."
    )
    alike = headline_of(row("k24", 0.5), row("qmix", 0.5))
    assert alike == f"On {PLACE} k24 and qmix score alike, win rate 0.500 [0.400, 0.600]."
    assert headline_of(row("k24", 0.5)) == f"On {PLACE} k24 reaches win rate 0.500 [0.400, 0.600]."
