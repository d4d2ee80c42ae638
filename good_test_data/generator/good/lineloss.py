"""Lineloss: flat tables, one row per series."""
from decimal import Decimal
from typing import Callable

from ..cells import EMPTY, NA, Cell, percent, plain
from ..families import COMMON, FACTOR
from ..grid import CsvForm
from ..layouts import SINGLE, FlatFile
from ..model import Column
from ..prices import draw
from ..workbook import BookForm
from .shared import CR, LF
from .tariffs import TARIFFS

VOLTAGES = (("Secondary", 610), ("Primary", 340), ("Transmission", 150))


def loss_rows(iso: str, write: Callable[[Decimal], Cell], unit: str, revision: int = 0) -> list[Column]:
    """Each utility at each voltage; fractions with four decimals."""
    utilities = {tariff.utility: tariff for tariff in TARIFFS[iso]}
    rows = []
    for name, tariff in utilities.items():
        for voltage, level in VOLTAGES:
            units = level * (900 + int(draw(f"line {iso} {name} {voltage}").random() * 200)) // 1000
            value = Decimal(units + revision).scaleb(-4)
            rows.append(Column(tariff.common(iso, "Line Loss", voltage), "", unit, [write(value)]))
    return rows


def factor(loss: Decimal) -> Cell:
    """A loss as the factor that a load is multiplied by."""
    return plain(1 + loss)


def files() -> list[FlatFile]:
    """Any order of columns, columns of other words, both notations."""
    isone, miso = (loss_rows(iso, factor, "factor") for iso in ("isone", "miso"))
    nyiso = loss_rows("nyiso", percent, "%")
    miso[1].cells, miso[4].cells = [NA], [EMPTY]
    nyiso[5].cells = [plain(nyiso[5].cells[0].exact)]
    words = [f"page {number}" for number in range(len(isone))]
    pjm = loss_rows("pjm", percent, "%")
    return [
        FlatFile("LineLoss_ERCOT_20240603_060000", SINGLE, loss_rows("ercot", percent, "%")),
        FlatFile(
            "LineLoss_ISONE_20240603_060000", SINGLE, isone,
            label_rows=("Source", FACTOR, *reversed(COMMON), "Since"),
            others={"Source": words, "Since": ["2021"] * len(isone)},
            spelling={FACTOR: "LINE  LOSS factor", "Utility": " utility "}, csv=CsvForm(LF, last_line_end=False),
            note="permuted columns, two of them with other words",
        ),
        FlatFile(
            "LineLoss_MISO_20240603_060000", SINGLE, miso, separators=["", ","], blank_rows={2: ",", 5: ""},
            trailing=2, csv=CsvForm(CR), book=BookForm(inline_strings=True),
            note="blank rows above the header row and among the others, blank columns to the right; missing cells",
        ),
        FlatFile(
            "LineLoss_NYISO_20240603_060000", SINGLE, nyiso, csv=CsvForm(encoding="utf-8-sig", quote_all=True),
            note="one cell is no percentage: the value column has one unit and one warning, although rows are series",
        ),
        FlatFile("LineLoss_PJM_20240603_060000", SINGLE, pjm, csv=CsvForm(LF), book=BookForm(extra_sheet=True)),
        FlatFile(
            "LineLoss_PJM_20240604_060000", SINGLE, loss_rows("pjm", percent, "%", 1)[1:],
            note="the next day: a row less, all others moved",
        ),
    ]
