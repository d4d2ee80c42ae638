"""Contract months and the ways to write them (section 5)."""
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Callable, Optional, Union

from .cells import Cell, Kind

_NAMES = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()

# Accepted date forms; a file keeps to one of them.
FORMS: dict[str, Callable[[date], str]] = {
    "M/D/YYYY": lambda d: f"{d.month}/{d.day}/{d.year}",
    "MM/DD/YYYY": lambda d: f"{d.month:02}/{d.day:02}/{d.year}",
    "M/D/YY": lambda d: f"{d.month}/{d.day}/{d.year % 100:02}",
    "M/D/YYYY 00:00": lambda d: f"{d.month}/{d.day}/{d.year} 00:00",
    "YYYY-MM-DD": lambda d: d.isoformat(),
    "YYYY-MM-DD 00:00:00": lambda d: f"{d.isoformat()} 00:00:00",
    "Mon-YY": lambda d: f"{_NAMES[d.month - 1]}-{d.year % 100:02}",
    "Mon-YYYY": lambda d: f"{_NAMES[d.month - 1]}-{d.year}",
}


def months(first: str, count: int) -> list[date]:
    """`count` consecutive firsts of months from `YYYY-MM`."""
    start = index(date.fromisoformat(first + "-01"))
    return [date(i // 12, i % 12 + 1, 1) for i in range(start, start + count)]


def days(first: str, count: int) -> list[date]:
    """`count` consecutive days from `YYYY-MM-DD`."""
    start = date.fromisoformat(first)
    return [start + timedelta(number) for number in range(count)]


def hours(of: Iterable[Union[date, int]], autumn: Optional[date] = None, spring: Optional[date] = None) -> list[tuple]:
    """Each date or month number with each hour ending; the clock-change days have 25 and, without HE 3, 23."""
    pairs = [(day, hour) for day in of for hour in range(1, 26 if day == autumn else 25)]
    return [pair for pair in pairs if pair != (spring, 3)]


def index(day: date) -> int:
    """Months since year 0, for gaps and windows."""
    return day.year * 12 + day.month - 1


def date_cell(day: date, form: str) -> Cell:
    """Text in csv, a date in the workbook."""
    assert day.day == 1 or not form.startswith("Mon"), f"{form} cannot say {day}"
    return Cell(FORMS[form](day), Kind.DATE, day=day)
