"""When each school year begins, by the calendars of the deployment.

Owns the rule for years in which the calendar changed. Reading calendars is left to the callers.
Pure.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

MonthDay = tuple[int, int]


@dataclass(frozen=True, slots=True)
class SchoolYears:
    """The first day of the school year as (month, day), by the day from which each holds.

    `dated` is in order of its days, never empty; the first also serves the days before it.
    """

    dated: tuple[tuple[date, MonthDay], ...]

    @classmethod
    def since(cls, starts: Mapping[date, MonthDay]) -> "SchoolYears | None":
        """The school years of calendars by their first days; None when none names one."""
        return cls(tuple(sorted(starts.items()))) if starts else None

    def begins(self, year: int) -> date:
        """The first day of the school year that begins in a calendar year.

        The calendar in force on 31 December decides, so that every year has one beginning: where
        the beginning is moved, the school year before becomes longer or shorter, without a gap.
        29 February is 1 March in other years. Raises ValueError for a year that no calendar has.
        """
        place = bisect_right(self.dated, date(year, 12, 31), key=lambda held: held[0])
        month, day = self.dated[max(place - 1, 0)][1]
        try:
            return date(year, month, day)
        except ValueError:
            return date(year, 3, 1)

    def of(self, year: int) -> tuple[date, date]:
        """The first and last day of the school year that begins in a calendar year."""
        return self.begins(year), self.begins(year + 1) - timedelta(days=1)
