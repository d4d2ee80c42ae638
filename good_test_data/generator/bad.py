"""The files that must be refused: each a small good grid with one thing wrong, and the first finding.

`CASES` and the tables below it are the content of bad/expected.json. The base grids have the rows
1 lookup, 2-9 labels, 10 separator, 11 state (rec only), header, data.
"""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Callable, Optional

from .archive import pack
from .cells import EMPTY, Cell, money, percent
from .curve import CurveFile
from .dates import months
from .good import Part, energy_columns, part_column, rec_column
from .grid import CsvForm, Grid, csv_bytes
from .prices import steps
from .workbook import DATE_US, BookForm, serial, workbook

ENERGY, NONENERGY, REC = (
    "Energy_ERCOT_20240510_101010", "NonEnergy_ERCOT_20240510_101010", "REC_NYISO_20240510_101010",
)
STATUS = {
    400: "bad_filename legacy_format unsupported_area cob_not_applicable nested_archive duplicate_entry",
    409: "version_conflict day_closed_by_cob newer_version_exists",
    413: "too_large too_many_cells archive_limit",
    415: "not_csv not_xlsx bad_archive bad_encoding wrong_delimiter",
}


def status(code: str) -> int:
    """HTTP status of an error code (section 9.3); 422 is the rest."""
    return next((number for number, codes in STATUS.items() if code in codes.split()), 422)


@dataclass(frozen=True)
class Case:
    """One refused upload.

    `cell`, or a bare `row`, places the first finding; `open` names members that the specification
    leaves to the implementation. `edits`, `drop` and `insert` change the base grid, all in its
    original coordinates.
    """

    name: str
    code: str
    cell: Optional[str] = None
    row: Optional[int] = None
    column: Optional[int] = None
    base: str = NONENERGY
    upload_as: Optional[str] = None
    edits: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[int, ...] = ()
    insert: Mapping[int, Sequence[str]] = field(default_factory=dict)  # above this row
    cut: Mapping[int, int] = field(default_factory=dict)  # row: cells kept
    csv: CsvForm = CsvForm()
    raw: Optional[Callable[[bytes], bytes]] = None  # rewrites the finished bytes
    patches: Mapping[str, Callable[[str], str]] = field(default_factory=dict)  # parts of a workbook
    by_code: Mapping[str, int] = field(default_factory=dict)
    setup: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    more: Mapping[str, object] = field(default_factory=dict)
    note: Optional[str] = None

    def expectation(self) -> dict[str, object]:
        """The entry of expected.json."""
        column, row = (_split(self.cell) if self.cell else (self.column, self.row))
        entry = {
            "file": self.name,
            "upload_as": self.upload_as or f"{self.base}.{self.name.rsplit('.', 1)[1]}",
            "status": status(self.code),
            "code": self.code,
            "cell": self.cell,
            "row": row,
            "column": column,
        }
        optional = {
            "by_code": dict(self.by_code), "setup": list(self.setup), "open": list(self.open), "note": self.note,
            **self.more,
        }
        return {**entry, **{name: value for name, value in optional.items() if value not in (None, [], {})}}

    def content(self) -> bytes:
        """The bytes of the file."""
        grid = self._grid()
        if self.name.endswith(".xlsx"):
            made = workbook(grid, BookForm(), self.patches)
        else:
            made = csv_bytes(grid, self.csv)
        return self.raw(made) if self.raw else made

    def _grid(self) -> Grid:
        grid = [list(row) for row in base_grid(self.base)]
        for ref, words in self.edits.items():
            column, row = _split(ref)
            while len(grid) < row:
                grid.append([EMPTY] * len(grid[0]))
            grid[row - 1] += [EMPTY] * (column - len(grid[row - 1]))
            grid[row - 1][column - 1] = Cell(words) if words else EMPTY
        for row, kept in self.cut.items():
            del grid[row - 1][kept:]
        changed = []
        for number, row in enumerate(grid, 1):
            if number in self.insert:
                changed.append([Cell(words) if words else EMPTY for words in self.insert[number]])
            if number not in self.drop:
                changed.append(row)
        return changed


def _split(ref: str) -> tuple[int, int]:
    """`C14` as (3, 14); all columns here have one letter."""
    return ord(ref[0]) - ord("A") + 1, int(ref[1:])


def base_grid(stem: str) -> Grid:
    """The good grid that the cases of a family start from: four (rec: three) columns."""
    return base_file(stem).grid()


