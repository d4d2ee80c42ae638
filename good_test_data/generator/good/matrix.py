"""Matrix: price build-ups of offers that find their utility's price by its matching ID.

Where a note does not say otherwise, the lines satisfy the quality rules of downloads.md 13.10.
No line is named like an entry of the component registry: whether that reaches matrix is open.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Callable

from ..cells import EMPTY, NA, Cell, Kind, accounting, money, percent, plain
from ..families import BEGINNING, COMMON, LOOKUP, MATCHING
from ..grid import CsvForm
from ..layouts import Component, MatrixFile
from ..model import Column
from ..prices import draw
from ..workbook import DATE_ISO, DATE_SHORT, BookForm
from .shared import CR, LF, replaced
from .tariffs import TARIFFS, Tariff

# Name and level in cents per MWh.
LINES = (
    ("Energy", 4512), ("Line Losses", 211), ("Ancillary Services", 402), ("Capacity Cost", 1240), ("ARR (Credit)", -51),
    ("RPS, all tiers", 803), ("Margin", 1150),
)
FULL, BUNDLED = Component("Total Full Requirements Price"), Component("Total Bundled Price ($/MWh)")
CENTS, LOAD = Component("cents/kWh", "c/kWh"), Component("Total Contract Load (kWh)", "kWh")
PLACES = [*(Component(name) for name, _ in LINES), FULL, BUNDLED, CENTS, LOAD]
TERMS = (12, 24, 36)


@dataclass(frozen=True)
class Offers:
    """How the offers of a file are made and written."""

    iso: str
    beginnings: Sequence[date] = (date(2024, 6, 1),)  # taken in turn
    terms: Sequence[int] = TERMS
    revision: int = 0
    write: Callable[[Decimal], Cell] = accounting

    def columns(self, tariffs: Sequence[Tariff] = ()) -> list[Column]:
        """Every tariff with every term; each fifth offer has no matching ID of its own."""
        pairs = [(tariff, term) for tariff in tariffs or TARIFFS[self.iso] for term in self.terms]
        return [self._column(number, *pair) for number, pair in enumerate(pairs)]

    def _column(self, number: int, tariff: Tariff, term: int) -> Column:
        prices = self._prices(tariff, term)
        total = sum(prices)
        load = Decimal(term * (1500 if tariff.profile == "RES" else 250_000))
        cells = [*map(self.write, (*prices, total, total)), plain(total / 10), accounting(load, 0)]
        lookup = tariff.matching or f"{tariff.state}-{tariff.utility} not listed"
        begin = self.beginnings[number % len(self.beginnings)]
        labels = (
            f"{self.iso[0].upper()}{number + 1:04}" if number % 5 != 3 else "", lookup, begin,
            *tariff.common(self.iso, "Fixed Price", tariff.segment), tariff.profile, str(term),
        )
        return Column(labels, "", None, cells)

    def _prices(self, tariff: Tariff, term: int) -> list[Decimal]:
        key = f"{self.iso} {tariff.utility} {tariff.rate} {term}"
        base, shift = draw(key), draw(f"{key}#{self.revision}")
        cents = [level * (900 + int(base.random() * 200)) // 1000 for _, level in LINES]
        cents[0] += int(shift.random() * 60) if self.revision else 0
        return [Decimal(value).scaleb(-2) for value in cents]


def files() -> list[MatrixFile]:
    """Units side by side, notations, dates of beginning on any day."""
    mid = (date(2024, 6, 1), date(2024, 6, 17), date(2024, 7, 1))
    firsts = (date(2024, 6, 1), date(2024, 7, 1), date(2025, 1, 1))
    isone = TARIFFS["isone"]
    return [
        MatrixFile(
            "Matrix_ERCOT_20240603_073000", PLACES, Offers("ercot", mid).columns(), "M/D/YY", separators=",,",
            remarks={"Term (Months)": ("Status", *["indicative"] * 15)}, csv=CsvForm(LF),
            note="a row of words directly below the last label row is no component; the lookup IDs of one rate have no "
            "price to compare, those of another have two",
        ),
        MatrixFile(
            "Matrix_ISONE_20240603_073000", PLACES, Offers("isone", mid).columns(isone[:5]), "YYYY-MM-DD 00:00:00",
            csv=CsvForm(encoding="utf-8-sig"), book=BookForm(date_style=DATE_ISO, inline_strings=True),
        ),
        MatrixFile(
            "Matrix_ISONE_20240603_160000", PLACES, Offers("isone", mid, revision=1).columns(isone[:4] + isone[5:]),
            "YYYY-MM-DD", separators="", csv=CsvForm(LF, last_line_end=False),
            note="the second version of the day: Energy and all totals moved, one rate less and one more; nothing "
            "separates labels and components. A series is one offer and one component (section 1)",
        ),
        _miso(firsts),
        _nyiso(mid),
        _pjm(mid),
    ]


def _miso(firsts: Sequence[date]) -> MatrixFile:
    places = [Component("  Energy "), *PLACES[1:], Component("Margin (%)", "%")]
    columns = Offers("miso", firsts).columns()
    for number, column in enumerate(columns):
        column.cells.append(percent(Decimal(400 + 25 * number).scaleb(-4)))
        column.cells[7] = accounting(column.cells[7].exact - Decimal("0.25"))
    return MatrixFile(
        "Matrix_MISO_20240603_073000", places, columns, "Mon-YYYY", trailing=12, data_ends_early=True,
        book=BookForm(date_style=DATE_SHORT, extra_sheet=True),
        note="breaks the quality rules: the two totals differ by 0.25 and a percentage stands among the lines; "
        "lookup IDs of digits are numbers in the twin, and so is the term in every twin",
    )


def _nyiso(mid: Sequence[date]) -> MatrixFile:
    columns = Offers("nyiso", mid, write=lambda v: accounting(v, 2, "$")).columns()
    replaced(columns[2], {n: NA for n in range(len(PLACES))} | {10: columns[2].cells[10]})
    replaced(columns[5], {8: EMPTY, 9: Cell(" ", Kind.BLANK)})
    return MatrixFile(
        "Matrix_NYISO_20240603_073000", PLACES, columns, "MM/DD/YYYY",
        note="money cells; one offer without a price, another without its total",
    )


def _pjm(mid: Sequence[date]) -> MatrixFile:
    bundled = Component("Total Bundled Price")
    before = Component("Total Bundled Price before Taxes and Fees")
    places = [bundled, LOAD, before, FULL, *PLACES[:7]]
    columns = Offers("pjm", mid, TERMS[:2]).columns()
    for column in columns:
        lines, (full, total, _, load) = column.cells[:7], column.cells[7:]
        column.cells = [total, load, accounting(full.exact - Decimal("4.10")), full, *lines]
    dollars = money(columns[1].cells[4].exact)
    replaced(columns[1], {4: dollars})
    return MatrixFile(
        "Matrix_PJM_20240603_073000", places, [*columns[:3], None, *columns[3:]], "M/D/YYYY",
        label_rows=("Term (Months)", "Load Profile", LOOKUP, *reversed(COMMON), BEGINNING, MATCHING),
        spelling={"Term (Months)": "TERM (months)", BEGINNING: "beginning  date"},
        separators=["", "", ""], blank_rows={1: ",", 3: "", 10: ""}, csv=CsvForm(CR),
        note="permuted label rows; totals first, one of them merely containing the words of another; no cents/kWh; "
        "one cell of the row Energy has a dollar sign: notations are compared along a row, which has the unit",
    )
