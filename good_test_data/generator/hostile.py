"""Large and hostile files (section 10): written when a test asks for them, never committed.

expected.json beside them has the members of bad/expected.json; accepted files have status 201 and
`stats`.
"""
import io
import struct
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Callable, Optional

from .archive import SYMLINK, entry_info, pack
from .bad import ENERGY, NONENERGY, SHEET, base_file, base_grid, zip_results
from .cells import shortest
from .families import COMMON
from .dates import months
from .grid import csv_bytes
from .output import as_json
from .workbook import BookForm, workbook

MIB = 1 << 20
BOMB = 300 * MIB
CONTRACT_MONTHS = months("1990-01", 1332)  # every month that section 5 accepts
MAX_COLUMNS, MAX_ROWS, MAX_CELLS, MAX_TEXT = 2000, 200_000, 5_000_000, 32_767
Made = tuple[bytes, dict[str, object]]


def answer(status: int, code: Optional[str], upload_as: str, **more) -> dict[str, object]:
    """An entry of expected.json but for the file name."""
    return {"upload_as": upload_as, "status": status, "code": code, "cell": None, "row": None, "column": None, **more}


# -- near the limits: accepted ------------------------------------------------------------------


def wide_lines(remarks: int, last: Optional[int] = None) -> Iterator[str]:
    """2,000 columns x 1,332 months, the most that the monthly layouts permit.

    `remarks` unknown label rows above the last label row bring the file near the cell limit; the
    last of them keeps only `last` cells beside its name, if that is given.
    """
    series = range(1, MAX_COLUMNS)
    shared = ("PJM", "PA", None, "ALL", "ALL", "7x24", "Ancillaries", "Adder")
    for name, word in zip(COMMON[:-1], shared):
        yield ",".join(chain([name], (word or f"Z{n}" for n in series)))
    full = ",1" * len(series)
    for number in range(remarks):
        short = last is not None and number == remarks - 1
        row = ",1" * last + "," * (len(series) - last) if short else full
        yield f"Remark {number}{row}"
    yield ",".join(chain([COMMON[-1]], ("Adder" for _ in series)))
    yield "Date" + ",A" * len(series)
    for number, month in enumerate(CONTRACT_MONTHS):
        values = ",".join(f"{cents // 100}.{cents % 100:02}" for cents in wide_cents(number))
        yield f"{month.month}/1/{month.year},{values}"


def wide_cents(number: int) -> list[int]:
    """Values of one month in cents, by integer arithmetic; none is zero."""
    return [101 + (number * 37 + n * 61) % 889 for n in range(1, MAX_COLUMNS)]


def wide_stats() -> dict[str, object]:
    """Statistics of the wide grids, from their integers."""
    rows = [wide_cents(number) for number in range(len(CONTRACT_MONTHS))]
    cents = [Decimal(pick(map(pick, rows))).scaleb(-2) for pick in (sum, min, max)]
    total, low, high = map(shortest, cents)
    return {
        "rows": len(rows), "columns": MAX_COLUMNS - 1, "points": len(rows) * (MAX_COLUMNS - 1), "missing": 0,
        "missing_by_reason": {"empty": 0, "blank": 0, "na": 0}, "dash_zeros": 0, "percent_cells": 0,
        "money_cells": 0, "negatives": 0, "zeros": 0, "sum": total, "min": low, "max": high,
        "months": len(rows), "first_month": "1990-01", "last_month": "2100-12",
    }


def _wide_cells(remarks: int) -> int:
    return MAX_COLUMNS * (len(COMMON) + 1 + len(CONTRACT_MONTHS) + remarks)


def _joined(lines) -> bytes:
    return ("\n".join(lines) + "\n").encode()


def widest() -> Made:
    """All permitted months in all permitted columns: 2.68 million cells."""
    made = _joined(wide_lines(0))
    return made, answer(201, "created", "NonEnergy_PJM_20240510_101010.csv", stats=wide_stats(), header_row=9)


REMARKS = (MAX_CELLS - _wide_cells(0)) // MAX_COLUMNS  # full unknown rows that still fit


def most_cells() -> Made:
    """Months end the grid long before 5 million cells; unknown label rows fill it up to the limit."""
    made = _joined(wide_lines(REMARKS))
    return made, answer(
        201, "created", "NonEnergy_PJM_20240511_101010.csv", stats=wide_stats(), header_row=9 + REMARKS,
        warnings={"unknown_label_row": REMARKS}, cells=_wide_cells(REMARKS),
    )


