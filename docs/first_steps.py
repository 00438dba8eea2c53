"""Run ``examples/first_steps.ipynb`` and write it with its outputs as ``docs/first_steps.md``.

    python docs/first_steps.py

Takes a minute. Needs what the tests need (``pip install -e '.[dev]'``). Pictures go to ``docs/_static/``.
"""

from __future__ import annotations

import base64
import io
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
from PIL import Image

HERE = Path(__file__).parent
NOTEBOOK = HERE.parent / "examples" / "first_steps.ipynb"
PAGE = HERE / "first_steps.md"
STATIC = HERE / "_static"
NOTE = """
This page is the notebook `examples/first_steps.ipynb` with its outputs, written by `python docs/first_steps.py`.
"""
CODE = "```{code-block} python"
"""Opens a cell; the fence of a plain block of Python belongs to what the tests of pages run."""


def main() -> int:
    """Write the page; returns 0."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        nbclient.NotebookClient(
            notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}}
        ).execute()
    PAGE.write_text(page_of(notebook), encoding="utf-8")
    print(f"written: {PAGE}")
    return 0


def page_of(notebook: Any) -> str:
    """Return the page of an executed notebook; its pictures are written."""
    title, _, rest = notebook.cells[0].source.partition("\n")
    parts = [f"{title}\n{NOTE}{rest}"]
    for number, cell in enumerate(notebook.cells[1:], start=1):
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"{CODE}\n{cell.source}\n```")
        parts += shown(cell.outputs, number)
    return "\n\n".join(parts) + "\n"


def shown(outputs: list[Any], number: int) -> Iterator[str]:
    """Yield the outputs of a cell as Markdown; what goes to stderr is left out."""
    printed = "".join(text_of(output) for output in outputs).strip("\n")
    if printed:
        yield f"```text\n{printed}\n```"
    for data in (output.get("data", {}) for output in outputs):
        if "image/png" in data:
            yield picture(data["image/png"], number)
        elif "text/markdown" in data:  # headings of a table are none of the page's
            yield re.sub(r"^#+ (.*)$", r"**\1**", data["text/markdown"].strip(), flags=re.MULTILINE)


def text_of(output: Any) -> str:
    """Return what an output says as plain text only."""
    if output.output_type == "stream":
        return str(output.text) if output.name == "stdout" else ""
    data = output.get("data", {})
    return "" if {"image/png", "text/markdown"} & data.keys() else str(data.get("text/plain", ""))


def picture(content: str, number: int) -> str:
    """Write a picture with few colours, which suffice for a plot, and return what shows it."""
    path = STATIC / f"first_steps-{number}.png"
    with Image.open(io.BytesIO(base64.b64decode(content))) as found:
        found.convert("RGB").quantize(32, dither=Image.Dither.NONE).save(path, optimize=True)
    return f"![What the cell above draws](_static/{path.name})"


if __name__ == "__main__":
    sys.exit(main())
