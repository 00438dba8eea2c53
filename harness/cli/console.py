"""The console: plain lines, and tables that fit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text


def make_console(*, stderr: bool = False) -> Console:
    """Return a console for standard output or error; without a terminal, lines are not broken at 80 characters."""
    console = Console(highlight=False, stderr=stderr)
    return console if console.is_terminal else Console(highlight=False, width=200, stderr=stderr)


def log(console: Console, line: str) -> None:
    """One plain line."""
    console.print(Text(line), soft_wrap=True)


def table_of(heads: Iterable[str], *, words: Collection[str], title: str | None = None, padding: int = 1) -> Table:
    """Return an empty table with its heads; columns of ``words`` stand on the left, numbers on the right."""
    heading = None if title is None else Text(title)  # names may hold brackets, which would be read as markup
    table = Table(title=heading, title_justify="left", box=SIMPLE_HEAD, padding=(0, padding))
    for head in heads:
        table.add_column(head, justify="left" if head in words else "right")
    return table


def print_table(console: Console, table: Table, *, keys: int = 1) -> None:
    """Print a table, in parts where it is wider than the console; every part repeats the first ``keys`` columns."""
    for number, part in enumerate(parts(table, console.width, keys)):
        if number:
            part.title = None
        console.print(part)


def parts(table: Table, width: int, keys: int = 1) -> list[Table]:
    """Return the table whole where it fits, else as tables that do; a column wider than the console stands alone."""
    columns = table.columns
    sizes = [_width(column) + _gap(table) for column in columns]
    if sum(sizes) + 2 <= width or len(columns) <= keys + 1:
        return [table]
    room = width - sum(sizes[:keys]) - 2
    chunks: list[list[int]] = [[]]
    for number in range(keys, len(columns)):
        if chunks[-1] and sum(sizes[each] for each in (*chunks[-1], number)) > room:
            chunks.append([])
        chunks[-1].append(number)
    return [_part(table, [*range(keys), *chunk]) for chunk in chunks]


def _width(column: Column) -> int:
    """The widest line of a column, its head included."""
    texts = [str(column.header), *(str(cell) for cell in column.cells)]
    return max(cell_len(line) for text in texts for line in (text.splitlines() or [""]))


def _gap(table: Table) -> int:
    _, right, _, left = table.padding
    return right + left + 1


def _part(table: Table, numbers: Sequence[int]) -> Table:
    made = Table(title=table.title, title_justify=table.title_justify, box=table.box, padding=table.padding)
    for number in numbers:
        column = table.columns[number]
        made.add_column(column.header, justify=column.justify, no_wrap=number != numbers[0])
    rows = zip(*(table.columns[number].cells for number in numbers), strict=True)
    for cells, row in zip(rows, table.rows, strict=True):
        made.add_row(*cells, end_section=row.end_section)
    return made