def base_file(stem: str) -> CurveFile:
    """A small correct file under any name of the three families."""
    family, iso = stem.lower().split("_")[:2]
    year = months("2024-01", 12)
    if family == "energy":
        when = months(f"{stem.split('_')[2][:4]}-{stem.split('_')[2][4:6]}", 61)
        return CurveFile(stem, when, energy_columns(iso, when)[:4])
    if family == "rec":
        share, price = steps("bad share", [511, 623], year, 4), steps("bad price", [811, 922], year)
        columns = [
            rec_column(iso, "NY", "RPS", "Class I", "Class I", "%", list(map(percent, share))),
            rec_column(iso, "NY", "RPS", "Class I Price", "Class I Price", "$/MWh", list(map(money, price))),
            rec_column(iso, "NY", "RPS", "Class II Price", "Class II Price", "$/MWh", list(map(money, price))),
        ]
        return CurveFile(stem, year, columns)
    parts = [Part("Ancillaries", name, "$/MWh", level) for name, level in _PARTS]
    return CurveFile(stem, year, [part_column(iso, part, year, state="TX") for part in parts])


_PARTS = (("Reg Up", 4411), ("Reg Down", 3522), ("RRS", 6133), ("NSRS", 2744))


def error_cell(ref: str, error: str) -> Callable[[str], str]:
    """Makes a cell of the sheet an error cell."""
    return lambda xml: _swap(xml, ref, f'<c r="{ref}" t="e"><v>{error}</v></c>')


def _swap(xml: str, ref: str, cell: str) -> str:
    start = xml.index(f'<c r="{ref}"')
    return xml[:start] + cell + xml[xml.index("</c>", start) + 4:]


_JULY = serial(date(2024, 7, 1), date1904=False)
SHEET = "xl/worksheets/sheet1.xml"


def _dates(form: Callable[[date], str], first: int = 12) -> dict[str, str]:
    return {f"A{first + n}": form(day) for n, day in enumerate(months("2024-01", 12))}


_ROW_ONLY = ("cell", "column")

# -- section 11, and the codes of section 9.3 in their order ------------------------------------

