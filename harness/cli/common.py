"""Shared by all commands: the ``@command`` wrapper, exit codes, common flags, the console."""

from __future__ import annotations

import argparse
import functools
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, Protocol

import envs.registry
from common.errors import quoted
from common.signals import stop_like_ctrl_c
from harness.cli.errors import UsageError, check_known
from harness.cli.overrides import Setting, parse_setting
from harness.cli.streams import speak_any_encoding, until_reader_leaves
from harness.cli.user_code import import_user_code
from studies.db.errors import StorageError
from studies.db.storage_url import StorageUrl, without_passwords

ALL_DONE, SOME_MISSING, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


class Main(Protocol):
    """A command: from its arguments, or those of the process, to an exit code."""

    def __call__(self, argv: Sequence[str] | None = None) -> int: ...


def command(stopped: str, *, resume: str | None = None) -> Callable[[Callable[[Sequence[str]], int]], Main]:
    """Make a program of a function from arguments to an exit code.

    A user's mistake becomes one line and exit code 2, Ctrl-C becomes 130. Without arguments the program reads the
    process's own.

    Args:
        stopped: what Ctrl-C leaves behind, in words.
        resume: the command's module, where typing the same command again goes on.
    """

    def decorate(run: Callable[[Sequence[str]], int]) -> Main:
        @functools.wraps(run)
        def main(argv: Sequence[str] | None = None) -> int:
            arguments = list(sys.argv[1:] if argv is None else argv)
            stop_like_ctrl_c()
            speak_any_encoding()
            try:
                return until_reader_leaves(lambda: run(arguments))
            except (UsageError, StorageError) as error:
                print(f"error: {error}", file=sys.stderr)
                return WRONG_USE
            except OSError as error:
                named = f"{error.filename}: " if error.filename is not None else ""
                advice = "check the paths that the command names, and the room on their disk"
                print(f"error: {named}{error.strerror or error}; {advice}", file=sys.stderr)
                return SOME_MISSING
            except KeyboardInterrupt:
                again = f"; to go on: {command_line(resume, arguments)}" if resume else ""
                print(f"\nstopped; {stopped}{again}", file=sys.stderr)
                return INTERRUPTED

        return main

    return decorate


def command_line(module: str, arguments: Sequence[str]) -> str:
    """Return a command as it was typed, passwords as ``***``."""
    return without_passwords(shlex.join(["python", "-m", module, *arguments]))


def flag_words(flag: str, value: object) -> list[str]:
    """Return a flag and its value as arguments of a command; a value with a dash in front would be taken for a flag."""
    return [f"{flag}={value}"] if str(value).startswith("-") else [flag, str(value)]


TWINS = (("--algo", "--algos"), ("--scenario", "--scenarios"), ("--seed", "--seeds"), ("--policy", "--policies"))
"""Spellings of one flag; a command that has one of them accepts the other too."""


class Parser(argparse.ArgumentParser):
    """Reports mistakes like every other part of the program: one line, no usage dump.

    Args:
        command: what follows ``python -m harness.``.
        description: what the command does.
        epilog: shown below the flags as it is.
    """

    def __init__(self, command: str, description: str = "", *, epilog: str = "", add_help: bool = True) -> None:
        super().__init__(
            prog=f"python -m harness.{command}",
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter if epilog else argparse.HelpFormatter,
            add_help=add_help,
            allow_abbrev=False,
        )

    def parse_known_args(self, args=None, namespace=None):
        """Accept both spellings of a flag, unless the command has a flag for each."""
        for one, other in TWINS:
            known = self._option_string_actions
            for spelling, twin in ((one, other), (other, one)):
                if spelling in known:
                    known.setdefault(twin, known[spelling])
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; all flags: {self.prog} --help")


def add_repeated(parser: argparse.ArgumentParser, flag: str, dest: str, metavar: str, text: str) -> None:
    """Add a flag that may be given several times; ``dest`` is the list of its values."""
    parser.add_argument(flag, dest=dest, action="append", default=[], metavar=metavar, help=text)


