"""The runs of the study of K24 (docs/results/k24_protocol.md): stages, their arms, scenarios, seeds and lengths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RACES = ("terran_5_vs_5", "protoss_5_vs_5", "zerg_5_vs_5")
CHOOSING, JUDGING = (10, 11, 12), (30, 31, 32, 33, 34)
"""Seeds of the stages that choose settings, and of most that judge what was chosen."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One thing that is compared: an algorithm with settings."""

    label: str
    """in tables"""
    algorithm: str
    """registered id"""
    settings: tuple[str, ...] = ()
    """``KEY=VALUE`` of the algorithm's config"""
    candidate: bool = False
    """whether it may become ``k24``"""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Runs that are made and reported together."""

    name: str
    arms: tuple[Arm, ...]
    scenarios: tuple[str, ...] = RACES
    seeds: tuple[int, ...]
    env_steps: int = 300_000
    pairs: tuple[tuple[str, str], ...] = ()
    """(arm, baseline) of the differences that are reported"""
    budget: str = "quick"
    """``--budget``: evaluations and checkpoints"""


PARTS = ("score_activation=true", "div_coef=0.1")
"""The factor EMA(|a|) and part C, at the description's strength."""
NEITHER = ("score_activation=false", "div_coef=0")
"""Neither the factor EMA(|a|) nor part C."""
RESETS = ("reset_ratio=none",)
"""Those of the description."""
BEFORE = ("straight_through=false", "noise=true", "finetune_start_ratio=0.8", *PARTS, *RESETS)
"""``k24`` as it was before the study, whatever its defaults become."""
QUIET = ("straight_through=true", "noise=false", "finetune_start_ratio=1")
"""Changes 1 and 2 of the protocol, and masks that never freeze."""
LEAN = (*QUIET, *NEITHER, *RESETS)
SHARP = ("straight_through=true", "noise=true", "sharpness_init=3", "finetune_start_ratio=1")
"""Change 1 with noise on steeper masks."""


def candidates(settings: Mapping[str, tuple[str, ...]]) -> tuple[Arm, ...]:
    """Return arms that may become ``k24``, from label -> settings."""
    return tuple(Arm(label=label, algorithm="k24", settings=each, candidate=True) for label, each in settings.items())


CANDIDATES = candidates(
    {
        "1+2": LEAN,
        "1+2, EMA and C": (*QUIET, *PARTS, *RESETS),
        "1+2, C": (*QUIET, "score_activation=false", "div_coef=0.1", *RESETS),
        "1+2, no resets": (*QUIET, *NEITHER, "reset_ratio=0"),
        "1, sharpness 3 to 15": (*SHARP, *NEITHER, *RESETS),
        "1+2+3 continuous": (*LEAN, "continuous=true", "decay=0"),
        "1+2+4 held": (*LEAN, "hold_updates=40"),
        "1+2+5 dense first, evidence": (*LEAN, "dense_ratio=0.2", "alpha_evidence=true"),
        "1+2+6 α rate × 10": (*LEAN, "alpha_lr_scale=10"),
    }
)
BEST_OF_CHOOSE = CANDIDATES[3], CANDIDATES[4], CANDIDATES[1]
"""The three with the highest means in ``choose``."""
NO_RESETS = CANDIDATES[3]
"""What ``races`` chose, and what the second choice starts from."""
SECOND_CHOICE = (
    NO_RESETS,
    *candidates(
        {
            "7 rate × 2": (*NO_RESETS.settings, "weight_lr_scale=2"),
            "7 rate × 2, start × 1.12": (*NO_RESETS.settings, "weight_lr_scale=2", "weight_init_scale=1.12"),
            "5 dense half": (*NO_RESETS.settings, "dense_ratio=0.5"),
        }
    ),
)
ALPHA_FIXED = Arm(label="1+2, α fixed", algorithm="k24", settings=(*LEAN, "alpha_lr_scale=0"))


def masked_gru(algorithm: str) -> Arm:
    """Return the arm of a control that masks the GRU too."""
    return Arm(label=f"{algorithm}, GRU masked", algorithm=algorithm, settings=("mask_gru=true",))


