"""Errors of somebody else's code, in words."""

from __future__ import annotations

import pytest

from common.errors import describe


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("too small"), "ValueError: too small"),
        (Mute(), "Mute: its message cannot be shown"),
        (SystemExit(3), "SystemExit: 3 (it asks the whole program to end; raise another exception to end a run)"),
    ],
)
def test_an_error_in_words(error: BaseException, words: str) -> None:
    assert describe(error) == words
