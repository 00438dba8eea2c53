"""All commands: ``k24 COMMAND …``, or ``python -m harness COMMAND …``.

    k24                    lists the commands
    k24 compare --help     explains one
    k24 completion bash    prints a script that completes commands and flags

Each command is also a module: ``python -m harness.compare``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from common.registry import did_you_mean, load
from harness.cli.streams import speak_any_encoding, until_reader_leaves


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command; its modules are imported when it is used."""

    main: str
    """``module:function``, called with the arguments; returns the exit code."""
    parser: str
    """``module:function`` that returns the parser; its module imports nothing heavy where that can be avoided."""
    summary: str


def _command(module: str, summary: str, flags: str = "flags.study") -> Command:
    """Return a row of the table; ``module`` and ``flags``, which holds ``NAME_parser``, are within ``harness``."""
    parser = f"harness.{flags}:{module.split('.')[0]}_parser"
    return Command(main=f"harness.{module}:main", parser=parser, summary=summary)


COMMANDS: dict[str, Command] = {
    "compare": _command("compare", "train algorithms and compare them: the place to start", "flags.compare"),
    "tune": _command("tune", "search for an algorithm's settings", "flags.tune"),
    "worker": _command("worker", "take runs that wait in a database", "flags.workers"),
    "report": _command("report.__main__", "write a study as one HTML page"),
    "leaderboard": _command("leaderboard", "write the results of databases as a page with filters"),
    "watch": _command("watch", "play battles and write them as a video", "flags.play"),
    "export": _command("export", "write runs, curves or findings for other programs"),
    "baselines": _command("baselines", "play scripted and random policies", "flags.play"),
    "patterns": _command("patterns", "show how the masks of a study are used"),
    "measure": _command("measure", "measure decisions/s of a study's policies again"),
    "delete": _command("delete", "delete runs of a study"),
    "push": _command("push", "upload a trained policy to the Hugging Face hub"),
    "pull": _command("pull", "download a trained policy"),
    "throughput": _command("throughput.__main__", "measure what 2:4 sparsity gains on this machine"),
    "doctor": _command("doctor", "check the installation", "doctor"),
    "completion": _command("completion", "print a completion script for a shell", "completion"),
}


def main(argv: Sequence[str] | None = None, *, program: str = "python -m harness") -> int:
    """Run a command, or list all of them.

    Args:
        argv: the words after the program's name.
        program: how the program was called, for messages.

    Returns:
        The command's exit code; 2 for an unknown command.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    speak_any_encoding()
    return until_reader_leaves(lambda: _run(words, program))


def _run(words: Sequence[str], program: str) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(overview(program))
        return 0
    if words[0] in ("-V", "--version"):
        from importlib.metadata import version

        print(f"k24-harness {version('k24-harness')}")
        return 0
    name, *rest = words
    if name not in COMMANDS:
        hint = did_you_mean(name, COMMANDS)
        print(f"error: unknown command {name!r}: {hint}all commands: {program}", file=sys.stderr)
        return 2
    if rest in (["-h"], ["--help"]):
        parser = load(COMMANDS[name].parser)()
        parser.prog = f"{program} {name}"
        parser.print_help()
        return 0
    code: int = load(COMMANDS[name].main)(rest)
    return code


def parser_of(module: str) -> argparse.ArgumentParser | None:
    """Return the parser of the command that ``python -m module`` runs; ``None`` where there is none."""
    for command in COMMANDS.values():
        if command.main.partition(":")[0] in (module, f"{module}.__main__"):
            parser: argparse.ArgumentParser = load(command.parser)()
            return parser
    return None


def overview(program: str) -> str:
    """Return the list of commands."""
    width = max(map(len, COMMANDS))
    lines = [f"usage: {program} COMMAND [FLAGS]", ""]
    lines += [f"  {name:{width}}  {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join([*lines, "", f"flags of a command: {program} COMMAND --help"])


if __name__ == "__main__":
    sys.exit(main())
