"""The one-way rule: no import points back up the tree, and what a bare machine lacks is imported inside functions.

A room is a folder of a package, or a file of it that lies in no folder; neither files nor rooms import in a circle.

``harness`` may import everything; ``studies`` and ``algorithms`` never ``harness``; ``algorithms`` sees ``envs.spec``
only; ``envs`` sees none of them and never torch; all may import ``common``, which imports none of them.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FORBIDDEN: dict[str, tuple[str, ...]] = {
    "common": ("envs", "algorithms", "studies", "harness", "torch", "numpy"),
    "envs": ("algorithms", "studies", "harness", "torch"),
    "algorithms": ("studies", "harness", "envs"),
    "studies": ("harness", "envs", "algorithms"),
    "harness": (),
}
"""Package -> what its files may not import, at any depth of the file; none may import tests or benchmarks."""

ALLOWED: dict[str, tuple[str, ...]] = {"algorithms": ("envs.spec",)}
"""Exceptions to the table above."""

ONLY_INSIDE_FUNCTIONS = ("smacv2", "pysc2", "s2clientprotocol", "triton", "torchao", "cupy", "mpe2")
"""The game, CUDA and worlds from elsewhere: every package must import on a machine that has none of them."""

SPEAKS_THE_PROTOCOL = "envs/sc2/server"
"""The stand-in game: imported by nobody who does not ask for it, it may import the game's messages."""


