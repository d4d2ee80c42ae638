"""The good files, as tables: which series, which months, which irregularities.

`files` gives them in the documented loading order: dataset, then curve timestamp.
"""
from datetime import date
from decimal import Decimal
from typing import NamedTuple, Optional

from .cells import EMPTY, NA, NOTATIONS, Cell, money, padded, percent, plain
from .curve import COMMON, LOOKUP, Column, CurveFile
from .dates import months
from .grid import CsvForm
from .prices import draw, seasonal, steps
from .workbook import DATE_ISO, DATE_SHORT, FOUR_PLACES, GENERAL, BookForm

LF, CR = "\n", "\r"
PEAKS = ("7x8", "2x16", "5x16")

# -- energy -------------------------------------------------------------------------------------

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


def replaced(column: Column, cells: dict[int, Cell]) -> Column:
    """The column with single cells exchanged."""
    column.cells = [cells.get(number, cell) for number, cell in enumerate(column.cells)]
    return column


def outlier(columns: list[Column], **cells: str) -> list[Column]:
    """Plain values `m<index>` in the first column: `m0="3210.12"`."""
    replaced(columns[0], {int(name[1:]): plain(Decimal(value)) for name, value in cells.items()})
    return columns


def energy_files() -> list[CurveFile]:
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


# -- nonenergy ----------------------------------------------------------------------------------


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
    """One column per notation of section 4; the table stands from month `first` on."""
    filler = seasonal("nyiso notations", 152, when)
    write = {"plain": plain, "money": money, "percent": lambda v: percent(v / 100), "missing": plain}
    columns = []
    for name, table in NOTATIONS.items():
        labels = ("NYISO", "ALL", "ALL", "ALL", "ALL", "7X24", "Ancillaries", f"Charge as {name}")
        column = Column(labels, labels[-1], "%" if name == "percent" else "$/MWh", list(map(write[name], filler)))
        columns.append(replaced(column, {first + number: cell for number, cell in enumerate(table)}))
    return columns


def nonenergy_files() -> list[CurveFile]:
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


# -- rec ----------------------------------------------------------------------------------------


def rec_column(iso, state, group, component, caption, unit, cells, **more) -> Column:
    """A rec series of given cells."""
    labels = (iso.upper(), state, "ALL", "ALL", "ALL", more.pop("strip", "7X24"), group, component)
    return Column(labels, caption, unit, cells, **more)


def yearly(when, values: list[Optional[Cell]]) -> list[Cell]:
    """Side table: values in the first rows, nothing below."""
    return values + [EMPTY] * (len(when) - len(values))


def side_table(when) -> list[Column]:
    """The yearly table that one publisher puts beside the months, one row per year at the top."""
    years = [plain(Decimal(2015 + n)) for n in range(16)]
    load = [plain(Decimal(301122334 + 2718281 * n)) for n in range(16)]
    mandate = [percent(Decimal(15032145 + 9973 * n), 0) for n in range(16)]
    share = [plain(Decimal(51122733 + 331 * n).scaleb(-9)) for n in range(16)]
    table = (
        ("year", "", "year", years),
        ("Total_Retail_Load_Mwh", "Total_Retail_Load_Mwh", "MWh", load),
        ("RPS_Target_Mwh", "RPS_Target_Mwh", "MWh", mandate),
        ("year", "prct", "%", share),
    )
    return [
        rec_column(
            "ercot", "TX", "RPS", component, caption, unit, yearly(when, cells),
            lookup=f"ERCOT TX ALL ALL ALL 7X24 RPS_{component}", state_cell="",
        )
        for component, caption, unit, cells in table
    ]


