"""Shell completion of all commands and their flags, as a script for the shell.

k24 completion bash >> ~/.bash_completion
k24 completion zsh > ~/.zsh/_k24
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from common.registry import load
from harness.cli.common import ALL_DONE, Parser, command
from harness.cli.errors import UsageError

SHELLS = ("bash", "zsh", "tcsh")


@command("nothing was written")
def main(argv: Sequence[str]) -> int:
    """Print the script; returns the exit code: 0, or 2 for a mistake in the command."""
    print(script(completion_parser().parse_args(argv).shell))
    return ALL_DONE


def script(shell: str) -> str:
    """Return the completion script for one of ``SHELLS``.

    Raises:
        UsageError: the package shtab is not installed.
    """
    try:
        import shtab
    except ImportError as error:
        raise UsageError(f"completion scripts are made by shtab ({error}). Type: pip install shtab") from error
    return str(shtab.complete(all_commands(), shell=shell))


def all_commands() -> argparse.ArgumentParser:
    """Return one parser of all commands, each with its flags."""
    from harness.__main__ import COMMANDS

    whole = argparse.ArgumentParser(prog="k24")
    commands = whole.add_subparsers()
    for name, entry in COMMANDS.items():
        commands.add_parser(name, parents=[load(entry.parser)()], add_help=False, help=entry.summary)
    return whole


def completion_parser() -> Parser:
    found = Parser("completion", "Print a completion script for a shell.")
    found.add_argument("shell", choices=SHELLS, help="shell that the script is for")
    return found


if __name__ == "__main__":
    sys.exit(main())
