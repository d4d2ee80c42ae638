"""One cell: its text in a csv file, its typed form in a workbook and the decimal that it means.

Nothing here parses. A cell is built from a value (`plain`, `money`, `percent`) or taken from the
hand-written table `NOTATIONS`, which pairs a text with the value that a reader must get.
"""
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, getcontext
from enum import Enum
from typing import Optional

getcontext().prec = 60  # sums are exact: far above any total written here
STORED_DECIMALS = Decimal(1).scaleb(-15)


class Kind(Enum):
    """What a cell is. The three missing kinds carry the reason of the upload report as value."""

    TEXT = "text"
    DATE = "date"
    PLAIN = "plain"
    MONEY = "money"
    PERCENT = "percent"
    DASH = "dash"
    EMPTY = "empty"
    BLANK = "blank"
    NA = "na"


MISSING = (Kind.EMPTY, Kind.BLANK, Kind.NA)


@dataclass(frozen=True)
class Cell:
    """`text` as written in csv; `exact` is the meaning before the rounding to 15 decimals."""

    text: str
    kind: Kind = Kind.TEXT
    exact: Optional[Decimal] = None
    day: Optional[date] = None

    @property
    def stored(self) -> Optional[Decimal]:
        """The value that the server keeps; None is NULL."""
        if self.exact is None or -self.exact.as_tuple().exponent <= 15:
            return self.exact
        return self.exact.quantize(STORED_DECIMALS, rounding=ROUND_HALF_EVEN)

    @property
    def is_reduced(self) -> bool:
        """True if storing rounds the value."""
        return self.exact is not None and self.stored != self.exact


EMPTY = Cell("", Kind.EMPTY)
NA = Cell("#N/A", Kind.NA)


def shortest(value: Decimal) -> str:
    """Decimal notation without superfluous zeros: the form of every number in expected.json."""
    return format(value.normalize(), "f") if value else "0"


def text(words: str) -> Cell:
    """A label or caption. Bare digits become a number in the workbook, as spreadsheets do."""
    if words.isdecimal() and words == str(int(words)):
        return Cell(words, Kind.PLAIN, Decimal(words))
    return Cell(words) if words else EMPTY


def _in_places(value: Decimal, places: int, form: str = "") -> str:
    """Fixed places, which must show the whole value: the text is what a reader sees."""
    words = format(value, f"{form}.{places}f")
    assert Decimal(words.replace(",", "")) == value, f"{value} does not fit into {places} places"
    return words


def plain(value: Decimal, places: Optional[int] = None) -> Cell:
    """A bare decimal, in its shortest form or with fixed places."""
    return Cell(shortest(value) if places is None else _in_places(value, places), Kind.PLAIN, value)


def padded(value: Decimal, places: int) -> Cell:
    """The accounting notation of one REC publisher: blanks around, a dash for zero."""
    if not value:
        return Cell(" -   ", Kind.DASH, value)
    return Cell(f" {_in_places(value, places)} ", Kind.PLAIN, value)


def money(value: Decimal, places: int = 2) -> Cell:
    """Dollars with a trailing blank: `$1,234.50 `."""
    sign = "-" if value < 0 else ""
    return Cell(f"{sign}${_in_places(abs(value), places, ',')} ", Kind.MONEY, value)


def accounting(value: Decimal, places: int = 2, sign: str = "") -> Cell:
    """Thousands in groups, negative values in parentheses: `1,250,000`, `(0.51)`, `($0.51)`."""
    words = sign + _in_places(abs(value), places, ",")
    return Cell(f"({words})" if value < 0 else words, Kind.MONEY if sign else Kind.PLAIN, value)


def percent(fraction: Decimal, places: int = 2) -> Cell:
    """A fraction written as percent: 0.0499 is `4.99%`."""
    return Cell(f"{_in_places(fraction * 100, places)}%", Kind.PERCENT, fraction)


def _table(kind: Kind, *pairs) -> "list[Cell]":
    return [Cell(words, kind, None if value is None else Decimal(value)) for words, value in pairs]


# Every accepted notation of section 4 with its meaning, written by hand. Keyed by the column in
# which it may stand without a second notation beside it.
NOTATIONS = {
    "plain": _table(
        Kind.PLAIN,
        ("19.37", "19.37"), ("-1.5", "-1.5"), ("+3", "3"), (".5", "0.5"), ("0.0423", "0.0423"),
        ("1,234.50", "1234.5"), ("-12,345,678", "-12345678"), ("(1.50)", "-1.5"), ("-1.50", "-1.5"),
        ("1.2E-05", "0.000012"), ("3e6", "3000000"), ("-2.5e+3", "-2500"), ("15 ", "15"),
        ("\t15.25", "15.25"), ("\u00a07.75\u00a0", "7.75"), ("100,000,000", "100000000"),
        ("0.123456789", "0.123456789"), ("-0.00", "0"), ("0", "0"), ("007.10", "7.1"),
        ("0.0000000000000125", "0.0000000000000125"),
    ) + _table(Kind.DASH, ("-", "0"), (" -   ", "0"), ("\u2013", "0"), (" \u2013 ", "0")),
    "money": _table(
        Kind.MONEY,
        ("$0.04", "0.04"), ("-$1.50", "-1.5"), ("$-1.50", "-1.5"), ("$12,345", "12345"),
        ("($1.50)", "-1.5"), ("$(1.50)", "-1.5"), ("$1,234.50 ", "1234.5"), (" $0.00 ", "0"),
        ("$.75", "0.75"),
    ) + _table(Kind.DASH, ("$ -", "0"), ("$ -   ", "0"), (" $- ", "0")),
    "percent": _table(
        Kind.PERCENT,
        ("4.87%", "0.0487"), ("-2%", "-0.02"), ("(5%)", "-0.05"), ("0.00%", "0"), ("112.5%", "1.125"),
        (" 7.25% ", "0.0725"), ("+1%", "0.01"), ("1,250%", "12.5"),
    ),
    "missing": (
        _table(Kind.EMPTY, ("", None))
        + _table(Kind.BLANK, (" ", None), ("    ", None), ("\u00a0", None))
        + _table(
            Kind.NA,
            *((words, None) for words in (
                "#N/A", "#NA", "N/A", "NA", "NaN", "-nan", "NULL", "None", "<NA>", "1.#IND",
                "#n/a", "na", "nan", " null ", "NONE",
            )),
        )
    ),
}
