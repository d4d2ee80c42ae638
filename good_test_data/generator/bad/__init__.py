"""The files that must be refused, each with one thing wrong: the content of bad/expected.json."""
from ..grid import csv_bytes
from . import archives, layouts, monthly
from .base import ENERGY, NONENERGY, base_file, base_grid
from .case import SHEET, zip_results
from .names import NAME_FILE, NAMES

__all__ = ["ENERGY", "NONENERGY", "SHEET", "base_file", "base_grid", "files", "zip_results"]

# Codes that no file of this folder can cause.
NOT_COVERED = {
    "no_file": "a request without a file part",
    "storage_unavailable": "a state of the server, not of a file",
    "too_large": "written by generate.py --big", "too_many_cells": "written by generate.py --big",
    "archive_limit": "written by generate.py --big",
}


def files() -> tuple[dict[str, bytes], list[dict[str, object]]]:
    """Content by file name, and the list for expected.json."""
    cases = monthly.CASES + layouts.CASES
    contents = {case.name: case.content() for case in cases}
    assert len(contents) == len(cases), "two cases share a file name"
    contents[NAME_FILE] = csv_bytes(base_grid(NONENERGY))
    zips = archives.archives()
    contents.update({name: content for name, (content, _) in zips.items()})
    expected = [case.expectation() for case in NAMES + cases] + [entry for _, entry in zips.values()]
    return contents, expected
