"""Errors of somebody else's code, in words."""

from __future__ import annotations

from common.errors import describe


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_type_and_message() -> None:
    assert describe(ValueError("too small")) == "ValueError: too small"


def test_an_error_that_cannot_say_what_it_is() -> None:
    assert describe(Mute()) == "Mute: its message cannot be shown"


def test_an_end_of_the_program_says_what_to_do_instead() -> None:
    assert describe(SystemExit(3)).startswith("SystemExit: 3 (it asks the whole program to end; raise another")
