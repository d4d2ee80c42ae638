"""Energy: versions of a day, closes, and the ways to write a simple grid."""
from datetime import date
from decimal import Decimal

from ..cells import plain
from ..curve import Column, CurveFile
from ..dates import months
from ..families import LOOKUP
from ..grid import CsvForm
from ..prices import seasonal
from ..workbook import DATE_ISO, DATE_SHORT, FOUR_PLACES, GENERAL, BookForm
from .shared import CR, LF, replaced

PEAKS = ("7x8", "2x16", "5x16")
ZONES = {
    "ercot": (("TX", "NORTH ZONE"), ("TX", "HOUSTON ZONE"), ("TX", "SOUTH ZONE"), ("TX", "WEST ZONE")),
    "isone": (
        ("ME", "MAINE"), ("NH", "NEWHAMPSHIRE"), ("VT", "VERMONT"), ("CT", "CONNECTICUT"), ("RI", "RHODEISLAND"),
        ("MA", "SEMASS"), ("MA", "WCMASS"), ("MA", "NEMASSBOST"), ("-", "MASS HUB"),
    ),
    "miso": (("IL", "AMILCIPS"), ("IL", "AMILIP"), ("MI", "CONS"), ("-", "INDY HUB"), ("-", "MICHIGAN HUB")),
    "nyiso": (("NY", "ZONE A"), ("NY", "ZONE C"), ("NY", "ZONE G"), ("NY", "ZONE J"), ("NY", "ZONE K")),
    "pjm": (("PA", "PECO"), ("NJ", "PSEG"), ("OH", "AEP"), ("-", "WESTERN HUB")),
}
_LEVEL = {"7x8": 2700, "2x16": 3600, "5x16": 4300, "WD": 3900, "WE": 3300, "7x24": 3500}


def energy_column(iso, state, zone, strip, when, revision=0, capacity_zone=None, **more) -> Column:
    """One energy series; revisions of one zone and strip differ a little."""
    labels = (iso.upper(), state, zone, capacity_zone or zone, "ALL", strip, "Energy", "Energy")
    values = seasonal(f"{iso} {zone} {strip}", _LEVEL[strip], when, revision=revision)
    return Column(labels, more.pop("caption", zone), "$/MWh", [plain(value) for value in values], **more)


def energy_columns(iso, when, revision=0, zones=None, strips=PEAKS) -> list[Column]:
    """The usual block: every zone with every strip."""
    return [
        energy_column(iso, state, zone, strip, when, revision)
        for state, zone in zones or ZONES[iso]
        for strip in strips
    ]


def outlier(columns: list[Column], **cells: str) -> list[Column]:
    """Plain values `m<index>` in the first column: `m0="3210.12"`."""
    replaced(columns[0], {int(name[1:]): plain(Decimal(value)) for name, value in cells.items()})
    return columns


