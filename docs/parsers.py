"""The argument parsers of all commands, for the command reference: ``parsers.compare()`` and so on."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from common.registry import load
from harness.__main__ import COMMANDS


def parser_of(command: str) -> argparse.ArgumentParser:
    """Return the parser of ``python -m harness.COMMAND``."""
    parser: argparse.ArgumentParser = load(COMMANDS[command].parser)()
    return parser


def __getattr__(name: str) -> Callable[[], argparse.ArgumentParser]:
    if name not in COMMANDS:
        raise AttributeError(name)
    return load(COMMANDS[name].parser)
