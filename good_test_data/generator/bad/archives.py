"""Zip files with something wrong."""
from ..archive import pack
from ..grid import csv_bytes
from .base import ENERGY, NONENERGY, REC, base_grid
from .case import Case, zip_results
from .monthly import CASES


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
