"""Sections 7.3 to 7.6: what the layouts of ptc, matrix, the hourly families and lineloss add.

| base | label rows | header | data | value columns |
| --- | --- | --- | --- | --- |
| PTC | 1-2 IDs, 3-10 common, 11-12 | 14 | 15-26, months | B-E |
| MATRIX | 1-2 IDs, 3 beginning, 4-11 common, 12 profile, 13 term | none | 15-25, components | B-E |
| LOADPROFILE | 1 lookup, 2-9 common, 10 customer type | 12 | 13-60, two months | C-E |
| SHAPING | 1 lookup, 2-9 common | 11 | 12-35 and 36-60, 2 and 3 November 2024 | C-E |
| VLR | 1 lookup, 2-9 common | 11 | 12-59, two month numbers | C-D |
| LINELOSS | none | 1 | 2-6, series | I |
"""
from collections.abc import Iterable

from ..dates import months
from .base import LINELOSS, LOADPROFILE, MATRIX, PTC, SHAPING, VLR, base_grid
from .case import PLACE, ROW_ONLY, SHEET, Case, error_cell, swap


def _named(base: str, what: str, code: str, *places, form: str = "csv", **more) -> Case:
    """A case whose file is called after its family."""
    return Case(f"{base.split('_')[0].lower()}_{what}.{form}", code, *places, base=base, **more)


def _filled(column: str, rows: Iterable[int], words: str = "") -> dict[str, str]:
    return {f"{column}{row}": words for row in rows}


def _copied(base: str, source: str, target: str, rows: Iterable[int]) -> dict[str, str]:
    """The cells of one column written into another."""
    grid = base_grid(base)
    return {f"{target}{row}": grid[row - 1][ord(source) - ord("A")].text for row in rows}


def _number(ref: str, digits: str) -> dict:
    """A typed number in a workbook."""
    return {SHEET: lambda xml: swap(xml, ref, f'<c r="{ref}"><v>{digits}</v></c>')}


# Label rows that one family demands, and two common ones; (base, record number, word of the file name).
_REQUIRED = (
    (PTC, 1, "matching_id"), (PTC, 2, "lookup"), (PTC, 11, "utility_name"), (PTC, 12, "rate_class"),
    (MATRIX, 1, "matching_id"), (MATRIX, 2, "lookup"), (MATRIX, 3, "beginning"), (MATRIX, 12, "load_profile"),
    (MATRIX, 13, "term"), (LOADPROFILE, 10, "customer_type"), (SHAPING, 7, "block_type"), (VLR, 3, "state"),
)
# Cells of labels, the first of which is the first finding.
_BLANK = (
    (PTC, "C2", "E11", "D12"), (MATRIX, "C2", "B3", "D12", "E13"), (LOADPROFILE, "D4", "C10"), (SHAPING, "E9"),
    (VLR, "D8"), (LINELOSS, "C3", "H3"),
)
_AREA = ((PTC, "D3"), (MATRIX, "B4"), (LOADPROFILE, "E2"), (SHAPING, "C2"), (VLR, "D2"), (LINELOSS, "A3"))
_STRIP = ((PTC, "C8"), (MATRIX, "E9"), (LOADPROFILE, "C7"), (SHAPING, "D7"), (VLR, "C7"), (LINELOSS, "F4"))
_VALUE = ((PTC, "C18"), (LOADPROFILE, "E30"), (SHAPING, "D44"), (VLR, "C20"), (LINELOSS, "I3"))
_SHORT = ((PTC, 16, 4), (MATRIX, 17, 4), (LOADPROFILE, 20, 4), (VLR, 12, 3), (LINELOSS, 4, 8))

