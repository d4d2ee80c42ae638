"""Loadprofile, shaping and vlr: an hour per row, values from column C on."""
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Callable, Optional

from ..cells import EMPTY, NA, NOTATIONS, Cell, percent, plain
from ..dates import days, hours, months
from ..families import COMMON, LOOKUP
from ..grid import CsvForm
from ..layouts import HourlyFile
from ..model import Column
from ..prices import hourly
from ..workbook import DATE_ISO, DATE_SHORT, GENERAL, BookForm
from .energy import ZONES
from .shared import CR, LF, notation_cells, replaced
from .tariffs import PROFILES

AUTUMN, SPRING = date(2024, 11, 3), date(2024, 3, 10)  # clock changes of all ISOs but miso
Write = Callable[[Decimal], Cell]


def hourly_column(
    iso: str, zone: tuple[str, str], strip: str, group: str, component: str, unit: Optional[str], cells: Iterable[Cell],
    *more: str, caption: Optional[str] = None,
) -> Column:
    """A series of given cells; `more` are the labels beyond the common eight."""
    state, name = zone
    labels = (iso.upper(), state, name, name, "ALL", strip, group, component, *more)
    return Column(labels, name if caption is None else caption, unit, list(cells))


# -- loadprofile --------------------------------------------------------------------------------


def load_columns(iso: str, places, zones: int = 2, write: Write = plain, unit: str = "kWh", **more) -> list[Column]:
    """Each customer type in the first zones of an ISO."""
    columns = []
    for zone in ZONES[iso][:zones]:
        for number, profile in enumerate(PROFILES.values(), 1):
            cells = map(write, hourly(f"load {iso} {zone} {profile}", 11000 * number**3, places))
            columns.append(hourly_column(iso, zone, "7x24", "Load", "Profile", unit, cells, profile, **more))
    return columns


def notation_columns(places) -> list[Column]:
    """Every notation; the unit of a load in dollars is left open."""
    cells = notation_cells(hourly("load notations", 190, places, 2), 3)
    return [
        hourly_column("nyiso", ("NY", "ZONE K"), "7x24", "Load", f"As {name}", unit, cells[name], "RES")
        for name, unit in (("plain", "kWh"), ("money", None), ("percent", "%"), ("missing", "kWh"))
    ]


