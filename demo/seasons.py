"""The school year of 2018 and 2019 as the demonstration lives it.

Owns weekly and gazetted holidays, the vacations of the two zones, Ramadan and harvest, by day
counted from 2018-01-01. What ingest flags follows ingest's own calendar, not this one.
"""

from datetime import date

import numpy as np

from demo.register import DAYS, FIRST_DAY, Flags, day_of

SUMMER, WINTER = 0, 1

_HOLIDAYS = [
    (date(2018, 2, 5), date(2018, 2, 5)),
    (date(2018, 3, 23), date(2018, 3, 23)),
    (date(2018, 5, 1), date(2018, 5, 1)),
    (date(2018, 6, 15), date(2018, 6, 18)),
    (date(2018, 7, 25), date(2018, 7, 25)),
    (date(2018, 8, 14), date(2018, 8, 14)),
    (date(2018, 8, 21), date(2018, 8, 24)),
    (date(2018, 9, 20), date(2018, 9, 21)),
    (date(2018, 11, 21), date(2018, 11, 21)),
    (date(2018, 12, 25), date(2018, 12, 25)),
    (date(2019, 2, 5), date(2019, 2, 5)),
    (date(2019, 3, 23), date(2019, 3, 23)),
    (date(2019, 5, 1), date(2019, 5, 1)),
]
_VACATIONS = {
    SUMMER: [(date(2018, 6, 1), date(2018, 7, 31)), (date(2018, 12, 22), date(2018, 12, 31))],
    WINTER: [
        (date(2017, 12, 16), date(2018, 2, 28)),
        (date(2018, 7, 16), date(2018, 7, 25)),
        (date(2018, 12, 16), date(2019, 2, 28)),
    ],
}
_RAMADAN = [(date(2018, 5, 17), date(2018, 6, 14)), (date(2019, 5, 7), date(2019, 5, 31))]
_HARVEST = [
    (date(2018, 4, 1), date(2018, 4, 25)),
    (date(2018, 10, 20), date(2018, 11, 20)),
    (date(2019, 4, 1), date(2019, 4, 25)),
]


def _marked(spans: list[tuple[date, date]]) -> Flags:
    """Return which days lie in one of the spans, both ends included."""
    days = np.zeros(DAYS, dtype=np.bool_)
    for first, last in spans:
        start, end = (first - FIRST_DAY).days, (last - FIRST_DAY).days
        days[max(start, 0) : end + 1] = True
    return days


def working_days() -> Flags:
    """Return the days on which monitors go out: no Sundays, no gazetted holidays."""
    sundays = np.array([day_of(day).isoweekday() == 7 for day in range(DAYS)])
    return np.asarray(~sundays & ~_marked(_HOLIDAYS))


def vacation(zone: int) -> Flags:
    """Return the days on which the schools of a zone are on vacation."""
    return _marked(_VACATIONS[zone])


def ramadan() -> Flags:
    """Return the days of Ramadan, when schools close early and attendance falls."""
    return _marked(_RAMADAN)


def harvest() -> Flags:
    """Return the days on which children of the plains help with the harvest."""
    return _marked(_HARVEST)
