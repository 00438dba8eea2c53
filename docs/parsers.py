"""The argument parsers of all commands, for the command reference: ``parsers.compare()`` and so on."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

ROOT = Path(__file__).parents[1]


class _Found(BaseException):
    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


def _raise_parser(parser: argparse.ArgumentParser, *_: object) -> NoReturn:
    raise _Found(parser)


def command_names() -> list[str]:
    """Return the modules of ``harness`` that ``python -m`` runs, bare and without earlier names."""
    texts = {
        path.stem: path.read_text(encoding="utf-8")
        for path in (ROOT / "harness").glob("*.py")
        if path.stem != "__main__"
    }
    modules = [
        name for name, text in texts.items() if '__name__ == "__main__"' in text and "earlier name" not in text[:200]
    ]
    packages = [path.parent.name for path in (ROOT / "harness").glob("*/__main__.py")]
    return sorted(modules + packages)


def parser_of(command: str) -> argparse.ArgumentParser:
    """Return the parser that answers ``python -m harness.COMMAND --help``.

    Raises:
        ValueError: the command has no parser.
    """
    is_package = (ROOT / "harness" / command / "__main__.py").is_file()
    module = importlib.import_module(f"harness.{command}.__main__" if is_package else f"harness.{command}")
    with mock.patch.object(argparse.ArgumentParser, "print_help", _raise_parser):
        try:
            module.main(["--help"])
        except _Found as found:
            return found.parser
    raise ValueError(f"harness.{command} printed no help")


def __getattr__(name: str) -> Callable[[], Any]:
    if name not in command_names():
        raise AttributeError(name)
    return partial(parser_of, name)
