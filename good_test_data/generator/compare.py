"""What a file changes against the newest earlier version of its dataset (sections 4.1 and 9.1)."""
from decimal import Decimal
from statistics import median
from typing import Optional

from .model import CurveModel

JUMP = 50


def changes(old: CurveModel, new: CurveModel) -> dict[str, object]:
    """Counts for the entry `in_order` of expected.json."""
    before, after = old.points(), new.points()
    pairs = {
        series: [(before[series][place], value) for place, value in after[series].items() if place in before[series]]
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