def plain(*algorithms: str) -> tuple[Arm, ...]:
    """Arms of algorithms as they are registered."""
    return tuple(Arm(label=each, algorithm=each) for each in algorithms)


def against(baseline: str, *labels: str) -> tuple[tuple[str, str], ...]:
    """Pairs of each label with one baseline."""
    return tuple((label, baseline) for label in labels)


_CHOOSE = (
    Arm(label="k24 before", algorithm="k24", settings=BEFORE),
    *CANDIDATES[:2],
    ALPHA_FIXED,
    *plain("k24-magnitude"),
    *CANDIDATES[2:],
    *plain("qmix", "kalei"),
)

GRU_MASKED = (*plain("qmix", "k24", "k24-gru"), masked_gru("k24-magnitude"), masked_gru("k24-static"))

STAGES = {
    stage.name: stage
    for stage in (
        Stage(
            name="choose",
            arms=_CHOOSE,
            scenarios=RACES[:1],
            seeds=CHOOSING,
            pairs=(
                *against("k24 before", *(arm.label for arm in _CHOOSE[1:-2])),
                *against("1+2, α fixed", "1+2"),
                *against("qmix", *(arm.label for arm in _CHOOSE if arm.label != "qmix")),
            ),
        ),
        Stage(name="races", arms=BEST_OF_CHOOSE, seeds=CHOOSING),
        Stage(
            name="again",
            arms=SECOND_CHOICE,
            seeds=CHOOSING,
            pairs=against(NO_RESETS.label, *(arm.label for arm in SECOND_CHOICE[1:])),
        ),
        Stage(
            name="judge",
            arms=plain("qmix", "kalei", "k24", "k24-magnitude", "k24-static", "k24-described"),
            seeds=JUDGING,
            pairs=(
                *(("k24", each) for each in ("qmix", "kalei", "k24-magnitude", "k24-static", "k24-described")),
                ("k24-magnitude", "qmix"),
                ("kalei", "qmix"),
            ),
        ),
        Stage(
            name="alpha",
            arms=plain("k24", "k24-alpha-fixed", "k24-magnitude-per-type"),
            scenarios=RACES[:1],
            seeds=tuple(range(30, 40)),
            pairs=against("k24-alpha-fixed", "k24", "k24-magnitude-per-type"),
        ),
        Stage(
            name="controls",
            arms=plain("k24", "k24-dense-first", "k24-wide", "k24-gru"),
            scenarios=RACES[:1],
            seeds=JUDGING,
            pairs=against("k24", "k24-dense-first", "k24-wide", "k24-gru"),
        ),
        Stage(
            name="gru",
            arms=GRU_MASKED,
            seeds=(40, 41, 42, 43, 44),
            pairs=(
                *against("qmix", "k24-gru", "k24", "k24-magnitude, GRU masked", "k24-static, GRU masked"),
                *(("k24-gru", arm.label) for arm in GRU_MASKED[1:] if arm.label != "k24-gru"),
            ),
        ),
        Stage(
            name="transfer",
            arms=plain("qmix", "kalei", "k24"),
            scenarios=("terran_10_vs_10",),
            seeds=JUDGING[:3],
            pairs=against("qmix", "k24", "kalei"),
        ),
        Stage(
            name="million",
            arms=plain("qmix", "kalei", "k24"),
            seeds=JUDGING[:3],
            env_steps=1_000_000,
            pairs=against("qmix", "k24", "kalei"),
        ),
        Stage(
            name="shared",
            arms=plain("qmix", "k24", "k24-magnitude"),
            seeds=JUDGING[:3],
            env_steps=1_000_000,
            pairs=(*against("qmix", "k24", "k24-magnitude"), ("k24", "k24-magnitude")),
        ),
        Stage(
            name="published",
            arms=plain("qmix", "kalei", "k24"),
            scenarios=RACES[:1],
            seeds=JUDGING[:1],
            env_steps=10_050_000,
            pairs=against("qmix", "k24", "kalei"),
        ),
    )
}
"""Name -> stage, in the order in which they are made."""