CASES: list[Case] = [
    *(_named(base, f"without_{word}", "label_missing", drop=(row,), open=PLACE) for base, row, word in _REQUIRED),
    *(
        _named(base, "label_blank", "label_blank", cells[0], edits=dict.fromkeys(cells, ""),
               by_code={"label_blank": len(cells)})
        for base, *cells in _BLANK
    ),
    *(_named(base, "area", "area_mismatch", cell, edits={cell: "CAISO"}) for base, cell in _AREA),
    *(_named(base, "strip", "unknown_strip", cell, edits={cell: "7x25"}) for base, cell in _STRIP),
    *(_named(base, "value", "not_a_number", cell, edits={cell: "tbd"}) for base, cell in _VALUE),
    *(_named(base, "short_row", "ragged_row", row=row, cut={row: kept}, open=ROW_ONLY) for base, row, kept in _SHORT),
    # ptc
    _named(PTC, "no_header", "header_not_found", drop=(14,), open=PLACE,
           note="no row above the first date but label rows and blanks"),
    _named(PTC, "total_above", "bad_date", "A15", insert={15: ["Average", "0.1", "0.1", "0.1", "0.1"]},
           note="the nearest row above the first date holds numbers"),
    _named(PTC, "first_date_impossible", "bad_date", "A15", edits={"A15": "1/32/2024"},
           note="the first date is then in row 16, and row 15 above it holds numbers"),
    _named(PTC, "date_blank", "bad_date", "A17", edits={"A17": ""}),
    _named(PTC, "footer", "bad_date", "A28", edits={"A28": "Source: tariff sheets"}),
    _named(PTC, "mid_month", "not_first_of_month", "A20", edits={"A20": "6/15/2024"}),
    _named(PTC, "month_twice", "duplicate_month", "A16", edits={"A18": "2/1/2024"}, more={"rows": [16, 18]},
           open=ROW_ONLY, note="see month_twice.csv"),
    _named(PTC, "formats_mixed", "mixed_date_formats", "A19", edits={"A19": "May-24"}),
    _named(PTC, "day_first", "date_order", open=PLACE,
           edits={f"A{15 + n}": f"{day.day}/{day.month}/{day.year}" for n, day in enumerate(months("2024-01", 12))}),
    _named(PTC, "duplicate_series", "duplicate_series", edits=_copied(PTC, "C", "D", range(1, 13)), open=PLACE,
           more={"columns": [3, 4]}),
    _named(PTC, "column_unlabelled", "column_unlabelled", column=4, edits=_filled("D", range(1, 13)),
           open=("row", "cell")),
    _named(PTC, "column_empty", "column_empty", column=3, edits=_filled("C", range(15, 27)), open=("row", "cell")),
    _named(PTC, "value_error", "not_a_number", "B21", form="xlsx", patches={SHEET: error_cell("B21", "#REF!")}),
    # matrix
    _named(MATRIX, "term_zero", "bad_term", "C13", edits={"C13": "0"}),
    _named(MATRIX, "terms", "bad_term", "B13", by_code={"bad_term": 4},
           edits={"B13": "121", "C13": "12.5", "D13": "one year", "E13": "-12"}),
    _named(MATRIX, "term", "bad_term", "D13", form="xlsx", patches=_number("D13", "24.5")),
    _named(MATRIX, "beginning_impossible", "bad_date", "C3", edits={"C3": "2/30/2024"}),
    _named(MATRIX, "beginning_words", "bad_date", "D3", edits={"D3": "immediately"}),
    _named(MATRIX, "beginning_formats", "mixed_date_formats", row=3, edits={"D3": "2024-06-01"}, open=ROW_ONLY),
    _named(MATRIX, "component_twice", "duplicate_series", edits={"A18": "Line Losses"}, open=PLACE,
           more={"rows": [16, 18]}),
    _named(MATRIX, "offer_twice", "duplicate_series", edits=_copied(MATRIX, "C", "D", range(1, 14)), open=PLACE,
           more={"columns": [3, 4]}),
    _named(MATRIX, "words_below", "not_a_number", "B17", insert={17: ["Adjustments", "low", "low", "high", "low"]},
           by_code={"not_a_number": 4}, note="a row of words is ignored only directly below the last label row"),
    _named(MATRIX, "words_below_numbers", "not_a_number", "D15", edits={"D15": "on request"},
           note="a number beside the word: the row is a component"),
    _named(MATRIX, "no_components", "no_data", drop=tuple(range(15, 26)), open=PLACE),
    _named(MATRIX, "column_unlabelled", "column_unlabelled", column=3, edits=_filled("C", range(1, 14)),
           open=("row", "cell")),
    _named(MATRIX, "column_empty", "column_empty", column=4, edits=_filled("D", range(15, 26)), open=("row", "cell"),
           form="xlsx"),
    _named(MATRIX, "value_error", "not_a_number", "E22", form="xlsx", patches={SHEET: error_cell("E22", "#DIV/0!")}),
    _named(MATRIX, "value_infinite", "not_finite", "C16", edits={"C16": "inf"}),
    _named(MATRIX, "value_huge", "out_of_range", "B25", edits={"B25": "1E12"}),
    # loadprofile, shaping, vlr
    _named(LOADPROFILE, "hour_0", "bad_hour", "B13", edits={"B13": "0"}),
    _named(LOADPROFILE, "hour_26", "bad_hour", "B60", edits={"B60": "26"}),
    _named(LOADPROFILE, "hour_25", "bad_hour", "B36", edits={"B36": "25"}, note="25 only below Date"),
    _named(LOADPROFILE, "hours", "bad_hour", "B14", edits={"B14": "2.5", "B20": "8:00", "B31": "", "B40": "-4"},
           by_code={"bad_hour": 4}),
    _named(LOADPROFILE, "hour", "bad_hour", "B17", form="xlsx", patches=_number("B17", "4.5")),
    _named(SHAPING, "hour_25", "bad_hour", "B35", edits={"B35": "25"}, note="the day before the clocks go back"),
    Case("shaping_hour_25_miso.csv", "bad_hour", "B60", base=SHAPING.replace("PJM", "MISO"),
         note="miso has no clock change"),
    _named(SHAPING, "hour", "bad_hour", "B60", form="xlsx", patches=_number("B60", "26")),
    _named(VLR, "hour_25", "bad_hour", "B35", edits={"B35": "25"}),
    _named(LOADPROFILE, "hour_twice", "duplicate_hour", edits={"B20": "7"}, open=PLACE, more={"rows": [19, 20]}),
    _named(SHAPING, "hour_twice", "duplicate_hour", edits={"B60": "2"}, open=PLACE, more={"rows": [37, 60]},
           note="the second hour of the long day is 25"),
    _named(VLR, "hour_twice", "duplicate_hour", edits={"A36": "1"}, open=PLACE, more={"rows": [12, 36]}),
    _named(VLR, "month_13", "bad_month", "A59", edits={"A59": "13"}),
    _named(VLR, "months", "bad_month", "A12", edits={"A12": "Jan", "A20": "0", "A30": "1.5", "A40": "2/1/2024"},
           by_code={"bad_month": 4}),
    _named(VLR, "month", "bad_month", "A36", form="xlsx", patches=_number("A36", "13")),
    _named(LOADPROFILE, "mid_month", "not_first_of_month", "A20", edits={"A20": "5/2/2024"},
           note="any day is permitted below Date only"),
    _named(LOADPROFILE, "date_blank", "bad_date", "A40", edits={"A40": ""}),
    _named(SHAPING, "date_impossible", "bad_date", "A30", edits={"A30": "11/31/2024"}),
    _named(SHAPING, "day_first", "date_order", "A12", edits=_filled("A", range(12, 36), "13/11/2024"), open=PLACE),
    _named(SHAPING, "formats_mixed", "mixed_date_formats", "A36",
           edits=_filled("A", range(36, 61), "2024-11-03"), note="the first deviating row"),
    _named(LOADPROFILE, "header_ey", "header_not_found", edits={"A12": "EY"}, open=PLACE),
    _named(SHAPING, "header_hour", "header_not_found", edits={"B11": "Hour"}, open=PLACE),
    _named(SHAPING, "zone_row", "header_not_found", insert={11: ["Zone", "", "A", "A", "A"]}, open=PLACE),
    _named(VLR, "header_ey", "header_not_found", edits={"A11": "EY"}, open=PLACE),
    _named(VLR, "header_only", "no_data", drop=tuple(range(12, 60)), open=PLACE),
    _named(LOADPROFILE, "column_unlabelled", "column_unlabelled", column=5, edits=_filled("E", range(1, 11)),
           open=("row", "cell")),
    _named(SHAPING, "column_empty", "column_empty", column=4, edits=_filled("D", range(12, 61)), open=("row", "cell")),
    _named(LOADPROFILE, "duplicate_series", "duplicate_series", edits={"D10": "RES"}, open=PLACE,
           more={"columns": [3, 4]}),
    _named(SHAPING, "duplicate_series", "duplicate_series", edits={"D7": "7X24", "D11": "Another caption"},
           open=PLACE, more={"columns": [3, 4]}, note="the caption is no part of the key"),
    _named(SHAPING, "value_error", "not_a_number", "E40", form="xlsx", patches={SHEET: error_cell("E40", "#VALUE!")}),
    # lineloss
    _named(LINELOSS, "without_factor", "label_missing", edits={"I1": "Loss"}, open=PLACE),
    _named(LINELOSS, "without_utility", "label_missing", edits={"E1": "Company"}, open=PLACE),
    _named(LINELOSS, "label_twice", "label_duplicate", row=1, edits={f"J{row}": "State" for row in range(1, 7)},
           open=ROW_ONLY),
    _named(LINELOSS, "row_twice", "duplicate_series", edits={"H3": "Secondary"}, open=PLACE, more={"rows": [2, 3]}),
    _named(LINELOSS, "header_only", "no_data", drop=tuple(range(2, 7)), open=PLACE),
    _named(LINELOSS, "long_row", "ragged_row", row=5, edits={"J5": "7.1"}, open=ROW_ONLY),
    _named(LINELOSS, "label_na", "label_blank", "E5", edits={"E5": "N/A"}),
    _named(LINELOSS, "label_too_long", "label_too_long", "D6", edits={"D6": "x" * 256}),
    _named(LINELOSS, "value_infinite", "not_finite", "I4", edits={"I4": "-inf"}),
    _named(LINELOSS, "value_huge", "out_of_range", "I5", edits={"I5": "1E12"}),
    _named(LINELOSS, "value_error", "not_a_number", "I6", form="xlsx", patches={SHEET: error_cell("I6", "#NUM!")}),
    # versions
    Case("matrix_conflict.csv", "version_conflict", base="Matrix_ISONE_20240603_073000",
         setup=("good/Matrix_ISONE_20240603_073000.csv",)),
    Case("ptc_older.csv", "newer_version_exists", base="PTC_ISONE_20240603_120000",
         setup=("good/PTC_ISONE_20240603_151500.csv",)),
    Case("lineloss_older.xlsx", "newer_version_exists", base="LineLoss_PJM_20240604_050000",
         setup=("good/LineLoss_PJM_20240604_060000.csv",)),
]
