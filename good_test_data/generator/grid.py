"""A grid of cells and its csv form."""
from dataclasses import dataclass

from .cells import Cell

Grid = list[list[Cell]]  # an empty list is a truly empty line


def letters(column: int) -> str:
    """1 is A, 27 is AA."""
    name = ""
    while column:
        column, digit = divmod(column - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


def address(row: int, column: int) -> str:
    """The spreadsheet's name of a cell: `F12`."""
    return f"{letters(column)}{row}"


@dataclass(frozen=True)
class CsvForm:
    """How a csv file is put into bytes."""

    newline: str = "\r\n"
    last_line_end: bool = True
    encoding: str = "utf-8"  # utf-8, utf-8-sig (with BOM) or cp1252
    quote_all: bool = False
    delimiter: str = ","


def csv_bytes(grid: Grid, form: CsvForm = CsvForm()) -> bytes:
    """RFC 4180, with the form's line ends, delimiter and encoding."""
    special = (form.delimiter, '"', "\r", "\n")

    def field(cell: Cell) -> str:
        if form.quote_all and cell.text or any(mark in cell.text for mark in special):
            return '"' + cell.text.replace('"', '""') + '"'
        return cell.text

    lines = [form.delimiter.join(map(field, row)) for row in grid]
    end = form.newline if form.last_line_end else ""
    return (form.newline.join(lines) + end).encode(form.encoding)
