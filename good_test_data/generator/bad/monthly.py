"""Section 11 on the monthly layouts, and the codes of section 9.3 in their order.

The base grids have the rows 1 lookup, 2-9 labels, 10 separator, 11 state (rec only), header, data.
"""
from datetime import date
from typing import Callable

from ..archive import pack
from ..dates import months
from ..grid import CsvForm, csv_bytes
from ..workbook import DATE_US, serial, workbook
from .base import ENERGY, NONENERGY, REC, base_grid
from .case import PLACE, ROW_ONLY, SHEET, Case, error_cell, swap

_JULY = serial(date(2024, 7, 1), date1904=False)


def _dates(form: Callable[[date], str], first: int = 12) -> dict[str, str]:
    return {f"A{first + n}": form(day) for n, day in enumerate(months("2024-01", 12))}


# -- section 11, and the codes of section 9.3 in their order ------------------------------------

CASES: list[Case] = [
    # no table at all
    Case("empty.csv", "no_data", raw=lambda _: b""),
    Case("header_only.csv", "no_data", drop=tuple(range(12, 24)), open=PLACE),
    Case("header_only.xlsx", "no_data", drop=tuple(range(12, 24)), open=PLACE),
    Case("page.csv", "not_csv", raw=lambda _: b"\r\n <!DOCTYPE html><html><body>Sign in</body></html>\r\n"),
    Case("object.csv", "not_csv", raw=lambda _: b'{"error":"not found"}\n'),
    Case("array.csv", "not_csv", raw=lambda _: b'[["Month","ZONE A"],["1/1/2024",1]]\n'),
    Case("workbook.csv", "not_csv", raw=lambda _: workbook(base_grid(NONENERGY))),
    Case("pdf.csv", "not_csv", raw=lambda _: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"),
    Case("ole.csv", "not_csv", raw=lambda _: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504)),
    Case("damaged.xlsx", "not_xlsx", raw=lambda made: made[: len(made) // 2]),
    Case("encrypted.xlsx", "not_xlsx", raw=lambda _: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504),
         note="an encrypted workbook is an OLE file"),
    Case("other_zip.xlsx", "not_xlsx", raw=lambda _: pack([("readme.txt", b"no workbook here\n")])),
    Case("text.xlsx", "not_xlsx", raw=lambda _: csv_bytes(base_grid(NONENERGY))),
    # encoding, delimiter, quotes, ragged rows
    Case("utf16le_bom.csv", "bad_encoding", raw=lambda made: b"\xff\xfe" + made.decode().encode("utf-16-le"),
         more={"offset": 0}, note="offset of the byte order mark"),
    Case("utf16be_bom.csv", "bad_encoding", raw=lambda made: b"\xfe\xff" + made.decode().encode("utf-16-be"),
         more={"offset": 0}, note="offset of the byte order mark"),
    Case("utf16le.csv", "bad_encoding", raw=lambda made: made.decode().encode("utf-16-le"),
         more={"offset": 1}, note="offset of the first NUL"),
    Case("utf32.csv", "bad_encoding", raw=lambda made: b"\xff\xfe\0\0" + made.decode().encode("utf-32-le"),
         more={"offset": 0}, note="offset of the byte order mark"),
    Case("nul.csv", "bad_encoding", raw=lambda made: made[:700] + b"\0" + made[700:], more={"offset": 700}),
    Case("undefined_1252.csv", "bad_encoding", raw=lambda made: made[:333] + b"\x81" + made[333:],
         more={"offset": 333}),
    Case("semicolon.csv", "wrong_delimiter", csv=CsvForm(delimiter=";")),
    Case("tab.csv", "wrong_delimiter", csv=CsvForm(delimiter="\t")),
    Case("pipe.csv", "wrong_delimiter", csv=CsvForm(delimiter="|")),
    Case("open_quote.csv", "bad_quote", row=14, raw=lambda made: made.replace(b"\r\n3/1/2024,", b'\r\n3/1/2024,"'),
         open=ROW_ONLY),
    Case("short_row.csv", "ragged_row", row=15, cut={15: 4}, open=ROW_ONLY),
    Case("short_label_row.csv", "ragged_row", row=6, cut={6: 3}, open=ROW_ONLY),
    Case("short_header.csv", "ragged_row", row=11, cut={11: 4}, open=PLACE,
         note="label and data rows are then wider than the header, too"),
    Case("long_row.csv", "ragged_row", row=16, edits={"F16": "7.1"}, open=ROW_ONLY),
    Case("grid_before_labels.csv", "ragged_row", row=20, cut={20: 2}, edits={"C5": "", "B12": "x"},
         by_code={"ragged_row": 1}, open=ROW_ONLY, note="grid errors stop the later stages"),
    # labels
    Case("label_missing.csv", "label_missing", drop=(6,), open=PLACE),
    Case("label_renamed.csv", "label_missing", edits={"A7": "Strip"}, open=PLACE,
         note="the unknown word Strip is named in the message; its row is a warning"),
    Case("label_missing.xlsx", "label_missing", drop=(9,), base=ENERGY, open=PLACE),
    Case("label_twice.csv", "label_duplicate", "A4", insert={4: ["State", "TX", "TX", "TX", "TX"]}, open=ROW_ONLY,
         note="the second of the two rows"),
    Case("label_blank.csv", "label_blank", "D5", edits={"D5": "", "E6": "   "}, by_code={"label_blank": 2}),
    Case("label_na.csv", "label_blank", "C8", edits={"C8": "NA"}),
    Case("label_error.csv", "label_blank", "B4", edits={"B4": "#REF!"}),
    Case("label_na.xlsx", "label_blank", "D9", patches={SHEET: error_cell("D9", "#N/A")}),
    Case("label_blank_rec.csv", "label_blank", "C9", base=REC, edits={"C9": ""}),
    Case("label_too_long.csv", "label_too_long", "D9", edits={"D9": "x" * 256}),
    Case("label_bell.csv", "label_invalid", "C6", edits={"C6": "AL\x07L"}),
    Case("label_line_break.csv", "label_invalid", "E9", edits={"E9": "NS\nRS"}),
    Case("strip_7x25.csv", "unknown_strip", "C7", edits={"C7": "7x25"}),
    Case("strip_longer.csv", "unknown_strip", "B7", edits={"B7": "7x24 peak", "E7": "5x8"},
         by_code={"unknown_strip": 2}),
    Case("strip_energy.xlsx", "unknown_strip", "E7", base=ENERGY, edits={"E7": "5X17"}),
    Case("area_of_another.csv", "area_mismatch", "B2", edits={f"{c}2": "PJM" for c in "BCDE"},
         by_code={"area_mismatch": 4}, note="one finding per cell"),
    Case("several_areas.csv", "area_mismatch", "D2", edits={"D2": "PJM"}),
    Case("several_areas.xlsx", "area_mismatch", "C2", base=REC, edits={"C2": "ISONE"}),
    # header and columns
    Case("header_word.csv", "header_not_found", row=11, edits={"A11": "Period"}, open=PLACE),
    Case("zone_row.csv", "header_not_found", row=11, insert={11: ["Zone", "A", "A", "B", "B"]},
         open=PLACE),
    Case("no_header.csv", "header_not_found", row=11, drop=(11,), open=PLACE),
    Case("column_unlabelled.csv", "column_unlabelled", column=4, edits={f"D{row}": "" for row in range(1, 10)},
         open=("row", "cell")),
    Case("column_empty.csv", "column_empty", column=3, edits={f"C{row}": "" for row in range(12, 24)},
         open=("row", "cell"), note="the caption alone is no value"),
    Case("column_empty.xlsx", "column_empty", column=4, edits={f"D{row}": "" for row in range(12, 24)},
         open=("row", "cell")),
    Case("duplicate_series.csv", "duplicate_series", edits={"D9": "Reg Up", "D11": "Reg Up"},
         open=PLACE, more={"columns": [2, 4]},
         note="the message names both columns; lookup texts differ and do not matter"),
    Case("duplicate_series_rec.csv", "duplicate_series", base=REC,
         edits={"D7": "7x24", "D9": "Class I Price", "D12": "Class I Price"},
         open=PLACE, more={"columns": [3, 4]}),
    Case("labels_before_values.csv", "label_blank", "E3", edits={"E3": "", "B12": "abc", "A13": "1/1/2024"},
         by_code={"label_blank": 1}, note="label errors stop the later stages"),
    # dates
    Case("date_blank.csv", "bad_date", "A15", edits={"A15": ""}),
    Case("total_row.csv", "bad_date", "A24", edits={"A24": "Total", "B24": "1", "C24": "2", "D24": "3", "E24": "4"}),
    Case("footer.csv", "bad_date", "A25", edits={"A25": "Indicative levels only, no offer."}),
    Case("footer.xlsx", "bad_date", "A25", edits={"A25": "Indicative levels only, no offer."}),
    Case("date_serial.csv", "bad_date", "A12", edits={f"A{12 + n}": str(45292 + 31 * n) for n in range(12)},
         by_code={"bad_date": 12}),
    Case("date_1989.csv", "bad_date", "A12", edits={"A12": "12/1/1989"}),
    Case("date_2101.csv", "bad_date", "A23", edits={"A23": "1/1/2101"}),
    Case("date_impossible.csv", "bad_date", "A13", edits={"A13": "2/30/2024"}),
    Case("date_words.csv", "bad_date", "A14", edits={"A14": "March 2024"}),
    Case("day_first.csv", "date_order", edits=_dates(lambda d: f"{d.day}/{d.month}/{d.year}"), open=PLACE,
         note="firsts of months written D/M: every first number is 1"),
    Case("month_13.csv", "date_order", "A14", edits={"A14": "13/1/2024"}),
    Case("formats_mixed.csv", "mixed_date_formats", "A15", edits={"A15": "2024-04-01"}),
    Case("formats_mixed_rec.csv", "mixed_date_formats", "A17", base=REC, edits={"A17": "May-24", "A18": "Jun-24"},
         note="the first deviating row; May and June deviate"),
    Case("mid_month.csv", "not_first_of_month", "A17", edits={"A17": "6/15/2024"}),
    Case("month_twice.csv", "duplicate_month", "A13", edits={"A16": "2/1/2024"}, more={"rows": [13, 16]},
         open=ROW_ONLY, note="both rows are named; read here as one finding per row, the first at row 13"),
    Case("month_twice.xlsx", "duplicate_month", "A14", base=ENERGY, more={"rows": [14, 15]}, open=ROW_ONLY,
         patches={SHEET: lambda xml: swap(xml, "A15", f'<c r="A15" s="{DATE_US}"><v>{_JULY}</v></c>')},
         note="see month_twice.csv; August has become a second July"),
    # values
    Case("value_words.csv", "not_a_number", "C14", edits={"C14": "n.a. yet", "B20": "tbd"},
         by_code={"not_a_number": 2}),
    Case("value_errors.csv", "not_a_number", "B12", by_code={"not_a_number": 8}, edits=dict(zip(
        ("B12", "C12", "D13", "E13", "B14", "C15", "D16", "E23"),
        ("#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "####"),
    ))),
    Case("value_forms.csv", "not_a_number", "D12", by_code={"not_a_number": 9}, edits=dict(zip(
        ("D12", "B13", "C13", "B15", "C16", "D17", "E18", "B19", "E22"),
        ("1 234", "€5", "1,23", "12,34.5", "(-1)", "1.2.3", "5 USD", "--1", "1.5.%"),
    ))),
    Case("value_error.xlsx", "not_a_number", "C13", patches={SHEET: error_cell("C13", "#DIV/0!")}),
    Case("value_uncached.xlsx", "not_a_number", "D14",
         patches={SHEET: lambda xml: swap(xml, "D14", '<c r="D14"><f>B14*2</f></c>')}),
    Case("value_boolean.xlsx", "not_a_number", "B15",
         patches={SHEET: lambda xml: swap(xml, "B15", '<c r="B15" t="b"><v>1</v></c>')},
         note="a truth value is no number"),
    Case("value_infinite.csv", "not_finite", "E12", edits={"E12": "inf", "B18": "-Infinity"},
         by_code={"not_finite": 2}),
    Case("value_huge.csv", "out_of_range", "B13", by_code={"out_of_range": 4},
         edits={"B13": "1000000000000", "C13": "1E999", "D14": "-1e12", "E15": "$1,000,000,000,000.00"}),
    Case("value_huge.xlsx", "out_of_range", "B13",
         patches={SHEET: lambda xml: swap(xml, "B13", '<c r="B13"><v>1E12</v></c>')}),
    Case("values_in_order.csv", "not_a_number", "D13",
         edits={"D13": "x", "E13": "inf", "A20": "9/2/2024", "B21": "1E13"},
         by_code={"not_a_number": 1, "not_finite": 1, "not_first_of_month": 1, "out_of_range": 1},
         note="one stage: by row, then by column"),
    # versions
    Case("conflict.csv", "version_conflict", base="Energy_ERCOT_20240603_080000",
         setup=("good/Energy_ERCOT_20240603_080000.csv",)),
    Case("older.csv", "newer_version_exists", base="Energy_ERCOT_20240603_090000",
         setup=("good/Energy_ERCOT_20240603_101500.csv",)),
    Case("older.xlsx", "newer_version_exists", base="NonEnergy_MISO_20240430_090000",
         setup=("good/NonEnergy_MISO_20240430_101010.csv",)),
    Case("after_cob.csv", "day_closed_by_cob", base="Energy_ERCOT_20240603_170000",
         setup=("good/Energy_ERCOT_20240603_163000_cob.csv",)),
    Case("before_cob.csv", "day_closed_by_cob", base="Energy_ERCOT_20240603_070000",
         setup=("good/Energy_ERCOT_20240603_163000_cob.csv",), note="row 3 stands above row 4 of section 8"),
    Case("second_cob.csv", "day_closed_by_cob", base="Energy_ERCOT_20240603_180000_cob",
         setup=("good/Energy_ERCOT_20240603_163000_cob.csv",)),
    Case("conflict_with_error.csv", "not_a_number", "B12", base="Energy_ERCOT_20240603_080000", edits={"B12": "x"},
         setup=("good/Energy_ERCOT_20240603_080000.csv",), by_code={"not_a_number": 1, "version_conflict": 1},
         note="422 wins; the conflict is added to the findings"),
]
