"""The files without a month per row: hourly ones, price build-ups and flat tables (7.4 to 7.6)."""
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple, Optional, Union

from .cells import EMPTY, Cell, plain, text
from .dates import date_cell
from .families import FACTOR
from .grid import Grid
from .model import Column, CurveModel, Points, stored_label

SINGLE: list[None] = [None]  # the axis of a series that has one value


@dataclass
class HourlyFile(CurveModel):
    """Loadprofile, shaping and vlr: the places are pairs of date or month number, and hour ending."""

    leads = 2

    def lead(self, place: tuple[Union[date, int], int]) -> list[Cell]:
        day, hour = place
        first = date_cell(day, self.date_form) if isinstance(day, date) else plain(Decimal(day))
        return [first, plain(Decimal(hour))]

    def header(self) -> Grid:
        return [self.captions(self.header_word or self.layout.header_word, "HE")]

    def place_members(self, column: Column, place: tuple[Union[date, int], int]) -> dict[str, object]:
        day, hour = place
        return {**({"date": day.isoformat()} if isinstance(day, date) else {"month_number": day}), "he": hour}

    def contract_months(self) -> list[date]:
        return sorted({day.replace(day=1) for day, _ in self.places if isinstance(day, date)})


class Component(NamedTuple):
    """A line of a price build-up: name as written, unit."""

    name: str
    unit: str = "$/MWh"


@dataclass
class MatrixFile(CurveModel):
    """The places are components, the columns offers; the unit belongs to the component."""

    def lead(self, place: Component) -> list[Cell]:
        return [text(place.name)]

    def header(self) -> Grid:
        return []

    def place_members(self, column: Column, place: Component) -> dict[str, object]:
        return {"component": place.name.strip()}

    def unit(self, column: Column, place: Component) -> str:
        return place.unit

    def unit_lines(self) -> Iterable[Sequence[Cell]]:
        return zip(*(column.cells for _, column in self.series))

    def layout_warnings(self) -> dict[str, int]:
        """Totals that do not agree with the lines: per offer and comparison, missing values left out."""
        return {**super().layout_warnings(), "total_mismatch": sum(map(self._mismatches, self.series))}

    def _mismatches(self, numbered: tuple[int, Column]) -> int:
        names = [place.name.strip() for place in self.places]
        values = dict(zip(names, (cell.stored for cell in numbered[1].cells)))
        total = values.get("Total Bundled Price", values.get("Total Bundled Price ($/MWh)"))
        if total is None:
            return 0
        lines = [value for name, value in values.items() if name != "cents/kWh" and not name.startswith("Total")]
        other = values.get("Total Full Requirements Price", values.get("Total Full Requirements Price ($/MWh)"))
        cents = values.get("cents/kWh")
        return sum((
            bool(lines) and None not in lines and abs(sum(lines) - total) > Decimal("0.03"),
            other is not None and other != total,
            cents is not None and abs(cents - total / 10) > Decimal("0.005"),
        ))

    def points(self) -> Points:
        """A series is one offer and one component (section 1)."""
        return {
            (*series, place.name.strip(), place.unit): {None: value}
            for series, values in super().points().items()
            for place, value in values.items()
        }


@dataclass
class FlatFile(CurveModel):
    """Lineloss: each series is a row; `label_rows` name the columns, `separators` stand above the header."""

    separators: Sequence[str] = ()
    others: Mapping[str, Sequence[str]] = field(default_factory=dict)  # unknown columns, one word per row

    @property
    def names(self) -> Sequence[str]:
        """The columns."""
        return self.label_rows or (*self.layout.labels, FACTOR)

    def grid(self) -> Grid:
        rows = self._above()
        for number, column in enumerate(self.columns):
            rows.append(self.row([], [self._cell(number, column, name) for name in self.names]))
            if number in self.blank_rows:
                rows.append(self.separator(self.blank_rows[number]))
        return rows

    def row(self, first: list[Cell], cells: list[Cell], leads: Optional[int] = None) -> list[Cell]:
        return [*first, *cells, *[EMPTY] * self.trailing]

    def separator(self, kind: str) -> list[Cell]:
        return self.row([], [EMPTY] * len(self.names)) if kind else []

    @property
    def header_row(self) -> int:
        return len(self._above())

    def _above(self) -> Grid:
        header = self.row([], [text(self.spelling.get(name, name)) for name in self.names])
        return [*map(self.separator, self.separators), header]

    def _cell(self, number: int, column: Column, name: str) -> Cell:
        if name == FACTOR:
            return column.cells[0]
        return text(self.others[name][number]) if name in self.others else self.label_cell(self.label(column, name))

    def size(self) -> dict[str, int]:
        return {"rows": len(self.columns), "columns": 1}

    @property
    def series(self) -> list[tuple[int, Column]]:
        return [(self.names.index(FACTOR) + 1, column) for column in self.columns]

    def place_members(self, column: Column, place: None) -> dict[str, object]:
        number = next(n for n, other in enumerate(self.columns) if other is column)
        row = self.header_row + 1 + number + sum(below < number for below in self.blank_rows)
        return {"row": row, "labels": [stored_label(*pair) for pair in zip(self.layout.labels, column.labels)]}

    def unit_lines(self) -> Iterable[Sequence[Cell]]:
        return [[column.cells[0] for column in self.columns]]

    def layout_warnings(self) -> dict[str, int]:
        return {"unknown_column": len(self.others)}