def cells_over() -> Made:
    """One cell more than permitted."""
    over = MAX_CELLS + 1 - _wide_cells(REMARKS)
    made = _joined(wide_lines(REMARKS + 1, over - 1))
    return made, answer(413, "too_many_cells", "NonEnergy_PJM_20240512_101010.csv")


def lying_dimension() -> Made:
    """A good sheet that claims to reach the last cell of a sheet."""
    file = base_file(NONENERGY)
    lie = {SHEET: lambda xml: _between(xml, '<dimension ref="', '"', "A1:XFD1048576")}
    made = workbook(file.grid(), BookForm(), lie)
    return made, answer(201, "created", f"{NONENERGY}.xlsx", stats=file.stats(), header_row=file.header_row)


# -- over the limits ----------------------------------------------------------------------------

STRINGS = "xl/sharedStrings.xml"


def _between(xml: str, start: str, end: str, words: str) -> str:
    begin = xml.index(start) + len(start)
    return xml[:begin] + words + xml[xml.index(end, begin):]


def _lines_of_base() -> list[str]:
    return csv_bytes(base_grid(NONENERGY)).decode().splitlines()


def rows_over() -> bytes:
    """One record more than permitted."""
    lines = _lines_of_base()
    return _joined(lines + lines[-1:] * (MAX_ROWS + 1 - len(lines)))


def columns_over() -> bytes:
    """One column more than permitted; all are labelled and hold values."""
    extra = MAX_COLUMNS + 1 - len(base_grid(NONENERGY)[0])
    return _joined(line + f",{line.split(',')[1]}" * extra for line in _lines_of_base())


def text_over() -> bytes:
    """One character more than permitted, at the end of the lookup row."""
    lines = _lines_of_base()
    return _joined([lines[0] + "x" * (MAX_TEXT + 1)] + lines[1:])