def add_import(
    parser: argparse.ArgumentParser, text: str = "your own code, imported first", *, metavar: str = "FILE"
) -> None:
    add_repeated(parser, "--import", "imports", metavar, text)


def add_setting(parser: argparse.ArgumentParser, metavar: str, text: str) -> None:
    add_repeated(parser, "--set", "settings", metavar, text)


def add_backend(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--backend", default="battle", choices=tuple(envs.registry.BACKENDS), help=text)


def listing(kind: str, summaries: Mapping[str, str], width: int = 16) -> str:
    """Return a part of a parser's epilog: a line for each registered name."""
    return "\n".join([f"{kind}:", *(f"  {name:{width}} {text}" for name, text in summaries.items())])


def parse_flags(parser: Callable[[], argparse.ArgumentParser], argv: Sequence[str]) -> argparse.Namespace:
    """Read a command line; ``--import`` acts first, so that what it registers can be named by the other flags.

    Raises:
        UsageError: an unknown flag or a malformed value, or the user's code fails.
        SystemExit: after ``--help``.
    """
    early = Parser("", add_help=False)
    early.prog = parser().prog
    add_import(early)
    for target in early.parse_known_args(argv)[0].imports:
        import_user_code(target)
    return parser().parse_args(argv)


def names_in(kind: str, text: str, known: Sequence[str], real: Callable[[str], str] = str) -> tuple[str, ...]:
    """The names in a list, each once; ``real`` knows other words for some of them."""
    names = tuple(dict.fromkeys(map(real, listed(text))))
    if not names:
        raise UsageError(f"no {kind} given; known: {', '.join(known)}")
    check_known(kind, names, known, hint="One of your own: --import my_file.py")
    return names


def listed(text: str | None) -> list[str]:
    """The parts of a list with commas; none where nothing was given."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def at_least(least: int, flag: str, value: int, *, most: int | None = None) -> int:
    """Return the value of a flag that counts or numbers something.

    Raises:
        UsageError: it is less or more than is allowed.
    """
    if value < least:
        raise UsageError(f"{flag} is {value}, it must be at least {least}")
    if most is not None and value > most:
        raise UsageError(f"{flag} is {value}, it must be at most {most:,}")
    return value


def is_number(text: str) -> bool:
    """Return whether a text is a whole number in decimal digits, short enough for a database or a count."""
    return text.isascii() and text.isdecimal() and len(text) <= 18


def world_settings(arguments: Sequence[str]) -> list[Setting]:
    """Every ``--set`` of a command that trains nothing, so that only the world has settings.

    Raises:
        UsageError: a malformed one, or one of an algorithm.
    """
    settings = [parse_setting(argument) for argument in arguments]
    for setting in settings:
        if setting.target != "env":
            raise UsageError(
                f"--set {setting.target}.{setting.key}: only the world has settings here: --set env.KEY=VALUE"
            )
    return settings


def make_folder(folder: Path) -> None:
    """Make the folder for results now, rather than find out after training that it cannot be.

    Raises:
        UsageError: it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UsageError(f"--out {folder} cannot be written to ({error.strerror}); name another folder") from error


@contextmanager
def writing_results(folder: Path, stored: str) -> Iterator[None]:
    """Within this block files are written that can be made again from ``stored``, the database without its password.

    Raises:
        UsageError: one of them cannot be written: which, why, and what to type next.
    """
    try:
        yield
    except OSError as error:
        in_the_way = isinstance(error, FileExistsError | NotADirectoryError | IsADirectoryError)
        room = f"Make room (df -h {quoted(folder)}; ulimit -f)"
        advice = "Move away what stands in its place" if in_the_way else room
        path = error.filename2 or error.filename  # where a draft cannot take its place: the place
        raise UsageError(
            f"{path or f'a file in {folder}'} cannot be written ({error.strerror or error}). All results are "
            f"stored in {stored}. {advice}, then type the same command again: what is done is not repeated"
        ) from error


def dashboard_command(url: StorageUrl) -> str:
    """Return what to type to see all trials of a database, quoted for a shell."""
    return shlex.join(["optuna-dashboard", url.redacted, "--artifact-dir", str(url.artifact_folder)])
