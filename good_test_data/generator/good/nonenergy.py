"""Nonenergy: wide grids, odd names, every notation of a cell."""
from typing import NamedTuple, Optional

from ..cells import NA, plain
from ..curve import Column, CurveFile
from ..dates import months
from ..families import COMMON
from ..grid import CsvForm
from ..prices import seasonal
from ..workbook import GENERAL, BookForm
from .shared import LF, notation_cells


class Part(NamedTuple):
    """A component of nonenergy: `level` in units of the last of `places`; None as caption repeats the name."""

    group: str
    component: str
    unit: Optional[str]
    level: int
    places: int = 4
    caption: Optional[str] = None


COMPONENTS = {
    "isone": (
        Part("Capacity", "Capacity", "$/kW-mo", 3410, 3),
        Part("Capacity", "Capacity Scaler", None, 1193, 3),
        Part("Ancillaries", "ISO Sched 3", "$/kW-mo", 1622, 4),
        Part("Ancillaries", "Forward Reserve", "$/MWh", 4211, 4, "LFRM (all zones)"),
        Part("Ancillaries", "NCPC", "$/MWh", 812, 4, "Net Commitment"),
        Part("Ancillaries", "Québec Tie Credit", "$/MWh", -377, 4),
        Part("Ancillaries", "Winter Program", "$/MWh", 90311, 9),
    ),
    "miso": (
        Part("Capacity", "Capacity Price ($/kW-day)", "$/kW-day", 2140, 5),
        Part("Market-Based Charges", "Uplift, Day-Ahead", "$/MWh", 2291),
        Part("Market-Based Charges", "Spinning  Reserve", "$/MWh", 611),
        Part("Market-Based Charges", " Regulation ", "$/MWh", 733),
        Part("Tariff Charges", "Scheduling, Metering and Dispatch on-peak", "$/MWh", 1402),
        Part("Tariff Charges", "Scheduling, Metering and Dispatch off-peak", "$/MWh", 911),
        Part("Tariff Charges", "Rider \"Clean Air\", phase 2", "$/MWh", 214),
        Part("Tariff Charges", "Blackstart on-peak", "$/MWh", 321),
        Part("Tariff Charges", "Blackstart off-peak", "$/MWh", 187),
        Part("Tariff Charges", "NITS Schedule 9", "$/MW-mo", 391244, 2),
        Part("ARRs", "ARRs", "$/MW-mo", -41233, 2),
    ),
    "pjm": (
        Part("Capacity", "Capacity Charge ($/kW-month)", "$/kW-mo", 4417),
        Part("Capacity", "Capacity Scaling Factor", None, 1207, 3),
        Part("Transmission", "NITS Rate", "$/kW-mo", 5122),
        Part("Transmission", "TEAC", "$/kW-mo", 422),
        Part("Transmission", "ARR Credit", "$/kW-mo", -713),
        Part("Ancillaries", "Black Start Charge ($/kW-mo)", "$/kW-mo", 88),
        Part("Retail", "Meter Fee ($/meter-day)", "unknown", 311),
        Part("Retail", "Adder (cents/kWh)", "c/kWh", 641),
        Part("Retail", "Rate “SC–2” – residential", "$/MWh", 1213),
        Part("Retail", "Broker’s fee per MWh", "$/MWh", 977),
        Part("Retail", "a'); drop table x; --", "$/MWh", 1001),
        Part("Retail", "ALL", "$/MWh", 455, 4, "-"),
        Part("Retail", "5% Loss Adder", "$/MWh", 517),
    ),
}


def part_column(iso, part: Part, when, strip="7X24", state="ALL", zone="ALL", key="") -> Column:
    """A nonenergy series of plain decimals."""
    labels = (iso.upper(), state, zone, "ALL", "ALL", strip, part.group, part.component)
    values = seasonal(f"{iso} {zone} {part.component} {key}", part.level, when, part.places)
    caption = part.component if part.caption is None else part.caption
    return Column(labels, caption, part.unit, [plain(value) for value in values])


def tail_missing(column: Column, count: int) -> Column:
    """#N/A where no forecast reaches: the last months."""
    column.cells[-count:] = [NA] * count
    return column


