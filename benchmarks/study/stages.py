"""The runs of the study of K24 (docs/results/k24_protocol.md): stages, their arms, scenarios, seeds and lengths."""

from __future__ import annotations

from dataclasses import dataclass

RACES = ("terran_5_vs_5", "protoss_5_vs_5", "zerg_5_vs_5")


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
    scenarios: tuple[str, ...]
    seeds: tuple[int, ...]
    env_steps: int
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

CANDIDATES = (
    Arm(label="1+2", algorithm="k24", settings=LEAN, candidate=True),
    Arm(label="1+2, EMA and C", algorithm="k24", settings=(*QUIET, *PARTS, *RESETS), candidate=True),
    Arm(
        label="1+2, C",
        algorithm="k24",
        settings=(*QUIET, "score_activation=false", "div_coef=0.1", *RESETS),
        candidate=True,
    ),
    Arm(label="1+2, no resets", algorithm="k24", settings=(*QUIET, *NEITHER, "reset_ratio=0"), candidate=True),
    Arm(
        label="1, sharpness 3 to 15",
        algorithm="k24",
        settings=(
            "straight_through=true",
            "noise=true",
            "sharpness_init=3",
            "finetune_start_ratio=1",
            *NEITHER,
            *RESETS,
        ),
        candidate=True,
    ),
    Arm(label="1+2+3 continuous", algorithm="k24", settings=(*LEAN, "continuous=true", "decay=0"), candidate=True),
    Arm(label="1+2+4 held", algorithm="k24", settings=(*LEAN, "hold_updates=40"), candidate=True),
    Arm(
        label="1+2+5 dense first, evidence",
        algorithm="k24",
        settings=(*LEAN, "dense_ratio=0.2", "alpha_evidence=true"),
        candidate=True,
    ),
    Arm(label="1+2+6 α rate × 10", algorithm="k24", settings=(*LEAN, "alpha_lr_scale=10"), candidate=True),
)
BEST_OF_CHOOSE = CANDIDATES[3], CANDIDATES[4], CANDIDATES[1]
"""The three with the highest means in ``choose``."""
NO_RESETS = CANDIDATES[3]
"""What ``races`` chose, and what the second choice starts from."""
SECOND_CHOICE = (
    NO_RESETS,
    *(
        Arm(label=label, algorithm="k24", settings=(*NO_RESETS.settings, *settings), candidate=True)
        for label, settings in {
            "7 rate × 2": ("weight_lr_scale=2",),
            "7 rate × 2, start × 1.12": ("weight_lr_scale=2", "weight_init_scale=1.12"),
            "5 dense half": ("dense_ratio=0.5",),
        }.items()
    ),
)
ALPHA_FIXED = Arm(label="1+2, α fixed", algorithm="k24", settings=(*LEAN, "alpha_lr_scale=0"))
MAGNITUDE = Arm(label="k24-magnitude", algorithm="k24-magnitude")


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
    CANDIDATES[0],
    CANDIDATES[1],
    ALPHA_FIXED,
    MAGNITUDE,
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
            seeds=(10, 11, 12),
            env_steps=300_000,
            pairs=(
                *against("k24 before", *(arm.label for arm in _CHOOSE[1:-2])),
                *against("1+2, α fixed", "1+2"),
                *against("qmix", *(arm.label for arm in _CHOOSE if arm.label != "qmix")),
            ),
        ),
        Stage(name="races", arms=BEST_OF_CHOOSE, scenarios=RACES, seeds=(10, 11, 12), env_steps=300_000),
        Stage(
            name="again",
            arms=SECOND_CHOICE,
            scenarios=RACES,
            seeds=(10, 11, 12),
            env_steps=300_000,
            pairs=against(NO_RESETS.label, *(arm.label for arm in SECOND_CHOICE[1:])),
        ),
        Stage(
            name="judge",
            arms=plain("qmix", "kalei", "k24", "k24-magnitude", "k24-static", "k24-described"),
            scenarios=RACES,
            seeds=(30, 31, 32, 33, 34),
            env_steps=300_000,
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
            env_steps=300_000,
            pairs=against("k24-alpha-fixed", "k24", "k24-magnitude-per-type"),
        ),
        Stage(
            name="controls",
            arms=plain("k24", "k24-dense-first", "k24-wide", "k24-gru"),
            scenarios=RACES[:1],
            seeds=(30, 31, 32, 33, 34),
            env_steps=300_000,
            pairs=against("k24", "k24-dense-first", "k24-wide", "k24-gru"),
        ),
        Stage(
            name="gru",
            arms=GRU_MASKED,
            scenarios=RACES,
            seeds=(40, 41, 42, 43, 44),
            env_steps=300_000,
            pairs=(
                *against("qmix", "k24-gru", "k24", "k24-magnitude, GRU masked", "k24-static, GRU masked"),
                *(("k24-gru", arm.label) for arm in GRU_MASKED[1:] if arm.label != "k24-gru"),
            ),
        ),
        Stage(
            name="transfer",
            arms=plain("qmix", "kalei", "k24"),
            scenarios=("terran_10_vs_10",),
            seeds=(30, 31, 32),
            env_steps=300_000,
            pairs=against("qmix", "k24", "kalei"),
        ),
        Stage(
            name="million",
            arms=plain("qmix", "kalei", "k24"),
            scenarios=RACES,
            seeds=(30, 31, 32),
            env_steps=1_000_000,
            pairs=against("qmix", "k24", "kalei"),
        ),
        Stage(
            name="shared",
            arms=plain("qmix", "k24", "k24-magnitude"),
            scenarios=RACES,
            seeds=(30, 31, 32),
            env_steps=1_000_000,
            pairs=(*against("qmix", "k24", "k24-magnitude"), ("k24", "k24-magnitude")),
        ),
        Stage(
            name="published",
            arms=plain("qmix", "kalei", "k24"),
            scenarios=RACES[:1],
            seeds=(30,),
            env_steps=10_050_000,
            pairs=against("qmix", "k24", "kalei"),
        ),
    )
}
"""Name -> stage, in the order in which they are made."""
