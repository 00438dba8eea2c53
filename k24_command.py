"""The console command ``k24``; a module of its own name, so that it can say when another package hides ours.

k24 compare --algos k24,qmix
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

HOME = Path(__file__).resolve().parent
"""Where our packages lie, side by side."""


def main() -> int:
    """Run ``k24 COMMAND …``; returns its exit code."""
    spec = find_spec("harness")
    places = [Path(place).resolve() for place in (spec.submodule_search_locations or ())] if spec else []
    if HOME / "harness" not in places:
        found = places[0] if places else (spec.origin if spec else "none")
        print(
            f"error: another package named 'harness' hides the one of k24: found {found}, expected {HOME / 'harness'}. "
            "Unset PYTHONPATH, or install k24-harness into a virtual environment of its own",
            file=sys.stderr,
        )
        return 2
    from harness.__main__ import main as run

    return run(sys.argv[1:], program="k24")


if __name__ == "__main__":
    sys.exit(main())
