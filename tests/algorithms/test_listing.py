"""Names and summaries are listed without torch, and are those of the registered rows."""

from __future__ import annotations

import pytest

from algorithms import registry
from tests.programs import output_of

PRESETS, SUMMARIES = registry._PRESETS, registry._SUMMARIES


def fresh(code: str) -> str:
    """What a new interpreter prints."""
    return output_of("-c", code).strip()


def test_the_listing_is_what_the_files_register() -> None:
    rows = {id: registry.entry(id) for id in registry.ids()}
    assert registry.ids()[: len(SUMMARIES)] == list(SUMMARIES)
    assert set(PRESETS) == {name for id in SUMMARIES for name in rows[id].presets}
    assert {registry.summary(id) for id in SUMMARIES} == set(SUMMARIES.values())
    with pytest.raises(registry.UnknownAlgorithmError, match="unknown algorithm 'k25': did you mean k24"):
        registry.summary("k25")


def test_every_file_that_registers_is_listed() -> None:
    code = "import algorithms.registry as r; r.entry('qmix'); print(*r._algorithms.ids())"
    assert fresh(code).split() == list(SUMMARIES)


def test_listing_needs_no_torch() -> None:
    code = (
        "import sys, algorithms.registry as r; "
        "names = r.ids(), r.preset_names(), [r.summary(id) for id in r.ids()], r.resolve('k24'); "
        "assert 'torch' not in sys.modules; print(r.resolve('k24_nq_learner'), 'torch' in sys.modules)"
    )
    assert fresh(code) == "k24 True"


@pytest.mark.parametrize(
    "first", ["algorithms.controls.dense", "algorithms.k24", "algorithms.controls.ablations", "algorithms.kalei"]
)
def test_the_order_does_not_depend_on_what_is_imported_first(first: str) -> None:
    code = f"import {first}; from algorithms import registry; registry.entry('qmix'); print(*registry.ids())"
    assert fresh(code).split() == list(SUMMARIES)


def test_rows_of_ones_own_follow_and_names_that_are_taken_are_refused() -> None:
    row = "summary='s', entry_point='algorithms.qmix:QMix', config='algorithms.qmix:QMixConfig'"
    own = f"from algorithms.registry import *; register('mine', {row}); register('yours', base='k24', summary='s'); "
    assert fresh(own + "print(*ids()[-3:])") == "vdn-n-rnn mine yours"
    taken = "from algorithms.registry import *\ntry: register('vdn', summary='s', entry_point='my:A', config='my:B')\n"
    assert "'vdn' is already registered" in fresh(taken + "except ValueError as error: print(error)")
