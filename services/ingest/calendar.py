"""The school calendar that flags are judged by: weekly and gazetted holidays, hours, vacations.

Owns the value and Balochistan's default; a visit on a day off is flagged, never refused. Lunar
holidays are those the federal government gazetted for 2018 and 2019.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

MonthDay = tuple[int, int]
Span = tuple[MonthDay, MonthDay]
_SUNDAY: Final = 6


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days and hours on which a school is expected to be at work.

    `weekly` holds weekdays (Monday is 0), `yearly` days of every year; `vacations` maps a zone to
    inclusive spans of (month, day), which may run over the end of the year.
    """

    weekly: frozenset[int]
    yearly: frozenset[MonthDay]
    holidays: frozenset[date]
    opens: time
    closes: time
    vacations: dict[str, tuple[Span, ...]]

    def is_holiday(self, day: date) -> bool:
        """Whether nobody is expected at school on a day, vacations apart."""
        if day.weekday() in self.weekly or day in self.holidays:
            return True
        return (day.month, day.day) in self.yearly

    def is_vacation(self, day: date, zone: str | None) -> bool:
        """Whether a day lies in the vacation of a zone; an unknown zone has none."""
        if zone is None:
            return False
        at = (day.month, day.day)
        spans = self.vacations.get(zone) or self.vacations.get(zone.lower())
        return spans is not None and any(_within(at, span) for span in spans)

    def in_hours(self, local: datetime) -> bool:
        """Whether a local time lies in school hours, both ends included."""
        return self.opens <= local.time() <= self.closes


def _within(at: MonthDay, span: Span) -> bool:
    first, last = span
    if first <= last:
        return first <= at <= last
    return at >= first or at <= last


_COLD: Final[tuple[Span, ...]] = (((12, 16), (2, 29)),)
_HOT: Final[tuple[Span, ...]] = (((6, 1), (7, 31)), ((12, 22), (12, 31)))

_EVERY_YEAR: Final[tuple[MonthDay, ...]] = ((2, 5), (3, 23), (5, 1), (8, 14), (12, 25))
_GAZETTED: Final[tuple[tuple[int, int, int], ...]] = (
    # 2018: Eid-ul-Fitr, general election, Eid-ul-Azha, Ashura, Eid Milad-un-Nabi
    (2018, 6, 15), (2018, 6, 16), (2018, 6, 17), (2018, 6, 18), (2018, 7, 25),
    (2018, 8, 21), (2018, 8, 22), (2018, 8, 23), (2018, 9, 20), (2018, 9, 21), (2018, 11, 21),
    # 2019: Eid-ul-Fitr, Eid-ul-Azha, Ashura, Eid Milad-un-Nabi
    (2019, 6, 4), (2019, 6, 5), (2019, 6, 6), (2019, 6, 7),
    (2019, 8, 12), (2019, 8, 13), (2019, 8, 15), (2019, 9, 9), (2019, 9, 10), (2019, 11, 10),
)  # fmt: skip


def balochistan() -> Calendar:
    """Balochistan's calendar: Sundays off, winter zone closed in winter, summer zone in summer."""
    return Calendar(
        weekly=frozenset({_SUNDAY}),
        yearly=frozenset(_EVERY_YEAR),
        holidays=frozenset(date(*day) for day in _GAZETTED),
        opens=time(7, 30),
        closes=time(14, 30),
        vacations={
            "winter": _COLD,
            "winter_zone": _COLD,
            "cold": _COLD,
            "summer": _HOT,
            "summer_zone": _HOT,
            "hot": _HOT,
        },
    )