def upload_over() -> bytes:
    """A few bytes more than permitted."""
    lines = _lines_of_base()
    made = _joined(lines)
    return made + (b"," * 4 + b"\n") * ((32 * MIB - len(made)) // 5 + 1)


def strings_bomb() -> bytes:
    """Shared strings that unpack to 300 MiB."""
    return workbook(base_grid(NONENERGY), BookForm(), {
        STRINGS: lambda xml: xml.replace("</sst>", "<si><t>" + "0" * BOMB + "</t></si></sst>"),
    })


def last_cell() -> bytes:
    """A good sheet and one value in the last cell that a sheet can have."""
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    return workbook(base_grid(NONENERGY), BookForm(), {SHEET: lambda xml: xml.replace("</sheetData>", far)})


def _doctype(declarations: str) -> Callable[[str], str]:
    """Puts a DTD before the root element and its entity `x` into the first text."""
    def patch(xml: str) -> str:
        head, root = xml.split("\n", 1)
        tag = root[1:root.index(" ")]
        return f"{head}\n<!DOCTYPE {tag} [{declarations}]>\n{root}".replace("Control Area", "&x;")
    return patch


def external_entity() -> bytes:
    """Shared strings that ask for a file of the server."""
    return workbook(base_grid(NONENERGY), BookForm(), {STRINGS: _doctype('<!ENTITY x SYSTEM "file:///etc/hostname">')})


def entity_bomb() -> bytes:
    """Entities that would expand to ten billion characters."""
    steps = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
    return workbook(base_grid(NONENERGY), BookForm(), {
        STRINGS: _doctype(f'<!ENTITY e0 "ha">{steps}<!ENTITY x "&e9;">'),
    })


def doctype_only() -> bytes:
    """A sheet with a DTD that declares nothing."""
    return workbook(base_grid(NONENERGY), BookForm(), {SHEET: _doctype("")})


WORKBOOKS = {
    "strings_bomb.xlsx": (strings_bomb, 413, "archive_limit"),
    "last_cell.xlsx": (last_cell, 413, "too_many_cells"),
    "external_entity.xlsx": (external_entity, 415, "not_xlsx"),
    "entity_bomb.xlsx": (entity_bomb, 415, "not_xlsx"),
    "doctype.xlsx": (doctype_only, 415, "not_xlsx"),
}
TEXTS = {
    "rows_over.csv": (rows_over, 413, "too_many_cells"),
    "columns_over.csv": (columns_over, 413, "too_many_cells"),
    "text_over.csv": (text_over, 413, "too_many_cells"),
    "upload_over.csv": (upload_over, 413, "too_large"),
}

# -- archives -----------------------------------------------------------------------------------

_NAME = f"{NONENERGY}.csv"
HOSTILE_NAMES = {
    "absolute_path.zip": f"/tmp/{_NAME}",
    "parent_path.zip": f"../../{_NAME}",
    "backslash_path.zip": f"..\\{_NAME}",
    "drive_letter.zip": f"C:/{_NAME}",
    "nul_in_name.zip": f"{_NAME[:-4]}\0.csv",
}


def _good() -> bytes:
    return csv_bytes(base_grid(NONENERGY))


def _other() -> tuple[str, bytes]:
    """A harmless entry beside the hostile one: it must not be stored either."""
    return f"{ENERGY}.csv", csv_bytes(base_grid(ENERGY))


def zip_bomb() -> bytes:
    """One entry of 300 MiB in 300 kB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, archive.open(entry_info(_NAME), "w") as entry:
        for _ in range(BOMB // MIB):
            entry.write(b"," * MIB)
    return out.getvalue()


def nested_bomb() -> bytes:
    """An archive of ten bombs in an archive: 3 GB in some kilobytes."""
    inner = zip_bomb()
    return pack([_other(), *((f"inner{n}.zip", inner) for n in range(10))])


def lying_size() -> bytes:
    """A bomb whose headers declare one kilobyte."""
    return zip_bomb().replace(struct.pack("<L", BOMB), struct.pack("<L", 1024))


def encrypted() -> bytes:
    """The flag of encryption in the local and the central header of the first entry."""
    made = bytearray(pack([(_NAME, _good())]))
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        made[made.index(signature) + offset] |= 1
    return bytes(made)


def damaged_crc() -> bytes:
    """A wrong checksum in both headers."""
    made = bytearray(pack([(_NAME, _good()), _other()]))
    for signature, offset in ((b"PK\3\4", 14), (b"PK\1\2", 16)):
        made[made.index(signature) + offset] ^= 0xFF
    return bytes(made)


def too_many_entries() -> bytes:
    """One entry more than permitted."""
    return pack((f"notes/{n}.txt", b"") for n in range(201))


ARCHIVES = {
    "zip_bomb.zip": (zip_bomb, 413, "archive_limit"),
    "lying_size.zip": (lying_size, 415, "bad_archive"),
    "entries_201.zip": (too_many_entries, 413, "archive_limit"),
    "encrypted.zip": (encrypted, 415, "bad_archive"),
    "wrong_crc.zip": (damaged_crc, 415, "bad_archive"),
    "truncated.zip": (lambda: pack([(_NAME, _good()), _other()])[:-30], 415, "bad_archive"),
    "symlink.zip": (lambda: pack([(_NAME, b"/etc/passwd")], SYMLINK), 415, "bad_archive"),
    **{
        name: ((lambda entry=entry: pack([_other(), (entry, _good())])), 415, "bad_archive")
        for name, entry in HOSTILE_NAMES.items()
    },
}
NOTES = {
    "lying_size.zip": "the data outgrow the declared size: damaged; archive_limit is as good an answer",
    "last_cell.xlsx": "row 1048576 and column 16384 both exceed; memory must not follow them",
}
OPEN = {"lying_size.zip": ["code", "status"]}


def write(folder: Path) -> None:
    """Writes every file and expected.json below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    expected = []

    def keep(name: str, content: bytes, entry: dict[str, object]) -> None:
        (folder / name).write_bytes(content)
        more = {"note": NOTES[name]} if name in NOTES else {}
        more.update({"open": OPEN[name]} if name in OPEN else {})
        expected.append({"file": name, **entry, **more})

    accepted = {
        "widest.csv": widest, "most_cells.csv": most_cells, "cells_over.csv": cells_over,
        "lying_dimension.xlsx": lying_dimension,
    }
    for name, make in accepted.items():
        keep(name, *make())
    for name, (make, status, code) in {**TEXTS, **WORKBOOKS}.items():
        keep(name, make(), answer(status, code, f"{NONENERGY}.{name.rsplit('.', 1)[1]}"))
    for name, (make, status, code) in ARCHIVES.items():
        keep(name, make(), answer(status, code, name))
    stored = zip_results((_other()[0], 201, "created"))
    inner = zip_results(*((f"inner{n}.zip", 400, "nested_archive") for n in range(10)))
    keep("nested_bomb.zip", nested_bomb(), answer(207, None, "nested_bomb.zip", results=stored + inner, open=["order"]))
    (folder / "expected.json").write_bytes(as_json({"cases": expected}))