def files() -> list[CurveFile]:
    """Versions of a day, closes, and the ways to write a simple grid."""
    june = months("2024-06", 61)
    hub = ("-", "HB_WEST")
    ercot_hub = ZONES["ercot"] + (hub,)
    gap = [month for month in june if month not in (date(2025, 2, 1), date(2025, 3, 1))]
    isone = energy_columns("isone", june)
    # Two spellings of one zone, one of them differing only in case from the usual one.
    isone += [
        energy_column("isone", "MA", "NEMA BOSTON", "5x16", june),
        energy_column("isone", "MA", "Semass", "5x16", june, capacity_zone="SEMASS", caption="SEMASS"),
    ]
    nyiso_months = months("2024-01", 24)
    nyiso = [
        energy_column(
            "nyiso", state, zone, strip, nyiso_months,
            lookup=f"NYISO NY {zone} 7x8 Energy", caption="" if strip == "2x16" else zone,
        )
        for state, zone in ZONES["nyiso"] for strip in PEAKS
    ]
    return [
        CurveFile("Energy_ERCOT_20240603_080000", june, energy_columns("ercot", june), separators=",,,"),
        CurveFile(
            "Energy_ERCOT_20240603_093000", june, energy_columns("ercot", june, 1), separators="",
            csv=CsvForm(LF, quote_all=True), book=BookForm(number_style=FOUR_PLACES),
        ),
        CurveFile(
            "Energy_ERCOT_20240603_101500", june, energy_columns("ercot", june, 2, ercot_hub),
            label_rows=(
                "Cost Component", "Block Type", "State", LOOKUP, "Load Zone", "Utility", "Control Area",
                "Capacity Zone", "Cost Group",
            ),
            remarks={"Utility": ("Curve Owner", "desk A,\nphone \"1234\"", "", "desk A")},
            csv=CsvForm(LF), book=BookForm(date_style=DATE_ISO),
            note="permuted label rows; an unknown label row with a quoted line break, so records are not lines",
        ),
        CurveFile(
            "Energy_ERCOT_20240603_163000_cob", june,
            outlier(energy_columns("ercot", june, 2, ercot_hub), m0="123.45"),
            separators=["", "", "", "", ""], csv=CsvForm(LF),
            note="differs from the version of 10:15 in one cell, the first value",
        ),
        CurveFile(
            "Energy_ERCOT_20240604_000000", june, energy_columns("ercot", june, 3, ZONES["ercot"][:3]),
            separators=["", ",", ""], blank_rows={11: ",", 30: "", 60: ","}, header_word="MONTH",
            csv=CsvForm(last_line_end=False),
            note="midnight belongs to the new day; blank rows among and after the data",
        ),
        CurveFile(
            "Energy_ISONE_20240603_082540", june, isone, "YYYY-MM-DD", separators=",,",
            csv=CsvForm(LF, encoding="utf-8-sig"), book=BookForm(date_style=DATE_ISO),
            warnings={"near_duplicate_label": 1}, note="SEMASS and Semass 5x16 differ only in case",
        ),
        CurveFile(
            "Energy_ISONE_20240603_082542_cob", june, outlier(energy_columns("isone", june), m0="234.56"),
            separators=",,", book=BookForm(extra_sheet=True),
        ),
        CurveFile(
            "Energy_MISO_20240603_082540", june, outlier(energy_columns("miso", june), m4="-3.21", m12="0"),
            separators=",,", csv=CsvForm(CR), book=BookForm(formulas=True), note="a negative price is out of band",
        ),
        CurveFile(
            "Energy_MISO_20240603_082542_cob", june,
            outlier(energy_columns("miso", june), m4="-3.21", m9="3210.12", m12="0"),
            separators=",,", csv=CsvForm(CR, last_line_end=False), note="two prices out of band, one a value_jump",
        ),
        CurveFile(
            "Energy_NYISO_20240603_114500", nyiso_months, nyiso, "Mon-YY",
            separators="", header_word="Date", book=BookForm(date_style=DATE_SHORT),
            note="lookup texts disagree with the labels; every third caption is missing; unusual window",
        ),
        CurveFile(
            "Energy_NYISO_20240603_114501", nyiso_months, nyiso, "Mon-YY",
            separators="", header_word="Date", book=BookForm(date_style=DATE_SHORT),
            note="the bytes of 11:45:00 under another name: unchanged_content",
        ),
        CurveFile(
            "Energy_PJM_20240603_090000", gap,
            energy_columns("pjm", gap, strips=PEAKS + ("WD", "WE", "7x24")), "M/D/YY",
            separators=",", header_word="EY", csv=CsvForm(LF), book=BookForm(noise=True),
            note="two months missing: month_gap and unexpected_window",
        ),
        CurveFile(
            "Energy_PJM_20240603_170000_cob", june, energy_columns("pjm", june, 1), "MM/DD/YYYY",
            separators=",,", spelling={"Control Area": "control area", "Block Type": "  BLOCK   TYPE "},
            book=BookForm(date_style=GENERAL),
        ),
    ]
