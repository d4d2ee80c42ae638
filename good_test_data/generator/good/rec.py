"""Rec: both notations, the side table, state rows."""
from decimal import Decimal
from typing import Optional

from ..cells import EMPTY, NA, Cell, money, padded, percent, plain
from ..curve import Column, CurveFile
from ..dates import months
from ..grid import CsvForm
from ..prices import draw, steps
from ..workbook import FOUR_PLACES, BookForm
from .shared import CR, LF


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


def files() -> list[CurveFile]:
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
