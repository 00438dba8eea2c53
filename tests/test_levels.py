"""Rooms of ``harness`` and ``studies`` stand on levels: a file imports its own level or lower ones, never higher."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_layering import ROOT, modules_imported

LEVELS: dict[str, tuple[tuple[str, ...], ...]] = {
    "studies": (
        ("studies.db.errors",),
        ("studies.db.storage_url", "studies.db.schema", "studies.rows"),
        ("studies.db",),
        ("studies.queue.owner", "studies.dashboard"),
        ("studies.row_queries", "studies.dashboard.trials", "studies.queue.quiet"),
        ("studies.queue.run_queue", "studies.reader"),
        ("studies.run_table", "studies.search"),
        ("studies.run",),
        ("studies.store",),
    ),
    "harness": (
        ("harness.cli", "harness.stats"),
        ("harness.runs", "harness.loggers"),
        ("harness.policies", "harness.speed"),
        ("harness.results", "harness.video"),
        ("harness.plots", "harness.sharing"),
        ("harness.training",),
        ("harness.search",),
        ("harness.flags",),
        ("harness.launchers", "harness.throughput"),
        ("harness.report",),
        ("harness",),  # the commands
        ("harness.api",),
    ),
}
"""Package -> its levels, lowest first; the longest name that fits a file is its own."""


def level_of(module: str, levels: tuple[tuple[str, ...], ...]) -> tuple[int, str]:
    """The level of a module and the name that puts it there."""
    fits = [
        (len(name), number, name)
        for number, names in enumerate(levels)
        for name in names
        if module == name or module.startswith(f"{name}.")
    ]
    _, number, name = max(fits)
    return number, name


def upward(root: Path, package: str, levels: tuple[tuple[str, ...], ...]) -> list[str]:
    """One line for each import of a file of a higher level."""
    found = []
    for path in sorted((root / package).rglob("*.py")):
        if path.name == "__init__.py":
            continue
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        level, _ = level_of(module, levels)
        for other in sorted(modules_imported(path, root)):
            if other.startswith(f"{package}.") and level_of(other, levels)[0] > level:
                found.append(f"{module} imports {other}")
    return found


@pytest.mark.parametrize("package", LEVELS)
def test_no_import_points_to_a_higher_level(package: str) -> None:
    assert upward(ROOT, package, LEVELS[package]) == []


@pytest.mark.parametrize("package", LEVELS)
def test_every_level_has_files(package: str) -> None:
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / package).rglob("*.py")]
    used = {level_of(module, LEVELS[package])[1] for module in modules if not module.endswith("__init__")}
    assert used == {name for names in LEVELS[package] for name in names}


def test_an_import_of_a_higher_level_is_found(tmp_path: Path) -> None:
    for name, line in (("low", "from house.high import roof"), ("high", "import house.low")):
        (tmp_path / "house").mkdir(exist_ok=True)
        (tmp_path / "house" / f"{name}.py").write_text(line + "\n")
    assert upward(tmp_path, "house", (("house.low",), ("house",))) == ["house.low imports house.high"]
