"""Invented prices: integer arithmetic on a seeded generator, so every platform draws the same."""
import random
import zlib
from datetime import date
from decimal import Decimal
from typing import Union

SEED = 20240603
# Percent of the yearly level, January to December: a winter and a summer peak.
_SEASON = (128, 117, 92, 84, 80, 96, 131, 126, 98, 82, 88, 112)

# Percent of the daily mean, hour ending 1 to 24: a morning and an evening peak.
_DAY = (71, 66, 63, 62, 65, 76, 94, 108, 111, 110, 109, 108, 107, 106, 107, 110, 117, 127, 131, 126, 117, 104, 88, 77)


def draw(key: str) -> random.Random:
    """A generator of its own per key. Only `random()` of it is used: its sequence is guaranteed."""
    return random.Random(SEED ^ zlib.crc32(key.encode()))


def seasonal(key: str, level: int, months: list[date], places: int = 2, revision: int = 0) -> list[Decimal]:
    """A curve around `level` (in units of the last place), seasonal, drifting up 1 % a year.

    A `revision` other than 0 moves every third value a little: the next version of a curve.
    """
    base, shift = draw(key), draw(f"{key}#{revision}")
    curve = []
    for number, month in enumerate(months):
        units = level * _SEASON[month.month - 1] * (1200 + number) // 120000
        units = units * (960 + int(base.random() * 80)) // 1000
        nudge = int(shift.random() * 9) - 4
        curve.append(Decimal(units + (nudge if revision and number % 3 == 0 else 0)).scaleb(-places))
    return curve


def steps(key: str, levels: list[int], months: list[date], places: int = 2) -> list[Decimal]:
    """Constant within a calendar year, as tariffs and obligations are."""
    first, last = min(months).year, max(months).year
    jitter = draw(key)
    yearly = {y: int(jitter.random() * 5) for y in range(first, last + 1)}
    return [
        Decimal(levels[(month.year - first) % len(levels)] + yearly[month.year]).scaleb(-places) for month in months
    ]


def hourly(key: str, level: int, places: list[tuple[Union[date, int], int]], decimals: int = 4) -> list[Decimal]:
    """A daily shape around `level`, seasonal by the month of a date or month number; HE 25 repeats HE 2."""
    jitter = draw(key)
    values = []
    for day, hour in places:
        month = day.month if isinstance(day, date) else day
        units = level * _SEASON[month - 1] * _DAY[1 if hour == 25 else hour - 1] // 10000
        values.append(Decimal(units * (970 + int(jitter.random() * 60)) // 1000).scaleb(-decimals))
    return values
