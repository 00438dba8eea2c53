"""A user's own files and modules, imported for what they register, and what they held."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path

from common.errors import describe
from harness.cli.errors import UsageError

_IMPORTED: dict[str, bytes] = {}
"""Name of a user's module that was imported -> what its file held then."""


def imported_code() -> dict[str, str]:
    """Return the user's modules that were imported: name -> ten digits that change with the file."""
    return {name: hashlib.sha256(source).hexdigest()[:10] for name, source in _IMPORTED.items()}


def import_user_code(target: str) -> None:
    """Run a user's own module or file, so that what it registers can be named by the other flags.

    Raises:
        UsageError: it is not there, or it fails while it is imported.
    """
    path = Path(target)
    try:
        if path.suffix != ".py":
            file = getattr(importlib.import_module(target), "__file__", None)
            if file is not None and Path(file).is_file():
                _IMPORTED.setdefault(target, Path(file).read_bytes())
            return
        spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
        if not path.is_file() or spec is None or spec.loader is None:
            raise FileNotFoundError(f"no such file: {path}")
        there, source = sys.modules.get(path.stem), path.read_bytes()
        if there is not None and getattr(there, "__file__", None) == spec.origin:
            if _IMPORTED.setdefault(path.stem, source) != source:
                raise ImportError("it has changed since it was imported; start Python again")
            return  # what it registers is known
        if there is not None:
            raise ImportError(f"a module named {path.stem} is there already; give the file another name")
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[path.stem]  # once it is mended it may be named again
            raise
        _IMPORTED[path.stem] = source
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit among them: a script of the user's that ends itself
        raise UsageError(
            f"--import {target[:200]} failed: {describe(error)}. Give a file (my_map.py) or a module "
            "(my.maps) that calls envs.register or algorithms.registry.register"
        ) from error
