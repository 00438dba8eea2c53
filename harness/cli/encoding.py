"""Consoles whose encoding lacks signs that messages use."""

from __future__ import annotations

import codecs
import io
import sys

_SIGNS = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "…": "...",
        "×": "x",
        "·": "|",
        "±": "+/-",
        "“": '"',
        "”": '"',
        "≥": ">=",
        "→": "->",
        "†": "(!)",
        "‡": "(!!)",
    }
)
"""What stands for a sign on a console that cannot show it."""


def _ascii_signs(error: UnicodeError) -> tuple[str, int]:
    """Codec error handler: a plain sign, or the escape of one that has none."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end].translate(_SIGNS)
    return found.encode("ascii", "backslashreplace").decode("ascii"), error.end


codecs.register_error("ascii_signs", _ascii_signs)


def speak_any_encoding() -> None:
    """Let both standard streams show what their encoding lacks in plain signs, rather than end in an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="ascii_signs")
