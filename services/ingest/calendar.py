"""The school calendar that flags are judged by: weekly and gazetted holidays, hours, vacations.

Owns the values, and which calendar holds on a day; a visit on a day off is flagged, never refused.
How a calendar is written, and the default, are left to `calendar_form`.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Generic, TypeVar

T = TypeVar("T")
MonthDay = tuple[int, int]
Span = tuple[MonthDay, MonthDay]
DatedSpan = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days and hours on which a school is expected to be at work.

    `weekly` holds weekdays (Monday is 0), `yearly` days of every year; `vacations` maps a zone, in
    small letters, to inclusive spans of (month, day), which may run over the end of the year, and
    `dated` to spans of one year. A school without a zone is of the `default_zone`, if there is one.
    """

    weekly: frozenset[int]
    yearly: frozenset[MonthDay]
    holidays: frozenset[date]
    opens: time
    closes: time
    vacations: Mapping[str, tuple[Span, ...]]
    dated: Mapping[str, tuple[DatedSpan, ...]] = field(default_factory=dict)
    default_zone: str | None = None

    def is_holiday(self, day: date) -> bool:
        """Whether nobody is expected at school on a day, vacations apart."""
        if day.weekday() in self.weekly or day in self.holidays:
            return True
        return (day.month, day.day) in self.yearly

    def is_vacation(self, day: date, zone: str | None) -> bool:
        """Whether a day lies in the vacation of a zone; an unknown zone has none."""
        name = zone or self.default_zone
        if name is None:
            return False
        name = name.lower()
        at = (day.month, day.day)
        # A plain loop: every visit comes through here, with a span or two to be held against.
        for span in self.vacations.get(name, ()):
            if _within(at, span):
                return True
        dated = self.dated.get(name)
        return dated is not None and any(first <= day <= last for first, last in dated)

    def in_hours(self, local: datetime) -> bool:
        """Whether a local time lies in school hours, both ends included."""
        return self.opens <= local.time() <= self.closes


def _within(at: MonthDay, span: Span) -> bool:
    first, last = span
    if first <= last:
        return first <= at <= last
    return at >= first or at <= last


class Dated(Generic[T]):
    """Values by the day from which each holds, until the next; the first serves the days before.

    The default holds from `first_day` on, unless something else does.
    """

    def __init__(self, default: T, first_day: int) -> None:
        self._default = (first_day, default)
        self.apply({})

    def apply(self, stored: Mapping[int, T]) -> None:
        """Take what is stored, by first days (days since 1970-01-01)."""
        first, default = self._default
        dated = {first: default} | dict(stored)
        self._days = sorted(dated)
        self._values = [dated[day] for day in self._days]

    def on(self, day: int) -> T:
        """What holds on a day."""
        if len(self._days) == 1:
            return self._values[0]
        return self._values[max(bisect_right(self._days, day) - 1, 0)]
