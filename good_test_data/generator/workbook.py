"""The workbook form of a grid: OOXML parts written by hand, one sheet of typed cells."""
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Callable, Optional
from xml.sax.saxutils import escape, quoteattr

from .archive import pack
from .cells import Cell, Kind, shortest
from .grid import Grid, address, letters

XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_CONTENT = "application/vnd.openxmlformats-officedocument.spreadsheetml"

# Number formats in the order of their style index; built-in ids below 164.
GENERAL, DATE_US, DATE_SHORT, DATE_ISO, PERCENT, MONEY, FOUR_PLACES = range(7)
_FORMAT_IDS = (0, 14, 17, 165, 10, 164, 166)
_CUSTOM = {164: '"$"#,##0.00', 165: "yyyy\\-mm\\-dd", 166: "0.0000"}
_NUMBER_STYLE = {Kind.PLAIN: GENERAL, Kind.MONEY: MONEY, Kind.PERCENT: PERCENT}


@dataclass(frozen=True)
class BookForm:
    """The traits of a workbook. All leave the points as they are in the csv twin."""

    date_style: int = DATE_US
    number_style: int = GENERAL
    date1904: bool = False
    extra_sheet: bool = False  # and the first sheet then lies in the part sheet2.xml
    inline_strings: bool = False
    text_notations: bool = False  # dates, and numbers not in their shortest form, stay text
    formulas: bool = False  # column B and the label cells of row 2 are formulas with cached values
    noise: bool = False  # 17 digits as a spreadsheet writes them: 19.370000000000001
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    merged: tuple[str, ...] = ()


def serial(day: date, date1904: bool) -> int:
    """The spreadsheet's day number."""
    return (day - (date(1904, 1, 1) if date1904 else date(1899, 12, 30))).days


class _Sheet:
    """Collects rows of one sheet and the strings that they share."""

    def __init__(self, form: BookForm):
        self.form = form
        self.strings: dict[str, int] = {}

    def xml(self, grid: Grid) -> str:
        form = self.form
        rows = "".join(self._row(number, row) for number, row in enumerate(grid, 1))
        columns = "".join(
            f'<col min="{c}" max="{c}" width="9" hidden="1" customWidth="1"/>'
            for c in sorted(form.hidden_columns)
        )
        merged = "".join(f'<mergeCell ref="{ref}"/>' for ref in form.merged)
        return (
            f'{XML}<worksheet xmlns="{_MAIN}">'
            f'<dimension ref="A1:{address(len(grid), max(map(len, grid)))}"/>'
            + (f"<cols>{columns}</cols>" if columns else "")
            + f"<sheetData>{rows}</sheetData>"
            + (f'<mergeCells count="{len(form.merged)}">{merged}</mergeCells>' if merged else "")
            + "</worksheet>"
        )

    def _row(self, number: int, row: list[Cell]) -> str:
        cells = "".join(
            self._cell(address(number, column), cell)
            for column, cell in enumerate(row, 1)
            if cell.kind is not Kind.EMPTY
        )
        hidden = ' hidden="1"' if number in self.form.hidden_rows else ""
        return f'<row r="{number}"{hidden}>{cells}</row>' if cells else ""

    def _cell(self, ref: str, cell: Cell) -> str:
        if cell.kind is Kind.DATE and not self.form.text_notations:
            return f'<c r="{ref}" s="{self.form.date_style}"><v>{serial(cell.day, self.form.date1904)}</v></c>'
        if cell.kind is Kind.NA and cell.text.strip() == "#N/A":
            return f'<c r="{ref}" t="e"><v>#N/A</v></c>'
        if cell.kind in _NUMBER_STYLE and not self._stays_text(cell):
            return self._number(ref, cell)
        return self._string(ref, cell.text)

    def _stays_text(self, cell: Cell) -> bool:
        return self.form.text_notations and cell.text != shortest(cell.exact)

    def _number(self, ref: str, cell: Cell) -> str:
        digits = shortest(cell.exact)
        assert len(digits.replace(".", "").strip("-0")) <= 15, f"{ref}: {digits} is too long for a workbook"
        if self.form.noise and cell.exact:
            digits = repr(math.nextafter(float(cell.exact), math.inf))
        style = _NUMBER_STYLE[cell.kind] or self.form.number_style
        formula = f"<f>SUM({digits},0)</f>" if self.form.formulas and letters(2) == ref.rstrip("0123456789") else ""
        return f'<c r="{ref}" s="{style}">{formula}<v>{digits}</v></c>'

    def _string(self, ref: str, words: str) -> str:
        body = f'<t xml:space="preserve">{escape(words)}</t>'
        if self.form.formulas and ref.strip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "2" and ref != "A2":
            formula = escape('"' + words.replace('"', '""') + '"')
            return f'<c r="{ref}" t="str"><f>{formula}</f><v>{escape(words)}</v></c>'
        if self.form.inline_strings:
            return f'<c r="{ref}" t="inlineStr"><is>{body}</is></c>'
        return f'<c r="{ref}" t="s"><v>{self.strings.setdefault(words, len(self.strings))}</v></c>'

    def shared_strings(self) -> str:
        items = "".join(f'<si><t xml:space="preserve">{escape(words)}</t></si>' for words in self.strings)
        return f'{XML}<sst xmlns="{_MAIN}" uniqueCount="{len(self.strings)}">{items}</sst>'


