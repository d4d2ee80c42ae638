"""The model of one curve file: columns, months and traits; its grid, statistics and warnings.

Nothing here reads a file back: the figures of expected.json follow from this model.
"""
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Optional

from .cells import EMPTY, MISSING, Cell, Kind, shortest, text
from .dates import date_cell, index
from .grid import CsvForm, Grid
from .workbook import BookForm

LOOKUP = "Lookup ID1"
COMMON = (
    "Control Area", "State", "Load Zone", "Capacity Zone", "Utility", "Block Type", "Cost Group", "Cost Component",
)


@dataclass(frozen=True)
class Family:
    """What the layouts of section 7 differ in. A further family is a further row of `FAMILIES`."""

    isos: tuple[str, ...]
    labels: tuple[str, ...] = COMMON
    header_word: str = "Month"
    has_state_row: bool = False
    window: Optional[int] = None  # consecutive months from the file's own month, else unexpected_window
    band: Optional[tuple[int, int]] = None  # of $/MWh values, else out_of_band


ISOS = ("ercot", "isone", "miso", "nyiso", "pjm")
FAMILIES = {
    "energy": Family(ISOS, window=61, band=(0, 1000)),
    "nonenergy": Family(ISOS, header_word="Date"),
    "rec": Family(("ercot", "isone", "nyiso", "pjm"), header_word="EY", has_state_row=True),
}


@dataclass
class Column:
    """One series: labels in the order of its family, caption as written, one cell per month.

    `unit` None means that the unit is not part of the expectations (scalers have none).
    """

    labels: tuple[str, ...]
    caption: str
    unit: Optional[str]
    cells: list[Cell]
    lookup: Optional[str] = None
    state_cell: Optional[str] = None  # REC only, where it differs from the label


