"""Tables on narrow terminals: nothing is cut, nothing is lost."""

from __future__ import annotations

import io

import pytest
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from harness.cli.console import parts, print_table, table_of

NAMES = [f"column {number}" for number in range(8)]


def wide() -> Table:
    table = Table(title="a title", box=SIMPLE_HEAD, padding=(0, 0))
    table.add_column("name")
    for name in NAMES:
        table.add_column(name, justify="right")
    table.add_row("first row", *(f"{number}.123 [0.1, 0.2]" for number in range(8)))
    table.add_row("second", *("n/a" for _ in range(8)))
    return table


def printed(width: int, table: Table | None = None) -> str:
    text = io.StringIO()
    print_table(Console(file=text, width=width), table or wide())
    return text.getvalue()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_cell_is_broken_or_lost(width: int) -> None:
    text = printed(width)
    assert all(f"{number}.123 [0.1, 0.2]" in text for number in range(8))
    assert all(name in text for name in NAMES)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


def test_every_part_repeats_the_first_column_and_the_title_stands_once() -> None:
    found = parts(wide(), 80)
    assert len(found) > 1
    assert all(table.columns[0].header == "name" for table in found)
    assert printed(80).count("a title") == 1
    assert printed(80).count("first row") == len(found)


def test_parts_keep_the_lines_between_sections() -> None:
    table = wide()
    table.rows[0].end_section = True
    assert all([row.end_section for row in part.rows] == [True, False] for part in parts(table, 80))


def test_a_table_that_fits_stays_whole() -> None:
    assert len(parts(wide(), 400)) == 1


def test_brackets_in_names_are_shown() -> None:
    title = "map · ablation [lr=0.1] [/x]"
    assert title in printed(80, table_of(["a head as long as the title of the table"], words=(), title=title))