def loadprofiles() -> list[HourlyFile]:
    """Months and days, the long day in autumn."""
    summer = hours(months("2024-06", 2))
    autumn = hours(days("2024-11-02", 3), AUTUMN)
    january = hours(days("2024-01-01", 4))
    longest = hours(months("2024-06", 1 + (3 + max(map(len, NOTATIONS.values()))) // 24))
    nyiso = load_columns("nyiso", longest, 1)
    return [
        HourlyFile("LoadProfile_ERCOT_20240603_060000", summer, load_columns("ercot", summer), csv=CsvForm(LF)),
        HourlyFile(
            "LoadProfile_ISONE_20240603_060000", autumn, load_columns("isone", autumn), "YYYY-MM-DD",
            header_word="Date", book=BookForm(date_style=DATE_ISO),
            note="HE 25 on the day on which the clocks go back",
        ),
        HourlyFile(
            "LoadProfile_MISO_20240603_060000", january,
            load_columns("miso", january, 1, unit="kW", caption="Demand (kW)"), "M/D/YYYY",
            header_word="date", csv=CsvForm(CR),
            note="days of January below Date: each first number is 1, yet the file is not monthly: no date_order",
        ),
        HourlyFile(
            "LoadProfile_NYISO_20240603_060000", longest, [nyiso[0], None, *nyiso[1:], *notation_columns(longest)],
            "M/D/YY", trailing=6, separators=["", ",", ""], blank_rows={5: ",", 23: ""},
            note="blank columns; every notation that a load may have",
        ),
        HourlyFile(
            "LoadProfile_PJM_20240603_060000", summer,
            load_columns("pjm", summer, 1, lambda value: percent(value / 1000, 5), "%"), "Mon-YYYY",
            label_rows=("Customer Type", *COMMON), spelling={"Customer Type": "customer TYPE"},
            remarks={"Customer Type": ("Source", "", "survey of 2023")}, csv=CsvForm(encoding="utf-8-sig"),
            book=BookForm(text_notations=True),
            note="shares of the load as percent cells; no lookup row; the twin keeps dates and percentages as text",
        ),
    ]


# -- shaping ------------------------------------------------------------------------------------


def shape_columns(iso: str, places, zones=None, strips=("7x24", "5x16", "2x16")) -> list[Column]:
    """Hourly factors around 1 of each strip."""
    columns = []
    for zone in zones or ZONES[iso][:1]:
        for strip in strips:
            cells = map(plain, hourly(f"shape {iso} {zone} {strip}", 10000, places))
            columns.append(hourly_column(iso, zone, strip, "Energy", "Shape", "factor", cells))
    return columns


def shapings() -> list[HourlyFile]:
    """Days around both clock changes, and months."""
    quarter = hours(months("2024-07", 3))
    spring = hours(days("2024-03-09", 3), spring=SPRING)
    plain_days = hours(days("2024-11-02", 3))
    autumn = hours(days("2024-10-31", 4), AUTUMN)
    miso = shape_columns("miso", plain_days, ZONES["miso"][:2])
    replaced(miso[1], {4: NA, 9: EMPTY})
    return [
        HourlyFile(
            "Shaping_ERCOT_20240603_060000", quarter, shape_columns("ercot", quarter), "YYYY-MM-DD 00:00:00",
            separators=",,,", book=BookForm(formulas=True, date_style=DATE_ISO),
        ),
        HourlyFile(
            "Shaping_ISONE_20240603_060000", spring, shape_columns("isone", spring), "MM/DD/YYYY",
            header_word="Date", csv=CsvForm(LF, last_line_end=False),
            note="the day on which the clocks go forward has no HE 3",
        ),
        HourlyFile(
            "Shaping_MISO_20240603_060000", plain_days, miso, "M/D/YY", header_word="Date",
            note="no clock change in miso: 24 hours on 3 November; missing cells",
        ),
        HourlyFile(
            "Shaping_NYISO_20240603_060000", autumn, shape_columns("nyiso", autumn, [("0", "ZONE F")], ("WD", "we")),
            "M/D/YYYY 00:00", header_word="DATE", csv=CsvForm(LF, quote_all=True), book=BookForm(date1904=True),
            note="HE 25; two months; a state 0; the strip we in other case",
        ),
        HourlyFile(
            "Shaping_PJM_20240603_060000", quarter, shape_columns("pjm", quarter, strips=("7X24",)), "Mon-YY",
            label_rows=(*reversed(COMMON), LOOKUP), separators="", book=BookForm(date_style=DATE_SHORT),
            note="permuted label rows; the header row stands directly below them",
        ),
    ]


# -- vlr ----------------------------------------------------------------------------------------


def loss_columns(iso: str, places, write: Write, unit: str, zones: int = 2, decimals: int = 4) -> list[Column]:
    """Variable losses by month number and hour."""
    return [
        hourly_column(
            iso, zone, "7x24", "Losses", "Variable Line Losses", unit,
            map(write, hourly(f"loss {iso} {zone}", 52 * 10 ** (decimals - 3), places, decimals)),
        )
        for zone in ZONES[iso][:zones]
    ]


def losses() -> list[HourlyFile]:
    """All months or some, as percent or as factor."""
    year, summer = hours(range(1, 13)), hours((6, 7, 8))
    mixed = loss_columns("miso", summer, percent, "%")
    mixed[0].cells[30:] = [plain(cell.exact, 4) for cell in mixed[0].cells[30:]]
    gaps = loss_columns("nyiso", summer, plain, "factor", 3)
    replaced(gaps[0], {0: NA, 7: NOTATIONS["plain"][-4], 8: EMPTY})
    return [
        HourlyFile(
            "Vlr_ERCOT_20240603_060000", year, loss_columns("ercot", year, percent, "%"), csv=CsvForm(LF),
            note="a percent cell is stored as the fraction",
        ),
        HourlyFile(
            "Vlr_ISONE_20240603_060000", year, loss_columns("isone", year, plain, "factor"), header_word="Date",
            separators=["", ""], csv=CsvForm(CR, last_line_end=False),
        ),
        HourlyFile(
            "Vlr_MISO_20240603_060000", summer, mixed, book=BookForm(noise=True),
            note="percent turns into fraction in mid-column; three months only",
        ),
        HourlyFile(
            "Vlr_NYISO_20240603_060000", summer, [gaps[0], None, None, *gaps[1:]], label_rows=COMMON, trailing=3,
            data_ends_early=True, note="blank columns in the middle and to the right; missing cells, a dash zero",
        ),
        HourlyFile(
            "Vlr_PJM_20240603_060000", summer, loss_columns("pjm", summer, lambda v: percent(v, 1), "%", decimals=3),
            header_word="MONTH", spelling={"Load Zone": "load  zone"}, csv=CsvForm(encoding="utf-8-sig"),
            book=BookForm(date_style=GENERAL, hidden_columns=frozenset({2}), hidden_rows=frozenset({15})),
            note="the twin hides the column HE and a row",
        ),
    ]


def files() -> list[HourlyFile]:
    """The three families in their order."""
    return loadprofiles() + shapings() + losses()