CASES: list[Case] = [
    # no table at all
    Case("empty.csv", "no_data", raw=lambda _: b""),
    Case("header_only.csv", "no_data", drop=tuple(range(12, 24)), open=("row", *_ROW_ONLY)),
    Case("header_only.xlsx", "no_data", drop=tuple(range(12, 24)), open=("row", *_ROW_ONLY)),
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
         open=_ROW_ONLY),
    Case("short_row.csv", "ragged_row", row=15, cut={15: 4}, open=_ROW_ONLY),
    Case("short_label_row.csv", "ragged_row", row=6, cut={6: 3}, open=_ROW_ONLY),
    Case("short_header.csv", "ragged_row", row=11, cut={11: 4}, open=("row", *_ROW_ONLY),
         note="label and data rows are then wider than the header, too"),
    Case("long_row.csv", "ragged_row", row=16, edits={"F16": "7.1"}, open=_ROW_ONLY),
    Case("grid_before_labels.csv", "ragged_row", row=20, cut={20: 2}, edits={"C5": "", "B12": "x"},
         by_code={"ragged_row": 1}, open=_ROW_ONLY, note="grid errors stop the later stages"),
    # labels
    Case("label_missing.csv", "label_missing", drop=(6,), open=("row", *_ROW_ONLY)),
    Case("label_renamed.csv", "label_missing", edits={"A7": "Strip"}, open=("row", *_ROW_ONLY),
         note="the unknown word Strip is named in the message; its row is a warning"),
    Case("label_missing.xlsx", "label_missing", drop=(9,), base=ENERGY, open=("row", *_ROW_ONLY)),
    Case("label_twice.csv", "label_duplicate", "A4", insert={4: ["State", "TX", "TX", "TX", "TX"]}, open=_ROW_ONLY,
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
    Case("header_word.csv", "header_not_found", row=11, edits={"A11": "Period"}, open=("row", *_ROW_ONLY)),
    Case("zone_row.csv", "header_not_found", row=11, insert={11: ["Zone", "A", "A", "B", "B"]},
         open=("row", *_ROW_ONLY)),
    Case("no_header.csv", "header_not_found", row=11, drop=(11,), open=("row", *_ROW_ONLY)),
    Case("column_unlabelled.csv", "column_unlabelled", column=4, edits={f"D{row}": "" for row in range(1, 10)},
         open=("row", "cell")),
    Case("column_empty.csv", "column_empty", column=3, edits={f"C{row}": "" for row in range(12, 24)},
         open=("row", "cell"), note="the caption alone is no value"),
    Case("column_empty.xlsx", "column_empty", column=4, edits={f"D{row}": "" for row in range(12, 24)},
         open=("row", "cell")),
    Case("duplicate_series.csv", "duplicate_series", edits={"D9": "Reg Up", "D11": "Reg Up"},
         open=("row", *_ROW_ONLY), more={"columns": [2, 4]},
         note="the message names both columns; lookup texts differ and do not matter"),
    Case("duplicate_series_rec.csv", "duplicate_series", base=REC,
         edits={"D7": "7x24", "D9": "Class I Price", "D12": "Class I Price"},
         open=("row", *_ROW_ONLY), more={"columns": [3, 4]}),
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
    Case("day_first.csv", "date_order", edits=_dates(lambda d: f"{d.day}/{d.month}/{d.year}"), open=("row", *_ROW_ONLY),
         note="firsts of months written D/M: every first number is 1"),
    Case("month_13.csv", "date_order", "A14", edits={"A14": "13/1/2024"}),
    Case("formats_mixed.csv", "mixed_date_formats", "A15", edits={"A15": "2024-04-01"}),
    Case("formats_mixed_rec.csv", "mixed_date_formats", "A17", base=REC, edits={"A17": "May-24", "A18": "Jun-24"},
         note="the first deviating row; May and June deviate"),
    Case("mid_month.csv", "not_first_of_month", "A17", edits={"A17": "6/15/2024"}),
    Case("month_twice.csv", "duplicate_month", "A13", edits={"A16": "2/1/2024"}, more={"rows": [13, 16]},
         open=_ROW_ONLY, note="both rows are named; read here as one finding per row, the first at row 13"),
    Case("month_twice.xlsx", "duplicate_month", "A14", base=ENERGY, more={"rows": [14, 15]}, open=_ROW_ONLY,
         patches={SHEET: lambda xml: _swap(xml, "A15", f'<c r="A15" s="{DATE_US}"><v>{_JULY}</v></c>')},
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
         patches={SHEET: lambda xml: _swap(xml, "D14", '<c r="D14"><f>B14*2</f></c>')}),
    Case("value_boolean.xlsx", "not_a_number", "B15",
         patches={SHEET: lambda xml: _swap(xml, "B15", '<c r="B15" t="b"><v>1</v></c>')},
         note="a truth value is no number"),
    Case("value_infinite.csv", "not_finite", "E12", edits={"E12": "inf", "B18": "-Infinity"},
         by_code={"not_finite": 2}),
    Case("value_huge.csv", "out_of_range", "B13", by_code={"out_of_range": 4},
         edits={"B13": "1000000000000", "C13": "1E999", "D14": "-1e12", "E15": "$1,000,000,000,000.00"}),
    Case("value_huge.xlsx", "out_of_range", "B13",
         patches={SHEET: lambda xml: _swap(xml, "B13", '<c r="B13"><v>1E12</v></c>')}),
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

# Names: (upload name, offending part). All carry the bytes of NAME_FILE, a correct curve.
NAME_FILE = "name.csv"
BAD_NAMES = (
    ("NonEnergy_ERCOT_20240510.csv", "time"),
    ("NonEnergy_ERCOT_20240510_1010.csv", "time"),
    ("NonEnergy_ERCOT_20240510_246060.csv", "time"),
    ("NonEnergy_ERCOT_240510_101010.csv", "date"),
    ("NonEnergy_ERCOT_20240230_101010.csv", "date"),
    ("NonEnergy_ERCOT_19990510_101010.csv", "date"),
    ("NonEnergy_ERCOT_20991231_101010.csv", "date"),
    (f"{NONENERGY}.txt", "extension"),
    (f"{NONENERGY}.xls", "extension"),
    (NONENERGY, "extension"),
    (f"{NONENERGY} (1).csv", "suffix"),
    (f"{NONENERGY}_final.csv", "suffix"),
    (f"{ENERGY}_cobalt.csv", "suffix"),
    (f"{ENERGY}_cob_v2.csv", "suffix"),
    ("Prices_ERCOT_20240510_101010.csv", "family"),
    (f" {NONENERGY}.csv", "family"),
    ("NonEnergy_12_20240510_101010.csv", "iso"),
    (f"../{NONENERGY}.csv", "path"),
    (f"curves/{NONENERGY}.csv", "path"),
    (f"C:\\curves\\{NONENERGY}.csv", "path"),
    (f"{NONENERGY}..csv", "path"),
    (f"{NONENERGY}\t.csv", "path"),
)
LEGACY_NAMES = (
    "ForwardCurve_ERCOT_20240510.csv", "AncillaryData_PJM_20240510_101010.csv",
    "AncillaryDataDetails_PJM_20240510_101010.csv", "Capacity_NYISO_20240510_101010.csv",
    "REC_ERCOT_7x24_20240510_101010.csv", "REC_PJM_7x25_20240510_101010.csv",
    "PJM_Capacity_20240510_101010.csv", "NYISO_RPS_20240510_101010.csv", "ERCOT_LF_20240510_101010.csv",
    "REC_Update_Tool_20240510.xlsx", "EXTERNAL_curves_20240510.csv", "20240510_Some_PTC_File.csv",
)
UNSUPPORTED_NAMES = (
    "REC_MISO_20240510_101010.csv", "Energy_CAISO_20240510_101010.csv", "NonEnergy_SPP_20240510_101010.csv",
)
COB_NAMES = ("NonEnergy_ERCOT_20240510_101010_cob.csv", "REC_PJM_20240510_101010_cob.csv")
NAMES: list[Case] = [
    *(
        Case(NAME_FILE, "bad_filename", upload_as=name, more={"part": part},
             note="more than 24 h ahead of the clock" if "2099" in name else None)
        for name, part in BAD_NAMES
    ),
    *(Case(NAME_FILE, "legacy_format", upload_as=name) for name in LEGACY_NAMES),
    *(Case(NAME_FILE, "unsupported_area", upload_as=name) for name in UNSUPPORTED_NAMES),
    *(Case(NAME_FILE, "cob_not_applicable", upload_as=name) for name in COB_NAMES),
]

# Codes that no file of this folder can cause.
NOT_COVERED = {
    "no_file": "a request without a file part",
    "storage_unavailable": "a state of the server, not of a file",
    "bad_hour": "loadprofile, shaping and vlr only", "duplicate_hour": "loadprofile, shaping and vlr only",
    "bad_month": "vlr only", "bad_term": "matrix only",
    "too_large": "written by generate.py --big", "too_many_cells": "written by generate.py --big",
    "archive_limit": "written by generate.py --big",
}


def zip_results(*entries: tuple[str, int, str]) -> list[dict[str, object]]:
    """Results of a 207, in the order of processing."""
    return [{"file": name, "status": number, "code": code} for name, number, code in entries]


def archives() -> dict[str, tuple[bytes, dict[str, object]]]:
    """Zip files with something wrong: name -> (bytes, expectation)."""
    good = {stem: csv_bytes(base_grid(stem)) for stem in (ENERGY, NONENERGY, REC)}
    wrong = next(case for case in CASES if case.name == "value_words.csv").content()
    one, two, three = (f"{stem}.csv" for stem in good)
    first, second, third = good.values()
    inner = pack([(two, second)])
    whole = pack([(one, first), (two, second)])
    mixed = {
        "nested.zip": (
            [(one, first), ("inner.zip", inner)],
            zip_results((one, 201, "created")) + zip_results(("inner.zip", 400, "nested_archive")),
        ),
        "entry_twice.zip": (
            [(f"a/{two}", second), (f"b/{two}", second), (three, third)],
            zip_results((two, 400, "duplicate_entry"), (two, 400, "duplicate_entry"), (three, 201, "created")),
        ),
        "one_bad_entry.zip": (
            [(three, third), (two, wrong), (one, first)],
            zip_results((one, 201, "created"), (two, 422, "not_a_number"), (three, 201, "created")),
        ),
        "bad_entry_names.zip": (
            [("readme.txt", b"hello\n"), ("REC_MISO_20240510_101010.csv", third), (one, first)],
            zip_results(
                (one, 201, "created"), ("REC_MISO_20240510_101010.csv", 400, "unsupported_area"),
                ("readme.txt", 400, "bad_filename"),
            ),
        ),
    }
    made = {name: (pack(entries), _multi(name, results)) for name, (entries, results) in mixed.items()}
    for name, content in {"damaged.zip": whole[: len(whole) * 2 // 3], "no_archive.zip": second}.items():
        made[name] = (content, Case(name, "bad_archive", upload_as=name).expectation())
    return made


def _multi(name: str, results: list[dict[str, object]]) -> dict[str, object]:
    return {
        "file": name, "upload_as": name, "status": 207, "code": None, "cell": None, "row": None, "column": None,
        "results": results, "open": ["order"],
        "note": "files without a valid name have no place in the order of processing",
    }


def files() -> tuple[dict[str, bytes], list[dict[str, object]]]:
    """Content by file name, and the list for expected.json."""
    contents = {case.name: case.content() for case in CASES}
    assert len(contents) == len(CASES), "two cases share a file name"
    contents[NAME_FILE] = csv_bytes(base_grid(NONENERGY))
    zips = archives()
    contents.update({name: content for name, (content, _) in zips.items()})
    expected = [case.expectation() for case in NAMES + CASES] + [entry for _, entry in zips.values()]
    return contents, expected