def _styles() -> str:
    custom = "".join(f'<numFmt numFmtId="{i}" formatCode={quoteattr(code)}/>' for i, code in _CUSTOM.items())
    formats = "".join(
        f'<xf numFmtId="{i}" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>' for i in _FORMAT_IDS
    )
    return (
        f'{XML}<styleSheet xmlns="{_MAIN}"><numFmts count="{len(_CUSTOM)}">{custom}</numFmts>'
        '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        f'<cellXfs count="{len(_FORMAT_IDS)}">{formats}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )


def _relationships(targets: list[tuple[str, str]]) -> str:
    items = "".join(
        f'<Relationship Id="rId{i}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(targets, 1)
    )
    return f'{XML}<Relationships xmlns="{_PACKAGE}/relationships">{items}</Relationships>'


def _content_types(sheets: list[str]) -> str:
    parts = [("workbook.xml", "sheet.main"), ("styles.xml", "styles"), ("sharedStrings.xml", "sharedStrings")]
    parts += [(f"worksheets/{name}", "worksheet") for name in sheets]
    overrides = "".join(
        f'<Override PartName="/xl/{part}" ContentType="{_CONTENT}.{kind}+xml"/>' for part, kind in parts
    )
    return (
        f'{XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )


Patch = Callable[[str], str]


def workbook(grid: Grid, form: BookForm = BookForm(), patches: Optional[Mapping[str, Patch]] = None) -> bytes:
    """The .xlsx file of a grid. `patches` rewrite single parts: that is how broken workbooks are made."""
    sheet = _Sheet(form)
    curves = sheet.xml(grid)
    # Order of the workbook, not of the part names: with an extra sheet the curves lie in sheet2.xml.
    names = ["sheet2.xml", "sheet1.xml"] if form.extra_sheet else ["sheet1.xml"]
    tabs = "".join(
        f'<sheet name="{title}" sheetId="{i}" r:id="rId{i}"/>'
        for i, title in enumerate(["Curves", "Notes"][: len(names)], 1)
    )
    flag = ' date1904="1"' if form.date1904 else ""
    related = [("worksheet", f"worksheets/{name}") for name in names]
    related += [("styles", "styles.xml"), ("sharedStrings", "sharedStrings.xml")]
    parts = {
        "[Content_Types].xml": _content_types(names),
        "_rels/.rels": _relationships([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'{XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><workbookPr{flag}/>'
        f"<sheets>{tabs}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _relationships(related),
        "xl/styles.xml": _styles(),
        f"xl/worksheets/{names[0]}": curves,
        "xl/sharedStrings.xml": sheet.shared_strings(),
    }
    if form.extra_sheet:
        parts["xl/worksheets/sheet1.xml"] = _Sheet(BookForm(inline_strings=True)).xml(
            [[Cell("Notes of the desk"), Cell("not a curve")]]
        )
    for name, patch in (patches or {}).items():
        parts[name] = patch(parts[name])
    return pack((name, content.encode()) for name, content in parts.items())
