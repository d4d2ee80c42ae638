"""What the tables of several families share."""
from decimal import Decimal

from ..cells import NOTATIONS, Cell, money, percent, plain
from ..curve import Column

LF, CR = "\n", "\r"


def replaced(column: Column, cells: dict[int, Cell]) -> Column:
    """The column with single cells exchanged."""
    column.cells = [cells.get(number, cell) for number, cell in enumerate(column.cells)]
    return column


def notation_cells(filler: list[Decimal], first: int) -> dict[str, list[Cell]]:
    """One column of cells per notation of section 4, between values of two decimals; the table begins at `first`."""
    write = {"plain": plain, "money": money, "percent": lambda v: percent(v / 100), "missing": plain}
    columns = {}
    for name, table in NOTATIONS.items():
        cells = list(map(write[name], filler))
        cells[first:first + len(table)] = table
        assert len(cells) == len(filler), "the table does not fit"
        columns[name] = cells
    return columns
