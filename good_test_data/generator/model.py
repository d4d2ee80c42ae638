"""The model of one curve file: columns of cells, the places of their axis, traits.

Nothing here reads a file back: the figures of expected.json follow from this model. A layout is a
subclass that says what stands left of the values, between labels and data, and in a sample.
"""
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Optional, Union

from .cells import EMPTY, MISSING, Cell, Kind, shortest, text
from .dates import date_cell
from .families import FAMILIES, LOOKUP, MATCHING, Family
from .grid import CsvForm, Grid
from .workbook import BookForm

Label = Union[str, date]
Place = Hashable  # a month, a date and hour, a component: one position of the axis
Points = dict[tuple[str, ...], dict[Place, Optional[Decimal]]]


@dataclass
class Column:
    """One series: labels in the order of its family, caption as written, one cell per place.

    `unit` None means that the unit is not part of the expectations (scalers have none) or belongs
    to the places (matrix).
    """

    labels: tuple[Label, ...]
    caption: str
    unit: Optional[str]
    cells: list[Cell]
    lookup: Optional[str] = None
    state_cell: Optional[str] = None  # REC only, where it differs from the label


@dataclass
class CurveModel:
    """A good file. `warnings` holds what the model cannot derive, as a count per code."""

    stem: str
    places: list[Place]
    columns: Sequence[Optional[Column]]  # None is a blank separator column
    date_form: str = "M/D/YYYY"
    label_rows: Sequence[str] = ()  # where not lookup and the family's labels in their order
    spelling: Mapping[str, str] = field(default_factory=dict)  # label as written in column A
    remarks: Mapping[str, Sequence[str]] = field(default_factory=dict)  # unknown rows, below a label
    separators: Sequence[str] = (",",)  # "," comma-only, "" truly empty
    header_word: Optional[str] = None
    blank_rows: Mapping[int, str] = field(default_factory=dict)  # separator rows below a data row
    trailing: int = 0  # blank columns to the right
    data_ends_early: bool = False  # data rows leave the trailing columns out
    csv: CsvForm = CsvForm()
    book: BookForm = BookForm()
    warnings: Mapping[str, int] = field(default_factory=dict)
    note: Optional[str] = None

    leads = 1  # columns left of the values; not a field

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
        return [(number, column) for number, column in enumerate(self.columns, self.leads + 1) if column]

    # -- what a layout says of itself -----------------------------------------------------------

    def lead(self, place: Place) -> list[Cell]:
        """The cells left of the values."""
        raise NotImplementedError

    def header(self) -> Grid:
        """The rows between separators and data."""
        raise NotImplementedError

    def place_members(self, column: Column, place: Place) -> dict[str, object]:
        """Names the point of a sample."""
        raise NotImplementedError

    def contract_months(self) -> list[date]:
        """Distinct months; none where the axis has none."""
        return []

    def unit(self, column: Column, place: Place) -> Optional[str]:
        """The unit of one point."""
        return column.unit

    def unit_lines(self) -> Iterable[Sequence[Cell]]:
        """Cells that share one unit, and so one notation."""
        return [column.cells for _, column in self.series]

    def layout_warnings(self) -> dict[str, int]:
        """Warnings that follow from the layout."""
        return {}

    # -- grid -----------------------------------------------------------------------------------

    def grid(self) -> Grid:
        """All rows, top to bottom."""
        rows = self._head()
        for number, place in enumerate(self.places):
            values = [column.cells[number] if column else EMPTY for column in self.columns]
            tail = [] if self.data_ends_early else [EMPTY] * self.trailing
            rows.append([*self.lead(place), *values, *tail])
            if number in self.blank_rows:
                rows.append(self.separator(self.blank_rows[number]))
        return rows

    @property
    def header_row(self) -> Optional[int]:
        """Record number of the header row."""
        return len(self._head()) if self.header() else None

    def _head(self) -> Grid:
        rows = []
        for name in self.label_rows or (*[LOOKUP] * self.layout.lookup, *self.layout.labels):
            cells = [self.label_cell(self.label(column, name)) if column else EMPTY for column in self.columns]
            rows.append(self.row([text(self.spelling.get(name, name))], cells))
            if name in self.remarks:
                words, *others = map(text, self.remarks[name])
                width = len(self.columns) + self.leads - 1
                rows.append(self.row([words], others + [EMPTY] * (width - len(others)), leads=1))
        return rows + list(map(self.separator, self.separators)) + self.header()

    def label(self, column: Column, name: str) -> Label:
        """What stands in a label row; an optional lookup text repeats the labels unless it is given."""
        if name in self.layout.labels:
            return column.labels[self.layout.labels.index(name)]
        return " ".join(map(str, column.labels)) if column.lookup is None else column.lookup

    def label_cell(self, label: Label) -> Cell:
        """A label as a cell: dates are typed."""
        return date_cell(label, self.date_form) if isinstance(label, date) else text(label)

    def row(self, first: list[Cell], cells: list[Cell], leads: Optional[int] = None) -> list[Cell]:
        """A row of the full width."""
        blank = (leads or self.leads) - len(first)
        return [*first, *[EMPTY] * blank, *cells, *[EMPTY] * self.trailing]

    def captions(self, *first: str) -> list[Cell]:
        """The header row."""
        return self.row(list(map(text, first)), [text(column.caption) if column else EMPTY for column in self.columns])

    def separator(self, kind: str) -> list[Cell]:
        """A comma-only or a truly empty row."""
        return self.row([EMPTY], [EMPTY] * len(self.columns)) if kind else []

    # -- expectations ---------------------------------------------------------------------------

    def stats(self) -> dict[str, object]:
        """The statistics of the upload report (section 9.1)."""
        cells = [cell for _, column in self.series for cell in column.cells]
        values = [cell.stored for cell in cells if cell.stored is not None]
        kinds = Counter(cell.kind for cell in cells)
        months = self.contract_months()
        return {
            **self.size(),
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
            "months": len(months) or None,
            "first_month": f"{min(months):%Y-%m}" if months else None,
            "last_month": f"{max(months):%Y-%m}" if months else None,
        }

    def size(self) -> dict[str, int]:
        """Rows and columns of the statistics."""
        return {"rows": len(self.places), "columns": len(self.series)}

    def all_warnings(self) -> dict[str, int]:
        """Warnings of either twin in an empty store: declared ones and those that follow from the model."""
        derived = {
            "unknown_label_row": len(self.remarks),
            "mixed_units": sum(map(_is_mixed, self.unit_lines())),
            "precision_reduced": sum(cell.is_reduced for _, column in self.series for cell in column.cells),
            "suspicious_label": sum("0" in column.labels for _, column in self.series),
            **self.layout_warnings(),
        }
        counts = Counter({code: int(count) for code, count in derived.items()}) + Counter(self.warnings)
        return dict(sorted(counts.items()))

    def samples(self) -> list[dict[str, object]]:
        """First and last point and the first of each remarkable kind."""
        points = [
            (number, column, place, column.cells[i])
            for i, place in enumerate(self.places)
            for number, column in self.series
            if self.unit(column, place)
        ]
        chosen = [points[0], points[-1]]
        for kind in (*MISSING, Kind.DASH, Kind.MONEY, Kind.PERCENT):
            chosen += [point for point in points if point[3].kind is kind][:1]
        known = [point for point in points if point[3].stored is not None]
        chosen += [min(known, key=lambda point: point[3].stored), max(known, key=lambda point: point[3].stored)]
        samples = []
        for number, column, place, cell in chosen:
            sample = {
                "column": number, **self.place_members(column, place),
                "value": None if cell.stored is None else shortest(cell.stored), "unit": self.unit(column, place),
            }
            if sample not in samples:
                samples.append(sample)
        return samples

    def points(self) -> Points:
        """Stored values by series and place."""
        found = {
            self.key(column): {place: cell.stored for place, cell in zip(self.places, column.cells)}
            for _, column in self.series
        }
        assert len(found) == len(self.series), f"{self.stem}: two columns of one series"
        return found

    def key(self, column: Column) -> tuple[str, ...]:
        """Labels as they are stored, sub-component and unit."""
        labels = [stored_label(name, label) for name, label in zip(self.layout.labels, column.labels)]
        component = labels[self.layout.labels.index("Cost Component")]
        sub_component = [column.caption.strip() or component] if self.layout.has_sub_component else []
        return (*labels, *sub_component, column.unit or "")


def stored_label(name: str, label: Label) -> str:
    """Without surrounding blanks; strips in one spelling; a blank matching ID is `N/A`."""
    words = str(label).strip()
    if name == "Block Type":
        return {"wd": "WD", "we": "WE"}.get(words.lower(), words.lower())
    return words or "N/A" if name == MATCHING else words


def _is_mixed(cells: Sequence[Cell]) -> bool:
    """True if the non-zero values use more than one notation."""
    return len({cell.kind for cell in cells if cell.stored}) > 1