def many_columns(when) -> list[Column]:
    """300 columns: 25 charges in 12 areas; both spellings of the strip, wide magnitudes."""
    areas = (
        "COAST EAST FAR_WEST NORTH NORTH_CENTRAL SOUTHERN SOUTH_CENTRAL WEST LZ_AEN LZ_CPS LZ_LCRA LZ_RAYBN".split()
    )
    charges = [Part("Ancillaries", f"Charge {n:02}", "$/MWh", 37 * n - 90, 2 + n % 8) for n in range(1, 24)]
    charges.append(Part("Fuel", "HH", "$/MMBtu", 287, 2))
    charges.append(Part("Settlement", "Base Amount", "$/MWh", 6600000000, 2))
    columns = []
    for area in areas:
        for number, part in enumerate(charges):
            column = part_column("ercot", part, when, "7x24" if number % 2 else "7X24", "TX", area)
            column.labels = ("Ercot",) + column.labels[1:]
            columns.append(column)
    return columns


def notation_columns(when, first: int) -> list[Column]:
    """One column per notation of section 4."""
    columns = []
    for name, cells in notation_cells(seasonal("nyiso notations", 152, when), first).items():
        labels = ("NYISO", "ALL", "ALL", "ALL", "ALL", "7X24", "Ancillaries", f"Charge as {name}")
        columns.append(Column(labels, labels[-1], "%" if name == "percent" else "$/MWh", cells))
    return columns


def files() -> list[CurveFile]:
    """Wide grids, odd names, every notation of a cell."""
    two_years, decade, unordered = months("2024-01", 24), months("2020-01", 120), months("2022-01", 60)
    unordered[6], unordered[7] = unordered[7], unordered[6]
    del unordered[40:43]
    nyiso = months("2023-01", 48)
    levels = (("ROS", 351), ("LHV", 417), ("NYC", 1122))
    zones = [Part("Capacity", name, "$/kW-mo", level, 2) for name, level in levels]
    isone = [part_column("isone", part, decade, zone=z) for z in ("MAINE", "ROP") for part in COMPONENTS["isone"]]
    miso = [tail_missing(part_column("miso", part, decade, state="IL"), 24) for part in COMPONENTS["miso"]]
    return [
        CurveFile(
            "NonEnergy_ERCOT_20240430_101010", two_years, many_columns(two_years), "M/D/YY",
            csv=CsvForm(LF), book=BookForm(date_style=GENERAL),
            note="300 columns; the control area in other case; strips 7x24 and 7X24; serial dates in the twin",
        ),
        CurveFile(
            "NonEnergy_ISONE_20240430_101010", decade, isone[:3] + [None] + isone[3:9] + [None, None] + isone[9:],
            trailing=255, spelling={"Load Zone": "LOAD ZONE", "Cost Group": " cost  group"},
            book=BookForm(
                hidden_rows=frozenset({1, 15, 16}), hidden_columns=frozenset({3, 6}), merged=("A10:D10", "F10:H10"),
            ),
            note="blank columns in the middle and 255 to the right; the twin hides rows and columns with values",
        ),
        CurveFile("NonEnergy_MISO_20240430_101010", decade, miso, csv=CsvForm(LF)),
        CurveFile(
            "NonEnergy_MISO_20240531_101010", unordered,
            [part_column("miso", part, unordered, state="MI", key="v2") for part in COMPONENTS["miso"][2:]],
            separators=["", ""], header_word="month", note="two months in the wrong order, three missing",
        ),
        CurveFile(
            "NonEnergy_NYISO_20240430_101010", nyiso,
            [part_column("nyiso", part, nyiso) for part in zones] + notation_columns(nyiso, 2),
            note="every notation of section 4; a dash after $ counts as dash zero, not as money cell",
        ),
        CurveFile(
            "NonEnergy_NYISO_20240531_101010", nyiso, notation_columns(nyiso, 20),
            "Mon-YYYY", trailing=4, data_ends_early=True, book=BookForm(inline_strings=True, text_notations=True),
            note="data rows end before the trailing blank columns; the twin keeps notations and dates as text",
        ),
        CurveFile(
            "NonEnergy_PJM_20240430_101010", decade[:60],
            [part_column("pjm", part, decade[:60]) for part in COMPONENTS["pjm"]],
            "YYYY-MM-DD 00:00:00", label_rows=COMMON, remarks={"State": ("Region", "Mid–Atlantic")},
            csv=CsvForm(encoding="cp1252"), warnings={"unit_conflict": 1, "unknown_unit": 1},
            note="no lookup row; Windows-1252; Black Start Charge contradicts the registry ($/MW-mo)",
        ),
    ]