def rec_files() -> list[CurveFile]:
    """Both notations, the side table, state rows."""
    when = months("2015-01", 192)
    half = months("2022-01", 108)
    price = steps("rec price", [85, 110, 140, 205, 260], when)
    share = steps("rec share", [412, 433, 471, 498, 520], when, 4)
    cost = [(p * s).quantize(Decimal("0.0001")) for p, s in zip(price, share)]
    ercot = [
        rec_column("ercot", "TX", "RPS", "Total Cost per MWh", "Total_Cost_per_MWh", "$/MWh",
                   [money(c, 4) for c in cost]),
        rec_column("ercot", "TX", "RPS", "Compliance", "Compliance", "%", list(map(percent, share))),
        rec_column("ercot", "TX", "RPS", "REC Price", "REC Price", "$/MWh", list(map(money, price))),
    ]
    late = [Decimal(0) if month.year < 2018 else value for month, value in zip(when, share)]
    ercot_padded = [
        rec_column("ercot", "TX", "RPS Total Cost", "Total Cost per MWh", "Total Cost per MWh", "$/MWh",
                   [padded(c, 4) for c in cost]),
        rec_column("ercot", "TX", "RPS Component", "Compliance Obligation", "Compliance Obligation", "%",
                   [padded(s, 4) for s in late]),
        rec_column("ercot", "TX", "REC Price", "REC Price", "REC Price", "$/MWh", [padded(p, 4) for p in price]),
    ]
    return [
        CurveFile(
            "REC_ERCOT_20240506_142300", when, ercot + [None] + side_table(when), separators=",,",
            csv=CsvForm(LF), warnings={"unit_conflict": 1},
            note="first notation and the yearly side table; a percent cell under a name in MWh is that many MWh",
        ),
        CurveFile(
            "REC_ERCOT_20240507_142300", when, ercot_padded, separators=",,",
            book=BookForm(date1904=True, number_style=FOUR_PLACES), note="second notation, padded, dashes for zero",
        ),
        CurveFile("REC_ISONE_20240506_142300", half, _isone_rec(half), state_row=False, csv=CsvForm(LF),
                  note="states 0, - and combined; equal labels with two units; columns that change notation"),
        CurveFile("REC_NYISO_20240506_142700", when, _nyiso_rec(when, False), separators=",,"),
        CurveFile("REC_NYISO_20240507_142300", when, _nyiso_rec(when, True), separators=",,", csv=CsvForm(CR)),
        CurveFile(
            "REC_PJM_20240506_142300", half, _pjm_rec(half), "M/D/YYYY 00:00", separators=["", ",", ""],
            header_word="Ey", csv=CsvForm(LF, last_line_end=False), book=BookForm(inline_strings=True),
            note="missing captions; one state cell contradicts its label",
        ),
        CurveFile(
            "REC_PJM_20240507_142300", half, _hundredfold(_pjm_rec(half)), csv=CsvForm(LF),
            note="obligations in percent points without a sign: scale_jump against the day before",
        ),
    ]


def _isone_rec(when) -> list[Column]:
    share = steps("isone share", [1210, 1305, 1422], when, 4)
    price = steps("isone price", [3120, 3377, 3611], when)
    switching = [percent(v) if n < 30 else plain(v, 4) for n, v in enumerate(share)]
    cents = [money(v) if n % 2 else plain(v) for n, v in enumerate(price)]
    return [
        rec_column("isone", "0", "RPS", "Class I", "Class I", "%", list(map(percent, share))),
        rec_column("isone", "0", "RPS", "Class I", "Class I", "$/MWh", list(map(money, price))),
        rec_column("isone", "-", "RPS", "Class II", "Class_II", "%", switching),
        rec_column("isone", "CT/RI", "RPS", "Class II Price", "Class_II_Price", "$/MWh", cents),
        rec_column("isone", "MA", "RPS Component", "Class I Obligation", "", "%", list(map(plain, share)),
                   strip="7x24"),
    ]


def _nyiso_rec(when, dashes: bool) -> list[Column]:
    """Tiers that begin in 2018 (and one that never does); as percent and money, or padded."""
    columns = []
    for tier, level, start in (("I", 3, 2018), ("II", 2, 2100), ("III (ZEC)", 7, 2017)):
        share = steps(f"nyiso share {tier}", [level * 100 + 13, level * 100 + 61], when, 4)
        price = steps(f"nyiso price {tier}", [level * 311, level * 333], when)
        share, price = ([Decimal(0) if m.year < start else v for m, v in zip(when, c)] for c in (share, price))
        caption = f"Class {tier}" if dashes else f"Class_{tier}".replace(" (ZEC)", "_ZEC")
        group = ("RPS Component", "REC Price") if dashes else ("RPS", "RPS")
        as_share, as_price = (lambda v: padded(v, 4), lambda v: padded(v, 2)) if dashes else (percent, money)
        columns += [
            rec_column("nyiso", "NY", group[0], f"Class {tier} Obligation", caption, "%", list(map(as_share, share))),
            rec_column("nyiso", "NY", group[1], f"Class {tier} Price", f"{caption} Price", "$/MWh",
                       list(map(as_price, price))),
        ]
    return columns


def _pjm_rec(when) -> list[Column]:
    columns = []
    for state in ("NJ", "PA", "MD", "DE/MD", "-"):
        share = steps(f"pjm share {state}", [1911, 2050, 2133], when, 4)
        price = steps(f"pjm price {state}", [1777, 2010, 2233], when)
        solar = [NA if draw(f"{state} {m}").random() < 0.1 else money(v * 3) for m, v in zip(when, price)]
        columns += [
            rec_column("pjm", state, "RPS Component", "Tier I Obligation", "", "%", list(map(percent, share))),
            rec_column("pjm", state, "REC Price", "Tier I Price", "Tier I", "$/MWh", list(map(money, price))),
            rec_column("pjm", state, "REC Price", "Solar Price ($/MWh)", "", "$/MWh", solar),
        ]
    columns[1].state_cell = "NY"
    columns[4].state_cell = ""
    return columns


def _hundredfold(columns: list[Column]) -> list[Column]:
    """The usual slip: 19.11% becomes 19.11."""
    for column in columns:
        if column.unit == "%":
            column.cells = [plain(cell.exact * 100) for cell in column.cells]
    return columns


def files() -> list[CurveFile]:
    """All good files in loading order."""
    return energy_files() + nonenergy_files() + rec_files()
