"""What a file changes against the newest earlier version of its dataset (sections 4.1 and 9.1)."""
from datetime import date
from decimal import Decimal
from statistics import median
from typing import Optional

from .curve import Column, CurveFile

JUMP = 50
Series = tuple[str, ...]
Points = dict[Series, dict[date, Optional[Decimal]]]


def points(curve: CurveFile) -> Points:
    """Stored values by series and month."""
    return {
        _key(curve, column): {month: cell.stored for month, cell in zip(curve.months, column.cells)}
        for _, column in curve.series
    }


def _key(curve: CurveFile, column: Column) -> Series:
    """Labels (the strip without case, all without surrounding blanks), sub-component and unit."""
    strip = curve.layout.labels.index("Block Type")
    labels = [label.lower() if n == strip else label.strip() for n, label in enumerate(column.labels)]
    return (*labels, column.caption.strip() or labels[-1], column.unit or "")


def changes(old: CurveFile, new: CurveFile) -> dict[str, object]:
    """Counts for the entry `in_order` of expected.json."""
    before, after = points(old), points(new)
    pairs = {
        series: [(before[series][month], value) for month, value in after[series].items() if month in before[series]]
        for series in after
        if series in before
    }
    ratios = {series: _ratios(values) for series, values in pairs.items()}
    scaled = {series for series, found in ratios.items() if found and _jumps(median(found))}
    return {
        "against": old.stem,
        "series_added": len(after.keys() - before.keys()),
        "series_removed": len(before.keys() - after.keys()),
        "changed": sum(a != b for values in pairs.values() for a, b in values),
        "scale_jump": len(scaled),
        "value_jump": sum(
            _jumps(ratio) for series, found in ratios.items() if series not in scaled for ratio in found
        ),
        "unchanged_content": before == after,
    }


def _ratios(pairs: list[tuple[Optional[Decimal], Optional[Decimal]]]) -> list[Decimal]:
    """New over old without sign; zeros and NULLs are left out."""
    return [abs(new) / abs(old) for old, new in pairs if old and new]


def _jumps(ratio: Decimal) -> bool:
    return ratio >= JUMP or ratio * JUMP <= 1
