"""Ptc: label blocks of many kinds, any header word, matching IDs that matrix offers join on."""
from decimal import Decimal

from ..cells import EMPTY, NA, NOTATIONS, money, plain
from ..curve import Column, CurveFile
from ..dates import months
from ..families import COMMON, LOOKUP, MATCHING
from ..grid import CsvForm
from ..prices import seasonal
from ..workbook import DATE_ISO, DATE_SHORT, BookForm
from .shared import CR, LF, notation_cells, replaced
from .tariffs import RES, TARIFFS, Tariff

CAPTION = "PTC"


def ptc_column(iso: str, tariff: Tariff, when, revision: int = 0, write=plain, caption: str = CAPTION) -> Column:
    """The price of one rate, in $/kWh."""
    common = tariff.common(iso, CAPTION, tariff.segment)
    lookup = " ".join((*common[:5], tariff.rate))
    values = seasonal(f"{iso} {tariff.utility} {tariff.rate}", tariff.level, when, 5, revision)
    labels = (tariff.matching, lookup, *common, tariff.name, tariff.rate)
    return Column(labels, caption, "$/kWh", list(map(write, values)))


def ptc_columns(iso: str, when, revision: int = 0, tariffs=None, **more) -> list[Column]:
    """All rates of an ISO."""
    return [ptc_column(iso, tariff, when, revision, **more) for tariff in tariffs or TARIFFS[iso]]


def notation_columns(when) -> list[Column]:
    """The notations that a price may have; a column of percent cells would have another unit."""
    columns = []
    cells = notation_cells(seasonal("ptc notations", 12, when), 1)
    for name in ("plain", "money", "missing"):
        tariff = Tariff("NY", "ZONE K", "SBE", "South Beach Electric", f"SC as {name}", RES, f"M-{name}", 0)
        column = ptc_column("nyiso", tariff, when, caption="")
        column.cells = cells[name]
        columns.append(column)
    return columns


def files() -> list[CurveFile]:
    """Twenty-seven rows above the data, and fewer; every date form."""
    june, half = months("2024-06", 24), months("2024-06", 18)
    longest = months("2024-06", 2 + max(map(len, NOTATIONS.values())))
    isone = ptc_columns("isone", june)
    for column in isone[:2]:
        column.cells[-3:] = [NA] * 3
    later = ptc_columns("isone", june, 1, TARIFFS["isone"][:4] + TARIFFS["isone"][5:])
    later += [ptc_column("isone", Tariff("ME", "MAINE", "PTL", "Pine Tree Light", "A", RES, "ME-PTL-A", 13010), june)]
    dollars = ptc_columns("miso", half, write=lambda v: money(v, 5), caption="Price ($/kWh)")
    pjm = ptc_columns("pjm", months("2024-07", 24))
    replaced(pjm[1], {0: plain(Decimal(0)), 5: EMPTY, 6: EMPTY})
    pjm[2].caption = ""
    gap = half[:9] + half[10:]
    return [
        CurveFile(
            "PTC_ERCOT_20240603_070000", june, ptc_columns("ercot", june), "MM/DD/YYYY",
            separators=[","] * 14, book=BookForm(formulas=True),
            note="twenty-seven rows above the data; one matching ID stands above two rates, another is blank",
        ),
        CurveFile(
            "PTC_ISONE_20240603_071500", june, isone, header_word="Delivery",
            remarks={
                LOOKUP: ("Rate ID", "17", "18", "19", "20", "21", "22"),
                "Utility": ("Source", "tariff sheet, page 4"),
                "Rate Class/Load Profile": ("Remarks", "“Basic” – until further notice"),
            },
            separators=["", ",", ""], csv=CsvForm(encoding="cp1252"),
            note="Windows-1252 with curly quotes; rows with other words in the label block, the last of them below "
            "its last label row: anything above the header row belongs to the block; no prices at the end",
        ),
        CurveFile(
            "PTC_ISONE_20240603_151500", june, later, "Mon-YY", csv=CsvForm(LF, encoding="utf-8-sig"),
            book=BookForm(date_style=DATE_SHORT),
            note="the second version of the day, with one rate less and one more",
        ),
        CurveFile(
            "PTC_MISO_20240603_080000", half, [dollars[0], None, *dollars[1:]], "Mon-YYYY", trailing=20,
            header_word="Utility price to compare", blank_rows={5: ",", 11: ""}, book=BookForm(extra_sheet=True),
            note="money cells; blank columns; a matching ID of digits is a number in the twin",
        ),
        CurveFile(
            "PTC_NYISO_20240603_090000", longest, ptc_columns("nyiso", longest) + notation_columns(longest),
            "YYYY-MM-DD",
            label_rows=("Rate Class/Load Profile", *reversed(COMMON), "Utility Name", LOOKUP, MATCHING),
            spelling={MATCHING: "matching id", "Rate Class/Load Profile": " RATE  CLASS/LOAD PROFILE "},
            separators="", header_word="EY", book=BookForm(date_style=DATE_ISO, text_notations=True),
            note="permuted label rows, the last of them directly above the header row; every notation of a price",
        ),
        CurveFile(
            "PTC_PJM_20240603_100000", months("2024-07", 24), pjm, "M/D/YY", csv=CsvForm(CR, last_line_end=False),
            note="begins a month after the offers of the day; a price of 0; one caption is blank",
        ),
        CurveFile(
            "PTC_PJM_20240604_100000", gap, ptc_columns("pjm", gap, 1), "M/D/YYYY 00:00",
            csv=CsvForm(LF, quote_all=True), book=BookForm(date1904=True),
            note="one month is missing: month_gap",
        ),
    ]
