"""The first sentence of the page: who scores highest, alone or level, and what is shown about the others."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

from harness.report.headline import headline

PLACE = "terran_5_vs_5"


def row(algorithm: str, win_rate: float, seeds: tuple[int, ...] = (0, 1, 2)) -> Any:
    return SimpleNamespace(
        seeds=seeds,
        algorithm=algorithm,
        scenario=PLACE,
        win_rate=win_rate,
        score=win_rate,
        win_low=win_rate - 0.1,
        win_high=win_rate + 0.1,
        can_be_won=True,
    )


@dataclasses.dataclass(frozen=True)
class Report:
    """As much of a report as the sentence needs."""

    rows: list[Any]
    comparisons: list[Any] = dataclasses.field(default_factory=list)
    scenarios: tuple[str, ...] = (PLACE,)


def headline_of(*rows: Any, comparisons: tuple[Any, ...] = ()) -> str:
    found: Any = Report(list(rows), list(comparisons))
    return headline(found, ())


def test_one_that_scores_highest_is_named_with_what_is_shown() -> None:
    ahead = SimpleNamespace(scenario=PLACE, algorithm="k24", baseline="vdn", low=0.1, high=0.3)
    assert headline_of(row("k24", 0.5), row("qmix", 0.4), row("vdn", 0.2), comparisons=(ahead,)) == (
        f"On {PLACE} k24 scores highest, win rate 0.500 [0.400, 0.600]; k24 is shown to be better than vdn; "
        "no difference from qmix is shown."
    )


def test_one_seed_shows_nothing_about_algorithms() -> None:
    ahead = SimpleNamespace(scenario=PLACE, algorithm="k24", baseline="vdn", low=0.1, high=0.3)
    assert headline_of(row("k24", 0.5, (0,)), row("vdn", 0.2, (0,)), comparisons=(ahead,)) == (
        f"On {PLACE} k24 scores highest, win rate 0.500 [0.400, 0.600]; its policy wins more than that of vdn."
    )


def test_one_seed_where_no_one_wins_or_two_are_level() -> None:
    ahead = SimpleNamespace(scenario=PLACE, algorithm="k24", baseline="vdn", low=0.1, high=0.3)
    rows = [row(name, score, (0,)) for name, score in (("k24", 0.5), ("kalei", 0.5), ("vdn", 0.2))]
    ends = "; the policy of k24 wins more than that of vdn."
    assert headline_of(*rows, comparisons=(ahead,)).endswith(ends)
    for each in rows:
        each.can_be_won, each.return_mean = False, each.score
    ends = "; its policy has a higher return than that of vdn."
    assert headline_of(rows[0], rows[2], comparisons=(ahead,)).endswith(ends)


def test_equal_results_are_named_together() -> None:
    assert headline_of(row("k24", 0.5), row("qmix", 0.4), row("kalei", 0.5)) == (
        f"On {PLACE} k24 and kalei score highest, win rate 0.500 [0.400, 0.600]; no difference from qmix is shown."
    )
    assert (
        headline_of(row("k24", 0.5), row("qmix", 0.5))
        == f"On {PLACE} k24 and qmix score alike, win rate 0.500 [0.400, 0.600]."
    )
    assert headline_of(row("k24", 0.5)) == f"On {PLACE} k24 reaches win rate 0.500 [0.400, 0.600]."
