"""Lengths of battles on the real game, read off the env steps at which published runs were evaluated.

    python -m benchmarks.fidelity.episode_lengths --study compare-300000-steps

PyMARL plays episodes in rounds of ``--round`` and evaluates after the first round that ends 10,000 env steps or more
after the last evaluation. The published curves keep the exact env step of each evaluation, so each tells by how much a
round went beyond the mark. For rounds of R env steps the mean of that excess is E[R²] / 2E[R]; with R's spread small
beside R it is R / 2, which gives the length of a training episode. Long battles are met the more often: where battles
differ much in length, as terran ones do (±32 env steps), ``spread`` takes that off. The standard error takes the excess
as uniform between 0 and R. Beside it stands how long the greedy battles of a study last, which were played after
training.

That a round has 4 episodes stands in the settings that the runs logged (benellis3/pymarl2,
``results_smac2_unit_ranges``). The logs hold the lengths too: 41.5 ± 0.6 at 202,000 to 232,000 env steps and 52.5 ± 1.1
at 1.01M to 1.07M in a run on terran.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence

from harness.results.published import published_runs
from studies.db.storage_url import DEFAULT_STORAGE
from studies.reader import StudyReader

TEST_INTERVAL = 10_000
"""env_steps between two evaluations of the published runs."""
SPANS = ((0, 100_000), (200_000, 400_000), (800_000, 2_000_000))


def implied_length(evaluated_at: Iterable[Sequence[int]], per_round: int, spread: float = 0.0) -> tuple[float, float]:
    """Length of a training episode and its standard error, in env_steps.

    Args:
        evaluated_at: of each run the env_steps of its evaluations, some of which may be missing.
        per_round: episodes that are played before it is asked whether to evaluate.
        spread: standard deviation of the length of one episode, in env_steps.

    Raises:
        ValueError: no run has two evaluations.
    """
    excess = intervals = 0
    for steps in evaluated_at:
        for before, after in zip(sorted(steps), sorted(steps)[1:], strict=False):
            passed = (after - before) // TEST_INTERVAL  # evaluations that were not published lie between
            excess += after - before - passed * TEST_INTERVAL
            intervals += passed
    if not intervals:
        raise ValueError("no run has two evaluations within this span, so there is no interval to measure")
    raw = 2 * excess / intervals / per_round
    # E[R²] / E[R] of n episodes of length L and variance s² is n L + s² / L, so raw = L + s² / (n L).
    length = (raw + math.sqrt(max(raw * raw - 4 * spread * spread / per_round, 0.0))) / 2
    return length, raw / math.sqrt(3 * intervals)


def published_steps(scenario: str, first: int, last: int) -> list[list[int]]:
    """env_steps of each published run's evaluations between two of them."""
    runs = published_runs(scenario).values()
    return [[point.env_steps for point in points if first <= point.env_steps <= last] for points in runs]


def published_line(scenario: str, per_round: int) -> str:
    """The implied lengths of each span."""
    cells = []
    for first, last in SPANS:
        length, error = implied_length(published_steps(scenario, first, last), per_round)
        cells.append(f"{first // 1000:,}k–{last // 1000:,}k: {length:.1f} ± {error:.1f}")
    return f"{scenario}: published QMIX, training episodes, {'; '.join(cells)}"


def own_lines(storage: str, study: str, scenario: str) -> list[str]:
    """Mean length of each algorithm's greedy battles after training, seed by seed."""
    lengths: dict[str, list[str]] = {}
    with StudyReader.open_existing(storage, study) as store:
        for row in store.rows():
            if row.scenario == scenario:
                battles = [battle.length for battle in store.outcomes(row.run_id) if not battle.aborted]
                name = f"{row.algorithm}, rules {row.config['env']['rules']}, after {row.env_steps:,} env steps"
                lengths.setdefault(name, []).append(f"{sum(battles) / len(battles):.1f}")
    return [f"{scenario}: {name}, greedy battles: {', '.join(each)}" for name, each in lengths.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--storage", default=DEFAULT_STORAGE)
    parser.add_argument("--study", action="append", default=[], help="may be repeated")
    parser.add_argument("--scenarios", default="terran_5_vs_5,protoss_5_vs_5,zerg_5_vs_5")
    parser.add_argument("--round", type=int, default=4, help="episodes of one round of PyMARL's runner")
    args = parser.parse_args()
    for scenario in args.scenarios.split(","):
        print(published_line(scenario, args.round))
        for study in args.study:
            for line in own_lines(args.storage, study, scenario):
                print(line)


if __name__ == "__main__":
    main()
