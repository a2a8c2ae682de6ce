"""Periods as people write them: `2018`, `2018-Q1`, `2018-01..2019-05`, days, `last-30-days`.

Owns parsing, length, the calendar predecessor and the months inside; which school years there are
is left to the calendar.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from shared.domain.days import month_first, month_number
from shared.errors import Problem, invalid


class Kind(StrEnum):
    """How a period was written; it decides what "the period before" means."""

    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"
    MONTHS = "months"
    DAYS = "days"
    ROLLING = "rolling"


@dataclass(frozen=True, slots=True)
class Period:
    """A run of days from `first` to `last`, both included, and the words it was asked for in."""

    text: str
    first: date
    last: date
    kind: Kind

    @property
    def days(self) -> int:
        """The number of days."""
        return (self.last - self.first).days + 1

    def previous(self) -> "Period":
        """The calendar predecessor of a calendar period, else the same length just before."""
        before = self.first - timedelta(days=1)
        if self.kind in {Kind.YEAR, Kind.QUARTER, Kind.MONTH, Kind.MONTHS}:
            length = month_number(self.last) - month_number(self.first) + 1
            first = month_first(month_number(self.first) - length)
        else:
            first = self.first - timedelta(days=self.days)
        return _named(first, before, self.kind)

    def months(self) -> list["Period"]:
        """The calendar months touched, the outer ones cut to the period."""
        pieces = []
        for month in range(month_number(self.first), month_number(self.last) + 1):
            first, last = month_first(month), month_first(month + 1) - timedelta(days=1)
            whole = first >= self.first and last <= self.last
            cut = (max(first, self.first), min(last, self.last))
            pieces.append(
                Period(f"{first:%Y-%m}", first, last, Kind.MONTH) if whole else days(*cut)
            )
        return pieces


def days(first: date, last: date) -> Period:
    """A period of days."""
    return Period(f"{first.isoformat()}..{last.isoformat()}", first, last, Kind.DAYS)


def _named(first: date, last: date, kind: Kind) -> Period:
    if kind is Kind.YEAR:
        return Period(f"{first.year:04d}", first, last, kind)
    if kind is Kind.QUARTER:
        return Period(f"{first.year:04d}-Q{(first.month + 2) // 3}", first, last, kind)
    if kind is Kind.MONTH:
        return Period(f"{first:%Y-%m}", first, last, kind)
    if kind is Kind.MONTHS:
        return Period(f"{first:%Y-%m}..{last:%Y-%m}", first, last, kind)
    return days(first, last)


_YEAR = re.compile(r"\d{4}")
_QUARTER = re.compile(r"(\d{4})-Q([1-4])")
_MONTH = re.compile(r"\d{4}-\d{2}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_ROLLING = re.compile(r"last-([1-9]\d{0,3})-days")


def _months(first: str, last: str, text: str, kind: Kind) -> Period:
    start, end = date.fromisoformat(f"{first}-01"), date.fromisoformat(f"{last}-01")
    return Period(text, start, month_first(month_number(end) + 1) - timedelta(days=1), kind)


def parse_period(text: str, today: date, ending: date | None = None) -> Period:
    """Read a period; `ending` moves the anchor of a rolling one, which is otherwise `today`.

    Raises Problem 422 `invalid_period` for words that are none and for reversed periods.
    """
    try:
        period = _parse(text, ending or today)
    except (ValueError, OverflowError):
        period = None
    if period is None:
        raise invalid(
            "/query/period",
            "invalid_period",
            "A period is written 2018, 2018-Q1, 2018-03, 2018-01..2019-05, "
            "2018-03-01..2018-04-15 or last-30-days.",
        )
    if period.last < period.first:
        raise invalid("/query/period", "invalid_period", "The period ends before it begins.")
    return period


def _parse(text: str, anchor: date) -> Period | None:
    if _YEAR.fullmatch(text):
        return _months(f"{text}-01", f"{text}-12", text, Kind.YEAR)
    if quarter := _QUARTER.fullmatch(text):
        year, number = quarter[1], int(quarter[2])
        return _months(
            f"{year}-{number * 3 - 2:02d}", f"{year}-{number * 3:02d}", text, Kind.QUARTER
        )
    if _MONTH.fullmatch(text):
        return _months(text, text, text, Kind.MONTH)
    if rolling := _ROLLING.fullmatch(text):
        return Period(text, anchor - timedelta(days=int(rolling[1]) - 1), anchor, Kind.ROLLING)
    first, separator, last = text.partition("..")
    if separator and _MONTH.fullmatch(first) and _MONTH.fullmatch(last):
        return _months(first, last, text, Kind.MONTHS)
    if separator and _DAY.fullmatch(first) and _DAY.fullmatch(last):
        return Period(text, date.fromisoformat(first), date.fromisoformat(last), Kind.DAYS)
    return None


def parse_day(text: str, pointer: str) -> date:
    """Read an ISO date; raises Problem 422 `invalid_date` naming `pointer`."""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise invalid(pointer, "invalid_date", "A date is written 2018-03-01.")


__all__ = ["Kind", "Period", "Problem", "days", "parse_day", "parse_period"]