def is_within(module: str, packages: tuple[str, ...]) -> bool:
    """Whether a dotted name is one of the packages or lies inside one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def imported(node: ast.AST, package: str) -> Iterator[str]:
    """The dotted names that a node imports; ``from a import b`` counts as ``a.b``, since b may be a module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        parent = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        base = ".".join([*parent, *([node.module] if node.module else [])])
        yield from (f"{base}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
            yield node.args[0].value


def at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the file is imported: all but the bodies of functions."""
    for child in ast.iter_child_nodes(tree):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from at_import(child)


def tree_of(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def names_imported(nodes: Iterable[ast.AST], path: Path, root: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of all that nodes of a file import."""
    package = ".".join(path.relative_to(root).parent.parts)
    return ((getattr(node, "lineno", 0), name) for node in nodes for name in imported(node, package))


def modules_imported(path: Path, root: Path) -> set[str]:
    """The files of ``root`` that a file imports, at any depth, as dotted names."""
    names = {name for _, name in names_imported(ast.walk(tree_of(path)), path, root)}
    parents = {name.rpartition(".")[0] for name in names}
    return {name for name in names | parents if (root / name.replace(".", "/")).with_suffix(".py").is_file()}


def all_reached(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """What each node of a graph of imports imports, directly or through others."""
    reached = {node: set(names) for node, names in graph.items()}
    for middle in graph:
        for names in reached.values():
            if middle in names:
                names |= reached[middle]
    return reached


def pairs(graph: dict[str, set[str]]) -> list[str]:
    """One line for each pair of nodes that import each other, directly or through others."""
    reached = all_reached(graph)
    return [f"{a} <-> {b}" for a in graph for b in sorted(reached[a]) if a <= b and a in reached.get(b, set())]


def circles(root: Path, package: str) -> list[str]:
    """The pairs of files of a package that import each other."""
    paths = sorted((root / package).rglob("*.py"))
    names = [".".join(path.relative_to(root).with_suffix("").parts) for path in paths]
    return pairs({name: modules_imported(path, root) for name, path in zip(names, paths, strict=True)})


def rooms_imported(path: Path, root: Path, package: str) -> set[str]:
    """The rooms of a package that a file imports, at any depth: its folders, and its files that lie in none."""
    imports = [name.split(".") for _, name in names_imported(ast.walk(tree_of(path)), path, root)]
    names = {parts[1] for parts in imports if parts[0] == package and len(parts) > 1}
    return {name for name in names if (root / package / name).is_dir() or (root / package / f"{name}.py").is_file()}


def circles_of_rooms(root: Path, package: str) -> list[str]:
    """The pairs of rooms of a package that import each other."""
    graph: dict[str, set[str]] = {}
    for path in sorted((root / package).rglob("*.py")):
        room = path.relative_to(root / package).with_suffix("").parts[0]
        graph.setdefault(room, set()).update(rooms_imported(path, root, package) - {room})
    return [pair for pair in pairs(graph) if len(set(pair.split(" <-> "))) == 2]


def faults(root: Path, package: str) -> list[str]:
    """One line for each arrow that points back, in all files of a package."""
    found = []
    for path in sorted((root / package).rglob("*.py")):
        tree, place = tree_of(path), path.relative_to(root).as_posix()
        for line, module in names_imported(ast.walk(tree), path, root):
            banned = is_within(module, (*FORBIDDEN[package], "tests", "benchmarks"))
            if banned and not is_within(module, ALLOWED.get(package, ())):
                found.append(f"{place}:{line} imports {module}")
        for line, module in names_imported(at_import(tree), path, root):
            speaks = place.startswith(SPEAKS_THE_PROTOCOL) and is_within(module, ("s2clientprotocol",))
            if is_within(module, ONLY_INSIDE_FUNCTIONS) and not speaks:
                found.append(f"{place}:{line} imports {module} outside a function")
    return found


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_arrow_points_back(package: str) -> None:
    assert list((ROOT / package).rglob("*.py")), f"{package} has no files to look at"
    assert faults(ROOT, package) == []


@pytest.mark.parametrize(
    ("package", "line", "module"),
    [
        ("envs", "import torch", "torch"),
        ("envs", "from torch.nn import functional", "torch.nn.functional"),
        ("envs", "def f():\n    import algorithms.q_learning.learner", "algorithms.q_learning.learner"),
        ("envs", "from ...harness import compare", "harness.compare"),
        ("envs", "import importlib\nimportlib.import_module('studies.store')", "studies.store"),
        ("algorithms", "from envs import registry", "envs.registry"),
        ("algorithms", "from envs.battle.engine import step", "envs.battle.engine.step"),
        ("algorithms", "import envs", "envs"),
        ("algorithms", "from harness.stats import bootstrap", "harness.stats.bootstrap"),
        ("studies", "if True:\n    from harness.cli import overrides", "harness.cli.overrides"),
        ("harness", "import tests.studies.sample", "tests.studies.sample"),
        ("envs", "import smacv2", "smacv2 outside a function"),
        ("harness", "class C:\n    from triton import jit", "triton.jit outside a function"),
    ],
)
def test_a_file_that_points_back_is_found(tmp_path: Path, package: str, line: str, module: str) -> None:
    (tmp_path / package / "inner").mkdir(parents=True)
    (tmp_path / package / "inner" / "bad.py").write_text(line + "\n")
    (fault,) = faults(tmp_path, package)
    assert fault.startswith(f"{package}/inner/bad.py:")
    assert fault.endswith(f"imports {module}")


@pytest.mark.parametrize(
    ("package", "line"),
    [
        ("algorithms", "from envs.spec import EnvSpec"),
        ("algorithms", "from .harness import own_file_of_that_name"),
        ("algorithms", "import torch"),
        ("envs", "import torchlike"),
        ("envs", "def f():\n    import smacv2"),
        ("studies", "import optuna"),
        ("harness", "from studies.store import StudyStore"),
    ],
)
def test_a_file_that_keeps_the_rule_is_not_accused(tmp_path: Path, package: str, line: str) -> None:
    (tmp_path / package).mkdir()
    (tmp_path / package / "good.py").write_text(line + "\n")
    assert faults(tmp_path, package) == []


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_two_files_import_each_other(package: str) -> None:
    assert circles(ROOT, package) == []


def test_a_circle_of_imports_is_found(tmp_path: Path) -> None:
    (tmp_path / "loop").mkdir()
    for name, text in dict(a="from loop import b", b="def f():\n    import loop.c", c="from loop.a import x").items():
        (tmp_path / "loop" / f"{name}.py").write_text(text)
    (tmp_path / "loop" / "d.py").write_text("import loop.a")
    assert circles(tmp_path, "loop") == [f"loop.{a} <-> loop.{b}" for a, b in ("aa", "ab", "ac", "bb", "bc", "cc")]


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_two_rooms_import_each_other(package: str) -> None:
    assert circles_of_rooms(ROOT, package) == []


def test_a_circle_of_rooms_is_found(tmp_path: Path) -> None:
    texts = {
        "low/base": "import house.low.more",
        "low/more": "def f():\n    from house.high import roof",
        "high/__init__": "roof = 1",
        "high/tower": "from house.top import flag",
        "top": "from .low.base import ground",
        "apart": "import house.top",
    }
    for name, text in texts.items():
        path = tmp_path / "house" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    assert circles(tmp_path, "house") == []
    assert circles_of_rooms(tmp_path, "house") == ["high <-> low", "high <-> top", "low <-> top"]


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_folder_holds_more_than_fifteen_modules(package: str) -> None:
    modules = [path for path in (ROOT / package).rglob("*.py") if path.stem not in ("__init__", "__main__")]
    counts = Counter(path.parent.relative_to(ROOT).as_posix() for path in modules)
    assert {folder: count for folder, count in counts.items() if count > 15} == {}
