"""Puts good/, bad/ and the expected.json files together: relative path -> bytes."""
import json
from typing import Optional

from . import bad, good
from .archive import pack
from .compare import changes
from .families import FAMILIES
from .grid import csv_bytes
from .model import CurveModel
from .workbook import workbook


def everything() -> dict[str, bytes]:
    """All committed files."""
    made: dict[str, bytes] = {}
    curves = good.files()
    assert [curve.stem for curve in curves] == sorted((curve.stem for curve in curves), key=place_in_order)
    assert covered(curves) == {(family, iso) for family, layout in FAMILIES.items() for iso in layout.isos}
    entries: dict[str, object] = {}
    codes = outcomes(curves)
    newest: dict[tuple[str, str], CurveModel] = {}
    for curve in curves:
        grid = curve.grid()
        made[f"good/{curve.stem}.csv"] = csv_bytes(grid, curve.csv)
        made[f"good/{curve.stem}.xlsx"] = workbook(grid, curve.book)
        entries.update(expectations(curve, codes[curve.stem], newest.get(curve.dataset)))
        newest[curve.dataset] = curve
    zips = archives(made, curves, codes)
    made.update({f"good/{name}": content for name, (content, _) in zips.items()})
    refused, cases = bad.files()
    made.update({f"bad/{name}": content for name, content in refused.items()})
    made["expected.json"] = as_json({
        "order": [curve.stem for curve in curves],
        "files": entries,
        "archives": {name: expectation for name, (_, expectation) in zips.items()},
    })
    made["bad/expected.json"] = as_json({"cases": cases, "not_covered": bad.NOT_COVERED})
    return made


def covered(curves: list[CurveModel]) -> set[tuple[str, str]]:
    """The pairs of family and ISO that have a file."""
    return {curve.dataset for curve in curves}


def place_in_order(stem: str) -> tuple[int, str]:
    """Dataset, then curve timestamp."""
    family = stem.split("_")[0].lower()
    return list(FAMILIES).index(family), stem.lower()


def as_json(value: object) -> bytes:
    """Readable, with a line end, non-ASCII as it is."""
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def outcomes(curves: list[CurveModel]) -> dict[str, str]:
    """`created` for the first version of an operating day, `superseded` for later ones."""
    seen, codes = set(), {}
    for curve in curves:
        codes[curve.stem] = "superseded" if curve.operating_day in seen else "created"
        seen.add(curve.operating_day)
    return codes


def expectations(curve: CurveModel, code: str, earlier: Optional[CurveModel]) -> dict[str, object]:
    """The entries of both twins; they differ in format and in the warnings that follow from it."""
    both = curve.all_warnings()
    csv_form = {
        "encoding": curve.csv.encoding, "newline": {"\r\n": "CRLF", "\n": "LF", "\r": "CR"}[curve.csv.newline],
        "last_line_end": curve.csv.last_line_end, "date_form": curve.date_form,
    }
    forms = {
        "csv": (csv_form, {"encoding_cp1252": 1} if curve.csv.encoding == "cp1252" else {}),
        "xlsx": (_traits(curve), {"extra_sheets": 1} if curve.book.extra_sheet else {}),
    }
    shared = {"header_row": curve.header_row, "stats": curve.stats(), "samples": curve.samples()}
    return {
        f"{curve.stem}.{extension}": {
            "code": code,
            "format": form,
            "warnings": dict(sorted({**both, **own}.items())),
            **shared,
            **({"in_order": changes(earlier, curve)} if earlier else {}),
            **({"note": curve.note} if curve.note else {}),
        }
        for extension, (form, own) in forms.items()
    }


def _traits(curve: CurveModel) -> dict[str, object]:
    book = curve.book
    names = ("date1904", "extra_sheet", "inline_strings", "text_notations", "formulas", "noise")
    traits: dict[str, object] = {name: True for name in names if getattr(book, name)}
    if book.hidden_rows:
        traits.update(hidden_rows=sorted(book.hidden_rows), hidden_columns=sorted(book.hidden_columns))
    if book.merged:
        traits["merged"] = list(book.merged)
    return traits


def archives(made: dict[str, bytes], curves: list[CurveModel], codes: dict[str, str]):
    """Zip files of good curves: name -> (bytes, expectation)."""
    names = [f"{curve.stem}.csv" for curve in curves]
    # Reverse order inside: the server has to sort.
    every = pack((name, made[f"good/{name}"]) for name in reversed(names))
    results = [{"file": name, "status": 201, "code": codes[name[:-4]]} for name in names]
    first, last = names[0], names[-1]
    upper = last[:-4] + ".CSV"
    leftovers = ["curves/", "__MACOSX/._a.csv", "curves/.DS_Store", "curves/Thumbs.db"]
    folder = pack(
        [(name, b"") for name in leftovers]
        + [(f"curves/{upper}", made[f"good/{last}"]), (f"curves/sub/{first}", made[f"good/{first}"])]
    )
    accepted = [{"file": name, "status": 201, "code": "created"} for name in (first, upper)]
    return {
        "all_families.zip": (every, {"status": 207, "results": results, "skipped": []}),
        "folders_and_leftovers.Zip": (folder, {"status": 207, "results": accepted, "skipped": leftovers}),
    }
