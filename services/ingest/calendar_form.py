"""How a calendar is written: the wire form, what is wrong with one, and Balochistan's default.

Owns names, types and checks; storing is left to `calendar_store`. Lunar holidays of the default are
those the federal government gazetted for 2018 and 2019.
"""

from collections.abc import Iterable, Iterator
from datetime import date, time
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from services.ingest.calendar import Calendar, DatedSpan, MonthDay, Span
from shared.errors import FieldError

CALENDARS_SQL = "SELECT valid_from,data FROM calendars ORDER BY version"
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LEAP_YEAR = 2000
Word = Annotated[str, Meta(min_length=1, max_length=100)]
Name = Annotated[str, Meta(min_length=1, max_length=300)]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Yearly = Annotated[str, Meta(pattern=r"^[0-1][0-9]-[0-3][0-9]\Z", description="MM-DD")]
Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z", description="HH:MM")]
Bound = Annotated[
    str,
    Meta(
        pattern=r"^([0-9]{4}-)?[0-1][0-9]-[0-3][0-9]\Z",
        description="MM-DD of every year, or YYYY-MM-DD",
    ),
]


class _Form(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class YearlyHoliday(_Form):
    """A holiday on the same day of every year."""

    day: Yearly
    name: Name | None = None


class Holiday(_Form):
    """A gazetted holiday."""

    date: date
    name: Name | None = None


class Hours(_Form):
    """When schools are at work, both ends included, by local time."""

    opens: Clock
    closes: Clock


class Vacation(_Form, rename={"from_": "from"}):
    """A span of days, both ends included; of every year when both are written MM-DD."""

    from_: Bound
    to: Bound
    name: Name | None = None


class Zone(_Form):
    """A zone of schools by the word the register has for it, or one of `also`."""

    zone: Word
    also: Annotated[list[Word], Meta(max_length=50)] = []
    vacations: Annotated[list[Vacation], Meta(max_length=200)] = []


class SchoolYear(_Form):
    """The first day of the school year."""

    starts: Yearly


class CalendarIn(_Form):
    """A calendar as it holds from `valid_from` on.

    `first_day` and `look_back_days` are the deployment's: they may be given when they are equal.
    """

    name: Name
    weekly_holidays: Annotated[list[Weekday], Meta(max_length=7)]
    hours: Hours
    yearly_holidays: Annotated[list[YearlyHoliday], Meta(max_length=366)] = []
    holidays: Annotated[list[Holiday], Meta(max_length=2_000)] = []
    zones: Annotated[list[Zone], Meta(max_length=100)] = []
    default_zone: Word | None = None
    school_year: SchoolYear | None = None
    valid_from: date | None = None
    first_day: date | None = None
    look_back_days: int | None = None


def month_day(text: str) -> MonthDay | None:
    """(month, day) of MM-DD, or None when no year has such a day."""
    month, day = int(text[:2]), int(text[3:])
    try:
        date(_LEAP_YEAR, month, day)
    except ValueError:
        return None
    return month, day


def _day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def calendar_faults(form: CalendarIn) -> Iterator[FieldError]:
    """What is wrong with a calendar beyond its types."""
    if form.hours.opens >= form.hours.closes:
        yield FieldError("/hours/closes", "closes_before_opens", "Schools close after they open.")
    for place, holiday in enumerate(form.yearly_holidays):
        if month_day(holiday.day) is None:
            yield _no_day(f"/yearly_holidays/{place}/day")
    if form.school_year is not None and month_day(form.school_year.starts) is None:
        yield _no_day("/school_year/starts")
    known: set[str] = set()
    for place, zone in enumerate(form.zones):
        names = {name.lower() for name in (zone.zone, *zone.also)}
        if names & known:
            detail = "Each word stands for one zone."
            yield FieldError(f"/zones/{place}/zone", "zone_given_twice", detail)
        known |= names
        for number, vacation in enumerate(zone.vacations):
            yield from _vacation_faults(vacation, f"/zones/{place}/vacations/{number}")
    if form.default_zone is not None and form.default_zone.lower() not in known:
        yield FieldError("/default_zone", "unknown_zone", "The default zone is one of the zones.")


def _vacation_faults(vacation: Vacation, pointer: str) -> Iterator[FieldError]:
    bounds = {"from": vacation.from_, "to": vacation.to}
    if len(vacation.from_) != len(vacation.to):
        detail = "Both ends are written MM-DD, or both YYYY-MM-DD."
        yield FieldError(f"{pointer}/to", "mixed_dates", detail)
        return
    yearly = len(vacation.from_) == len("MM-DD")
    read = {name: month_day(text) if yearly else _day_of(text) for name, text in bounds.items()}
    bad = [name for name, value in read.items() if value is None]
    for name in bad:
        yield _no_day(f"{pointer}/{name}")
    if not bad and not yearly and vacation.from_ > vacation.to:
        yield FieldError(f"{pointer}/to", "reversed", "A vacation ends after it begins.")


def _no_day(pointer: str) -> FieldError:
    return FieldError(pointer, "invalid_date", "There is no such day.")


def calendar_of(form: CalendarIn) -> Calendar:
    """The value of a form without faults."""
    spans: dict[str, tuple[Span, ...]] = {}
    dated: dict[str, tuple[DatedSpan, ...]] = {}
    for zone in form.zones:
        yearly = [v for v in zone.vacations if len(v.from_) == len("MM-DD")]
        others = [v for v in zone.vacations if len(v.from_) != len("MM-DD")]
        for name in (zone.zone, *zone.also):
            spans[name.lower()] = tuple((_sure(v.from_), _sure(v.to)) for v in yearly)
            dated[name.lower()] = tuple(
                (date.fromisoformat(v.from_), date.fromisoformat(v.to)) for v in others
            )
    return Calendar(
        weekly=frozenset(_DAYS.index(day) for day in form.weekly_holidays),
        yearly=frozenset(_sure(holiday.day) for holiday in form.yearly_holidays),
        holidays=frozenset(holiday.date for holiday in form.holidays),
        opens=time.fromisoformat(form.hours.opens),
        closes=time.fromisoformat(form.hours.closes),
        vacations=MappingProxyType(spans),
        dated=MappingProxyType(dated),
        default_zone=form.default_zone,
    )


def _sure(text: str) -> MonthDay:
    return int(text[:2]), int(text[3:])


def calendar_text(form: CalendarIn) -> str:
    """What is stored of a calendar: its form as JSON, without the day that is its key."""
    document: dict[str, Any] = msgspec.to_builtins(form)
    for name in ("valid_from", "first_day", "look_back_days"):
        document.pop(name, None)
    return msgspec.json.encode(document).decode()


def calendars_of(rows: Iterable[Any]) -> dict[int, Calendar]:
    """The calendars of rows of `CALENDARS_SQL`, by the days from which they hold."""
    return {day: calendar_of(form_of(text)) for day, text in rows}


def form_of(text: str) -> CalendarIn:
    """The form that was stored."""
    return msgspec.json.decode(text, type=CalendarIn)


_YEARLY = (
    ("02-05", "Kashmir Day"),
    ("03-23", "Pakistan Day"),
    ("05-01", "Labour Day"),
    ("08-14", "Independence Day"),
    ("12-25", "Quaid-e-Azam Day"),
)
_GAZETTED = (
    ("Eid-ul-Fitr", ("2018-06-15", "2018-06-16", "2018-06-17", "2018-06-18")),
    ("General election", ("2018-07-25",)),
    ("Eid-ul-Azha", ("2018-08-21", "2018-08-22", "2018-08-23")),
    ("Ashura", ("2018-09-20", "2018-09-21")),
    ("Eid Milad-un-Nabi", ("2018-11-21",)),
    ("Eid-ul-Fitr", ("2019-06-04", "2019-06-05", "2019-06-06", "2019-06-07")),
    ("Eid-ul-Azha", ("2019-08-12", "2019-08-13", "2019-08-15")),
    ("Ashura", ("2019-09-09", "2019-09-10")),
    ("Eid Milad-un-Nabi", ("2019-11-10",)),
)


def balochistan() -> CalendarIn:
    """Balochistan's calendar: Sundays off, winter zone closed in winter, summer zone in summer."""
    return CalendarIn(
        name="Balochistan",
        weekly_holidays=["sunday"],
        hours=Hours(opens="07:30", closes="14:30"),
        yearly_holidays=[YearlyHoliday(day=day, name=name) for day, name in _YEARLY],
        holidays=[
            Holiday(date=date.fromisoformat(day), name=name)
            for name, days in _GAZETTED
            for day in days
        ],
        zones=[
            Zone(
                zone="winter",
                also=["winter_zone", "cold"],
                vacations=[Vacation(from_="12-16", to="02-29", name="Winter vacation")],
            ),
            Zone(
                zone="summer",
                also=["summer_zone", "hot"],
                vacations=[
                    Vacation(from_="06-01", to="07-31", name="Summer vacation"),
                    Vacation(from_="12-22", to="12-31", name="Winter break"),
                ],
            ),
        ],
        school_year=SchoolYear(starts="03-01"),
    )
