"""One refused upload: a change to a small good grid, and the first finding."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Callable, Optional

from ..cells import EMPTY, Cell
from ..grid import CsvForm, Grid, csv_bytes
from ..workbook import BookForm, workbook
from .base import NONENERGY, base_grid

STATUS = {
    400: "bad_filename legacy_format unsupported_area cob_not_applicable nested_archive duplicate_entry",
    409: "version_conflict day_closed_by_cob newer_version_exists",
    413: "too_large too_many_cells archive_limit",
    415: "not_csv not_xlsx bad_archive bad_encoding wrong_delimiter",
}


def status(code: str) -> int:
    """HTTP status of an error code (section 9.3); 422 is the rest."""
    return next((number for number, codes in STATUS.items() if code in codes.split()), 422)


@dataclass(frozen=True)
class Case:
    """One refused upload.

    `cell`, or a bare `row`, places the first finding; `open` names members that the specification
    leaves to the implementation. `edits`, `drop` and `insert` change the base grid, all in its
    original coordinates.
    """

    name: str
    code: str
    cell: Optional[str] = None
    row: Optional[int] = None
    column: Optional[int] = None
    base: str = NONENERGY
    upload_as: Optional[str] = None
    edits: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[int, ...] = ()
    insert: Mapping[int, Sequence[str]] = field(default_factory=dict)  # above this row
    cut: Mapping[int, int] = field(default_factory=dict)  # row: cells kept
    csv: CsvForm = CsvForm()
    raw: Optional[Callable[[bytes], bytes]] = None  # rewrites the finished bytes
    patches: Mapping[str, Callable[[str], str]] = field(default_factory=dict)  # parts of a workbook
    by_code: Mapping[str, int] = field(default_factory=dict)
    setup: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    more: Mapping[str, object] = field(default_factory=dict)
    note: Optional[str] = None

    def expectation(self) -> dict[str, object]:
        """The entry of expected.json."""
        column, row = (_split(self.cell) if self.cell else (self.column, self.row))
        entry = {
            "file": self.name,
            "upload_as": self.upload_as or f"{self.base}.{self.name.rsplit('.', 1)[1]}",
            "status": status(self.code),
            "code": self.code,
            "cell": self.cell,
            "row": row,
            "column": column,
        }
        optional = {
            "by_code": dict(self.by_code), "setup": list(self.setup), "open": list(self.open), "note": self.note,
            **self.more,
        }
        return {**entry, **{name: value for name, value in optional.items() if value not in (None, [], {})}}

    def content(self) -> bytes:
        """The bytes of the file."""
        grid = self._grid()
        if self.name.endswith(".xlsx"):
            made = workbook(grid, BookForm(), self.patches)
        else:
            made = csv_bytes(grid, self.csv)
        return self.raw(made) if self.raw else made

    def _grid(self) -> Grid:
        grid = [list(row) for row in base_grid(self.base)]
        for ref, words in self.edits.items():
            column, row = _split(ref)
            while len(grid) < row:
                grid.append([EMPTY] * len(grid[0]))
            grid[row - 1] += [EMPTY] * (column - len(grid[row - 1]))
            grid[row - 1][column - 1] = Cell(words) if words else EMPTY
        for row, kept in self.cut.items():
            del grid[row - 1][kept:]
        changed = []
        for number, row in enumerate(grid, 1):
            if number in self.insert:
                changed.append([Cell(words) if words else EMPTY for words in self.insert[number]])
            if number not in self.drop:
                changed.append(row)
        return changed


def _split(ref: str) -> tuple[int, int]:
    """`C14` as (3, 14); all columns here have one letter."""
    return ord(ref[0]) - ord("A") + 1, int(ref[1:])


def zip_results(*entries: tuple[str, int, str]) -> list[dict[str, object]]:
    """Results of a 207, in the order of processing."""
    return [{"file": name, "status": number, "code": code} for name, number, code in entries]


ROW_ONLY = ("cell", "column")
PLACE = ("row", *ROW_ONLY)
SHEET = "xl/worksheets/sheet1.xml"


def error_cell(ref: str, error: str) -> Callable[[str], str]:
    """Makes a cell of the sheet an error cell."""
    return lambda xml: swap(xml, ref, f'<c r="{ref}" t="e"><v>{error}</v></c>')


def swap(xml: str, ref: str, cell: str) -> str:
    start = xml.index(f'<c r="{ref}"')
    return xml[:start] + cell + xml[xml.index("</c>", start) + 4:]
