"""The good files, as tables: which series, which months, which irregularities.

One module per family (`hourly` holds three); `files` gives all in the documented loading order:
dataset, then curve timestamp.
"""
from ..model import CurveModel
from . import energy, hourly, lineloss, matrix, nonenergy, ptc, rec


def files() -> list[CurveModel]:
    """All good files in loading order."""
    tables = (energy, nonenergy, rec, ptc, matrix, hourly, lineloss)
    return [curve for table in tables for curve in table.files()]
