"""Periods as people write them: `2018`, `2018-Q1`, `2018-01..2019-05`, days, `last-30-days`.

Owns parsing, length, the period before, the same one a year before, and the months inside. School
years are written `school-year-2018`; when each begins is given by `school_years`.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from shared.domain.days import month_first, month_number
from shared.domain.school_years import SchoolYears
from shared.errors import Problem, invalid


class Kind(StrEnum):
    """How a period was written; it decides what "the period before" means."""

    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"
    MONTHS = "months"
    DAYS = "days"
    ROLLING = "rolling"
    SCHOOL_YEAR = "school_year"


_CALENDAR = frozenset({Kind.YEAR, Kind.QUARTER, Kind.MONTH, Kind.MONTHS})


@dataclass(frozen=True, slots=True)
class Period:
    """A run of days from `first` to `last`, both included, and the words it was asked for in.

    `years` is given for a school year alone: its neighbours begin when it says.
    """

    text: str
    first: date
    last: date
    kind: Kind
    years: SchoolYears | None = None

    @property
    def days(self) -> int:
        """The number of days."""
        return (self.last - self.first).days + 1

    def previous(self) -> "Period":
        """The calendar predecessor of a calendar period, else the same length just before.

        Raises ValueError before the first year of the calendar.
        """
        if self.years is not None:
            return school_year(self.first.year - 1, self.years)
        before = self.first - timedelta(days=1)
        if self.kind in _CALENDAR:
            length = month_number(self.last) - month_number(self.first) + 1
            first = month_first(month_number(self.first) - length)
        else:
            first = self.first - timedelta(days=self.days)
        return _named(first, before, self.kind)

    def year_before(self) -> "Period":
        """The same period of the year before: the same months, else the same days of the month.

        A rolling period keeps its length; 29 February becomes the 28th. Raises ValueError before
        the first year of the calendar.
        """
        if self.years is not None:
            return self.previous()
        if self.kind in _CALENDAR:
            first = month_first(month_number(self.first) - 12)
            last = month_first(month_number(self.last) - 11) - timedelta(days=1)
            return _named(first, last, self.kind)
        last = _year_before(self.last)
        if self.kind is Kind.ROLLING:
            return days(last - timedelta(days=self.days - 1), last)
        return days(_year_before(self.first), last)

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


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def school_year(year: int, years: SchoolYears) -> Period:
    """The school year that begins in a calendar year."""
    first, last = years.of(year)
    return Period(f"school-year-{year:04d}", first, last, Kind.SCHOOL_YEAR, years)


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
_SCHOOL_YEAR = re.compile(r"school-year-(\d{4})")


def _months(first: str, last: str, text: str, kind: Kind) -> Period:
    start, end = date.fromisoformat(f"{first}-01"), date.fromisoformat(f"{last}-01")
    return Period(text, start, month_first(month_number(end) + 1) - timedelta(days=1), kind)


def names_school_year(text: str) -> bool:
    """Whether a period is written as a school year, so that the calendar is needed to read it."""
    return _SCHOOL_YEAR.fullmatch(text) is not None


def parse_period(
    text: str, today: date, ending: date | None = None, years: SchoolYears | None = None
) -> Period:
    """Read a period; `ending` moves the anchor of a rolling one, which is otherwise `today`.

    `years` says when school years begin. Raises Problem 422 `invalid_period` for words that are
    none and for reversed periods, `no_school_year` for a school year where none is configured.
    """
    if years is None and names_school_year(text):
        detail = "The calendar does not say when a school year begins: see /v1/calendar."
        raise invalid("/query/period", "no_school_year", detail)
    try:
        period = _parse(text, ending or today, years)
    except (ValueError, OverflowError):
        period = None
    if period is None:
        raise invalid(
            "/query/period",
            "invalid_period",
            "A period is written 2018, 2018-Q1, 2018-03, 2018-01..2019-05, "
            "2018-03-01..2018-04-15, 2018-03-05, last-30-days or school-year-2018.",
        )
    if period.last < period.first:
        raise invalid("/query/period", "invalid_period", "The period ends before it begins.")
    return period


def _parse(text: str, anchor: date, years: SchoolYears | None) -> Period | None:
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
    if (named := _SCHOOL_YEAR.fullmatch(text)) and years is not None:
        return school_year(int(named[1]), years)
    if _DAY.fullmatch(text):
        return Period(text, date.fromisoformat(text), date.fromisoformat(text), Kind.DAYS)
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


__all__ = [
    "Kind",
    "Period",
    "Problem",
    "SchoolYears",
    "days",
    "names_school_year",
    "parse_day",
    "parse_period",
    "school_year",
]
