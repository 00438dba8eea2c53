"""docs/traces.md is true: its code runs, and it names every array of a trace with its type."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from tests.golden.trace import FOLDER

TEXT = (Path(__file__).parent.parent / "docs" / "traces.md").read_text()


def test_its_code_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    exec(compile(code, "traces.md", "exec"), {})


def test_it_names_every_array_and_no_other() -> None:
    rows = re.findall(r"^\| (`.*?`) \| (.*?) \| (\w+) \|", TEXT, flags=re.MULTILINE)
    documented = {name: (shape, dtype) for names, shape, dtype in rows for name in re.findall(r"`(\w+)`", names)}
    traces = sorted(FOLDER.glob("smacv2_*.npz"))
    assert traces
    for path in traces:
        with np.load(path, allow_pickle=False) as file:
            absent = set() if json.loads(str(file["options"])).get("heuristic_ai") else {"taken"}
            assert set(file.files) == set(documented) - absent, path.name
            for name in file.files:
                shape, dtype = documented[name]
                assert file[name].dtype.name.startswith(dtype), f"{name} of {path.name} is {file[name].dtype}"
                assert file[name].ndim == dimensions(shape), f"{name} of {path.name}: {file[name].shape}"


def dimensions(shape: str) -> int:
    """Of the first alternative, for example 2 for ``(B, N) or (B, 0)``."""
    return len([axis for axis in shape.split(" or ")[0].strip("()").split(",") if axis.strip()])
