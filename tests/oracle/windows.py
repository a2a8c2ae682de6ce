"""The windows that a whole comparison asks about, drawn so that they meet the visits.

Owns one of every kind of period with its days, school years among them: a deployment's calendars
say when they begin (docs/indicators.md, "A period").
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

from tests.oracle.compare import Window, month_window
from tests.oracle.figures import Oracle

CALENDARS: tuple[tuple[date, tuple[int, int]], ...] = (
    (date(2017, 1, 1), (3, 1)),
    (date(2019, 6, 2), (8, 1)),
)
"""From which day on school years begin on which day: the second makes one of them longer."""


def calendar_calls() -> list[dict[str, Any]]:
    """The calls that tell a server of these calendars."""
    return [
        {
            "op": "calendar",
            "form": {
                "name": f"School years from {since}",
                "valid_from": since.isoformat(),
                "weekly_holidays": ["sunday"],
                "hours": {"opens": "07:30", "closes": "14:30"},
                "school_year": {"starts": f"{month:02d}-{day:02d}"},
            },
        }
        for since, (month, day) in CALENDARS
    ]


def _begins(year: int) -> date:
    """The calendar in force on 31 December decides."""
    held = [begin for since, begin in CALENDARS if since <= date(year, 12, 31)]
    return date(year, *(held[-1] if held else CALENDARS[0][1]))


def _school_year(year: int) -> tuple[date, date]:
    return _begins(year), _begins(year + 1) - timedelta(days=1)


def school_year(year: int) -> Window:
    """The school year that begins in a calendar year; its neighbour is the one before."""
    days = _school_year(year)
    return Window(f"school-year-{year}", *days, earlier=_school_year(year - 1))


def quarter(day: date) -> Window:
    """The quarter of a day."""
    number = (day.month - 1) // 3
    first = month_window(f"{day.year}-{number * 3 + 1:02d}").first
    last = month_window(f"{day.year}-{number * 3 + 3:02d}").last
    return Window(f"{day.year}-Q{number + 1}", first, last)


def days(first: date, last: date) -> Window:
    """Any run of days."""
    return Window(f"{first}..{last}", first, last)


def rolling(length: int, ending: date, *, named: bool) -> Window:
    """So many days up to a day; `named`: the day is told, else it is the server's today."""
    window = Window(f"last-{length}-days", ending - timedelta(days=length - 1), ending)
    return replace(window, ending=ending.isoformat()) if named else window


def one_of_each(rng: Random, oracle: Oracle, today: date) -> list[Window]:
    """A window of every kind; most of them lie about a visit that was drawn."""
    seen = sorted({day for day, _, _ in oracle.visits if day <= today})

    def some() -> date:
        return rng.choice(seen) if seen else today

    day = some()
    begin = some() - timedelta(days=rng.randint(0, 40))
    year = rng.choice((2018, 2019))
    windows = [
        month_window("2018-03"),
        month_window(f"{day:%Y-%m}"),
        quarter(some()),
        school_year(rng.choice((2017, 2018, 2018))),
        Window(f"{year}", date(year, 1, 1), date(year, 12, 31)),
        rolling(rng.choice((7, 28, 90)), some(), named=True),
        rolling(rng.choice((30, 365)), today, named=False),
        days(begin, begin + timedelta(days=rng.randint(10, 200))),
        days(day, day),
    ]
    return list(dict.fromkeys(windows))
