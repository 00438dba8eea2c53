"""Training, evaluation and reports: open ``harness/compare.py`` first."""

import os

# Long OpenMP spin-waits slow updates 10–100× on a shared machine; threads that never spin are twice as slow on an idle
# one. A short spin is near the best of both. It must be set before torch is loaded (GNU's OpenMP reads the first line,
# others the second); a value that the user has set stands.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def _refuse_hidden_packages() -> None:
    """Say which package of another project is found in place of ours: ``envs`` and ``studies`` are common names.

    Raises:
        ImportError: what was found, and what to do.
    """
    from importlib.util import find_spec
    from pathlib import Path

    home = Path(__file__).resolve().parent.parent
    for name in ("common", "envs", "algorithms", "studies"):
        spec = find_spec(name)
        places = [Path(place).resolve() for place in (spec.submodule_search_locations or [])] if spec else []
        if home / name not in places:
            found = places[0] if places else (spec.origin if spec else "nothing")
            raise ImportError(
                f"another package named {name!r} hides this project's: found {found}, expected {home / name}. "
                "Type the command in another folder, use the command k24, or unset PYTHONPATH"
            )


_refuse_hidden_packages()


def _answer_help() -> None:
    """Answer ``python -m harness.compare --help`` before that module and all that it needs are imported.

    Python imports this package first; the parsers lie in light modules, so help takes a second instead of six.
    """
    import sys

    words = sys.orig_argv[1:]
    asked = [word for word in words if word.startswith("harness.")]
    if sys.argv[:1] != ["-m"] or not asked or words[-1] not in ("-h", "--help") or "--import" in words:
        return
    from harness.__main__ import parser_of
    from harness.cli.streams import speak_any_encoding

    found = parser_of(asked[0])
    if found is not None:
        speak_any_encoding()
        found.print_help()
        sys.exit(0)


_answer_help()
