"""Build of the documentation site: ``make docs``."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

PROJECT = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
project = "K-2:4 harness"
author = PROJECT["authors"][0]["name"]
copyright = f"2026, {author}"
version = release = PROJECT["version"]

extensions = [
    "myst_parser",  # pages are Markdown
    "sphinx.ext.autodoc",  # the API reference from docstrings
    "sphinx.ext.napoleon",  # docstrings of Google's form
    "sphinx.ext.viewcode",  # a link from each name to its source
    "sphinx_copybutton",  # a button that copies a command
    "sphinxarg.ext",  # the command reference from the parsers
]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
source_suffix = {".md": "markdown"}
# Tables and curves of single scenarios: pages of results include them.
exclude_patterns = ["_build", "results/*/*.md"]
# sphinxarg answers no reference of Markdown's kind, which is harmless.
suppress_warnings = ["myst.domains"]

autodoc_typehints = "description"
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
copybutton_prompt_text = "$ "

html_theme = "furo"
html_title = f"{project} {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"top_of_page_buttons": []}


def add_commands(app: Any, docname: str, source: list[str]) -> None:
    """Append a section for each command to the command reference."""
    if docname == "cli":
        from parsers import COMMANDS

        source[0] += "".join(COMMAND.format(name=name) for name in sorted(COMMANDS))


COMMAND = """
## {name}

```{{argparse}}
:module: parsers
:func: {name}
:prog: python -m harness.{name}
:nodefault:
:noepilog:
```
"""


def setup(app: Any) -> None:
    """Connect what is generated."""
    app.connect("source-read", add_commands)
