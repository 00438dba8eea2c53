"""Describe how the numbers of a report are computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.report.page import Details, Section
from harness.results.published import SOURCE
from harness.stats import COVERAGE, COVERAGE_NEAR_ZERO, ENOUGH_SEEDS, RESAMPLES
from studies.rows import RunRow


def method_section(runs: Iterable[RunRow]) -> Section:
    """One folded paragraph for each kind of number, with the settings of these runs where they decide."""
    explained = {
        "Win rate": [
            f"Wins / finished greedy battles (ε = 0) after training, {battles(runs)} a run, played by the policy as "
            "training left it. Every slot plays the same number of battles, so that short ones are not preferred; all "
            "algorithms meet the same battles of a seed. A battle cut by the time limit is finished and not won; an "
            "aborted one is reported and not counted.",
            "One seed: Wilson's 95% interval over its battles, which speaks of this one trained policy. Two to "
            f"{ENOUGH_SEEDS - 1}: mean with Student's t over seeds. {ENOUGH_SEEDS} or more: interquartile mean with a "
            f"stratified percentile bootstrap ({RESAMPLES:,} resamples, a generator of its own and a fixed seed, so "
            "the same runs give the same interval). None is narrower than Wilson's over all battles behind it.",
            f"In simulations “95%” holds the truth in {_shares(COVERAGE)} of 100 cases, and in "
            f"{_shares(COVERAGE_NEAR_ZERO)} where most seeds win next to nothing and a few win more.",
        ],
        "Learning curves": [
            "Each point is a greedy evaluation during training, on battles of its own, the same for every algorithm. "
            "Lines and bands are computed at each env_step as the final win rate is, by the number of seeds. env_steps "
            "are summed over all battles played side by side.",
            f"Published: {SOURCE}. StarCraft II and the built-in engine are not the same game; the curve is there for "
            "scale.",
        ],
        "Verdicts": [
            "Two algorithms of the same seed play the same battles, so they are compared battle by battle and what the "
            "battles share drops out. Over seeds: Student's t, never narrower than the battles alone allow.",
            "Fix the number of seeds beforehand: then a verdict calls one of two equal algorithms better in 5 of 100 "
            "cases. Seeds added until it does call one better in 14 of 100 (measured, beginning with 3 seeds of "
            "one scenario).",
        ],
        "Performance profiles, probability of improvement": [
            "A profile is the share of runs that win more than τ. The probability of improvement is how likely a run "
            "of one algorithm wins more than a run of the other on a scenario drawn at random, a tie counting half. "
            f"Both after Agarwal et al., NeurIPS 2021. Below {ENOUGH_SEEDS} seeds profiles have Wilson's interval over "
            "runs, and probabilities of improvement Newcombe's for the Mann–Whitney statistic.",
        ],
        "Sparsity": [
            "Zeros / entries, counted on the tensors that the trained policy multiplies with: of the prunable layers, "
            "and of all weights that one agent uses. Mean over seeds.",
        ],
        "Decisions/s, 2:4 speed-up": [
            "Agent decisions per second of the trained policy on the run's device: agents × battles / the median "
            "seconds of a greedy call, after a warm-up. The 2:4 speed-up is dense seconds / compressed seconds of a "
            "whole greedy pass on sparse tensor cores, its output checked against the masked dense one first; where "
            "there are no such cores it is n/a, never an estimate.",
        ],
        "Masks": [
            "Pattern use: of all groups of four consecutive inputs, the share in which a unit type keeps a given two "
            "of four. FLOPs: multiplications and additions of one agent's decision that the masks keep, whether or "
            "not the hardware profits.",
        ],
    }
    details = [Details(summary=name, texts=texts) for name, texts in explained.items()]
    return Section(id="method", title="How the numbers are computed", details=details)


def _shares(coverage: Mapping[int, float]) -> str:
    each = [f"{share * 100:.0f} ({count} seed{'s' if count > 1 else ''})" for count, share in coverage.items()]
    return ", ".join(each[:-1]) + f" or {each[-1]}"


def battles(runs: Iterable[RunRow]) -> str:
    """Say how many battles each run was evaluated on."""
    counts = sorted({run.episodes + run.aborted for run in runs})
    return " or ".join(f"{count:,}" for count in counts) or "a fixed number"