@dataclass
class CurveFile:
    """A good file. `warnings` holds what the model cannot derive, as a count per code."""

    stem: str
    months: list[date]
    columns: Sequence[Optional[Column]]  # None is a blank separator column
    date_form: str = "M/D/YYYY"
    label_rows: Sequence[str] = ()  # where not lookup and the family's labels in their order
    spelling: Mapping[str, str] = field(default_factory=dict)  # label as written in column A
    remarks: Mapping[str, Sequence[str]] = field(default_factory=dict)  # unknown rows, below a label
    separators: Sequence[str] = (",",)  # "," comma-only, "" truly empty
    header_word: Optional[str] = None
    state_row: bool = True
    blank_rows: Mapping[int, str] = field(default_factory=dict)  # separator rows below a data row
    trailing: int = 0  # blank columns to the right
    data_ends_early: bool = False  # data rows leave the trailing columns out
    csv: CsvForm = CsvForm()
    book: BookForm = BookForm()
    warnings: Mapping[str, int] = field(default_factory=dict)
    note: Optional[str] = None

    @property
    def family(self) -> str:
        return self.stem.split("_")[0].lower()

    @property
    def layout(self) -> Family:
        return FAMILIES[self.family]

    @property
    def operating_day(self) -> tuple[str, str, str]:
        """Dataset and day: all versions of one key supersede each other."""
        family, iso, day = self.stem.lower().split("_")[:3]
        return family, iso, day

    @property
    def dataset(self) -> tuple[str, str]:
        """Family and ISO."""
        return self.operating_day[:2]

    @property
    def series(self) -> list[tuple[int, Column]]:
        """Value columns with their physical number, A being 1."""
        return [(number, column) for number, column in enumerate(self.columns, 2) if column]

    # -- grid -----------------------------------------------------------------------------------

    def grid(self) -> Grid:
        """All rows, top to bottom."""
        rows = self._head()
        for number, month in enumerate(self.months):
            values = [column.cells[number] if column else EMPTY for column in self.columns]
            tail = [] if self.data_ends_early else [EMPTY] * self.trailing
            rows.append([date_cell(month, self.date_form), *values, *tail])
            if number in self.blank_rows:
                rows.append(self._separator(self.blank_rows[number]))
        return rows

    @property
    def header_row(self) -> int:
        """Record number of the header row."""
        return len(self._head())

    def _head(self) -> Grid:
        rows = []
        for name in self.label_rows or (LOOKUP, *self.layout.labels):
            words = [self.label(column, name) if column else "" for column in self.columns]
            rows.append(self._words(self.spelling.get(name, name), words))
            if name in self.remarks:
                remark = list(map(text, self.remarks[name]))
                rows.append(remark + [EMPTY] * (1 + len(self.columns) + self.trailing - len(remark)))
        rows.extend(map(self._separator, self.separators))
        if self.layout.has_state_row and self.state_row:
            states = [self._state_cell(column) if column else "" for column in self.columns]
            rows.append(self._words(self.label(self.series[0][1], "State"), states))
        captions = [column.caption if column else "" for column in self.columns]
        rows.append(self._words(self.header_word or self.layout.header_word, captions))
        return rows

    def label(self, column: Column, name: str) -> str:
        """What stands in a label row; the lookup text repeats the labels unless the column has its own."""
        if name == LOOKUP:
            return " ".join(column.labels) if column.lookup is None else column.lookup
        return column.labels[self.layout.labels.index(name)]

    def _state_cell(self, column: Column) -> str:
        return self.label(column, "State") if column.state_cell is None else column.state_cell

    def _words(self, first: str, words: list[str]) -> list[Cell]:
        return self._row(text(first), list(map(text, words)))

    def _row(self, first: Cell, cells: list[Cell]) -> list[Cell]:
        return [first, *cells, *[EMPTY] * self.trailing]

    def _separator(self, kind: str) -> list[Cell]:
        return self._row(EMPTY, [EMPTY] * len(self.columns)) if kind else []

    # -- expectations ---------------------------------------------------------------------------

    def stats(self) -> dict[str, object]:
        """The statistics of the upload report (section 9.1)."""
        cells = [cell for _, column in self.series for cell in column.cells]
        values = [cell.stored for cell in cells if cell.stored is not None]
        kinds = Counter(cell.kind for cell in cells)
        return {
            "rows": len(self.months),
            "columns": len(self.series),
            "points": len(cells),
            "missing": sum(kinds[kind] for kind in MISSING),
            "missing_by_reason": {kind.value: kinds[kind] for kind in MISSING},
            "dash_zeros": kinds[Kind.DASH],
            "percent_cells": kinds[Kind.PERCENT],
            "money_cells": kinds[Kind.MONEY],
            "negatives": sum(value < 0 for value in values),
            "zeros": sum(value == 0 for value in values),
            "sum": shortest(sum(values, Decimal(0))),
            "min": shortest(min(values)),
            "max": shortest(max(values)),
            "months": len(self.months),
            "first_month": f"{min(self.months):%Y-%m}",
            "last_month": f"{max(self.months):%Y-%m}",
        }

    def all_warnings(self) -> dict[str, int]:
        """Warnings of either twin in an empty store: declared ones and those that follow from the model."""
        order = [index(month) for month in self.months]
        consecutive = sorted(order) == list(range(min(order), min(order) + len(order)))
        own = index(date(int(self.stem.split("_")[2][:4]), int(self.stem.split("_")[2][4:6]), 1))
        derived = {
            "month_gap": not consecutive,
            "month_order": order != sorted(order),
            "unexpected_window": bool(self.layout.window) and order != list(range(own, own + self.layout.window)),
            "state_row_missing": self.layout.has_state_row and not self.state_row,
            "unknown_label_row": len(self.remarks),
            "mixed_units": sum(_is_mixed(column) for _, column in self.series),
            "out_of_band": sum(self._out_of_band(column) for _, column in self.series),
            "precision_reduced": sum(cell.is_reduced for _, column in self.series for cell in column.cells),
            "state_mismatch": sum(bool(column.state_cell) for _, column in self.series),
            "suspicious_label": sum("0" in column.labels for _, column in self.series),
        }
        counts = Counter({code: int(count) for code, count in derived.items()}) + Counter(self.warnings)
        return dict(sorted(counts.items()))

    def _out_of_band(self, column: Column) -> int:
        if not self.layout.band or column.unit != "$/MWh":
            return 0
        low, high = self.layout.band
        return sum(cell.stored is not None and not low <= cell.stored <= high for cell in column.cells)

    def samples(self) -> list[dict[str, object]]:
        """First and last point and the first of each remarkable kind."""
        places = [(n, c, m, c.cells[i]) for i, m in enumerate(self.months) for n, c in self.series if c.unit]
        chosen = [places[0], places[-1]]
        for kind in (*MISSING, Kind.DASH, Kind.MONEY, Kind.PERCENT):
            chosen += [place for place in places if place[3].kind is kind][:1]
        known = [place for place in places if place[3].stored is not None]
        chosen += [min(known, key=lambda place: place[3].stored), max(known, key=lambda place: place[3].stored)]
        samples = []
        for number, column, month, cell in chosen:
            value = None if cell.stored is None else shortest(cell.stored)
            sample = {"column": number, "month": f"{month:%Y-%m}", "value": value, "unit": column.unit}
            if sample not in samples:
                samples.append(sample)
        return samples


def _is_mixed(column: Column) -> bool:
    """True if the non-zero values use more than one notation."""
    return len({cell.kind for cell in column.cells if cell.stored}) > 1
