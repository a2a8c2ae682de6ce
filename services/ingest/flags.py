"""What makes a visit unlikely: flags for review, from the form, the calendar and the register.

Owns the F rules that need no other visit; a flagged visit is stored and counted all the same.
What makes a visit impossible is left to `rules`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt

from msgspec import Struct

from services.ingest.calendar import Calendar
from services.ingest.rules import SEXES, STAFF_SEXES
from services.ingest.schemas import (
    Grade,
    Location,
    Oversight,
    Posts,
    Pupils,
    Students,
    Teachers,
    VisitForm,
)

_EARTH_M = 6_371_008.8
_DEGREE_M = radians(_EARTH_M)
_FULL_FROM = 30
_SHORT = timedelta(minutes=10)
_OFFICIAL_DAYS = 30


class Flag(Struct, frozen=True):
    """A reason to look at a visit: its code and the field it is about."""

    code: str
    pointer: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Distances in metres beyond which a visit is flagged as made elsewhere."""

    distance_m: float = 500
    distance_poor_m: float = 1_500
    poor_accuracy_m: float = 100


@dataclass(frozen=True, slots=True)
class SchoolFacts:
    """What the register says of a school on a day; `early` before its first record."""

    gender: str | None = None
    zone: str | None = None
    lat: float | None = None
    lon: float | None = None
    sanctioned: int | None = None
    early: bool = False


def flag(
    visit: VisitForm, local: datetime, facts: SchoolFacts | None, calendar: Calendar, limits: Limits
) -> list[Flag]:
    """The flags of a visit at `local` time to a school with `facts` (None: not registered)."""
    flags: list[Flag] = []
    _by_form(visit, local, flags)
    _by_calendar(visit, local, calendar, flags)
    if facts is not None:
        _by_register(visit, local, facts, calendar, limits, flags)
    if visit.teachers is not None and _overstaffed(visit.teachers, facts):
        flags.append(Flag("posted_exceeds_sanctioned", "/teachers/sanctioned"))
    return flags


def _by_form(visit: VisitForm, local: datetime, flags: list[Flag]) -> None:
    if visit.students is not None and _full_attendance(visit.students):
        flags.append(Flag("full_attendance", "/students"))
    rooms = visit.rooms
    # An open-air count that was not given is not measured: only a 0 says that there was none.
    open_air = rooms.open_air_classes if rooms is not None else None
    if rooms is not None and rooms.usable == 0 and open_air == 0 and visit.status == "open":
        flags.append(Flag("no_usable_room", "/rooms/usable"))
    if visit.status == "closed_permanently":
        flags.append(Flag("permanent_closure_reported", "/status"))
    if visit.oversight is not None and _contradicts(visit.oversight, local):
        flags.append(Flag("official_visit_contradicted", "/oversight/official_visit_last_30_days"))
    if visit.location is not None and visit.location.mock:
        flags.append(Flag("mock_location", "/location/mock"))


def _by_calendar(visit: VisitForm, local: datetime, calendar: Calendar, flags: list[Flag]) -> None:
    if visit.ended_at is not None and visit.ended_at - visit.visited_at < _SHORT:
        flags.append(Flag("short_visit", "/ended_at"))
    if not calendar.in_hours(local):
        flags.append(Flag("outside_school_hours", "/visited_at"))
    if calendar.is_holiday(local.date()):
        flags.append(Flag("holiday", "/visited_at"))


def _full_attendance(students: Students) -> bool:
    """Everybody present in every cell of at least 30 pupils, and there is such a cell."""
    large = _large_cells(students)
    for grade in students.grades or ():
        if large < 0:
            break
        more = _large_cells(grade)
        large = more if more < 0 else large + more
    return large > 0


def _large_cells(group: Students | Grade) -> int:
    """How many cells of at least 30 pupils a group has, or -1 when somebody is absent in one."""
    large = 0
    for sex in SEXES:
        cell: Pupils | None = getattr(group, sex)
        if cell is None or cell.present is None or cell.enrolled is None:
            continue
        if cell.enrolled >= _FULL_FROM:
            if cell.present != cell.enrolled:
                return -1
            large += 1
    return large


def _overstaffed(teachers: Teachers, facts: SchoolFacts | None) -> bool:
    sanctioned = teachers.sanctioned
    if sanctioned is None and facts is not None:
        sanctioned = facts.sanctioned
    if sanctioned is None:
        return False
    posted = 0
    for sex in STAFF_SEXES:
        cell: Posts | None = getattr(teachers, sex)
        if cell is not None:
            posted += cell.posted or 0
    return posted > sanctioned


def _contradicts(oversight: Oversight, local: datetime) -> bool:
    """Whether the date of the officials' last visit denies the answer beside it."""
    answer, last = oversight.official_visit_last_30_days, oversight.last_official_visit
    if answer is None or last is None:
        return False
    age = (local.date() - last).days
    return age > _OFFICIAL_DAYS if answer else age < _OFFICIAL_DAYS


def _by_register(
    visit: VisitForm,
    local: datetime,
    facts: SchoolFacts,
    calendar: Calendar,
    limits: Limits,
    flags: list[Flag],
) -> None:
    if facts.early:
        flags.append(Flag("before_register", "/school_code"))
    if calendar.is_vacation(local.date(), facts.zone):
        flags.append(Flag("vacation", "/visited_at"))
    if visit.location is not None and _far(visit.location, facts, limits):
        flags.append(Flag("far_from_school", "/location"))
    girls = visit.students.girls if visit.students is not None else None
    if facts.gender == "boys" and girls is not None and (girls.enrolled or girls.present):
        flags.append(Flag("girls_in_boys_school", "/students/girls"))


def _far(location: Location, facts: SchoolFacts, limits: Limits) -> bool:
    if location.lat is None or location.lon is None or facts.lat is None or facts.lon is None:
        return False
    poor = location.accuracy_m is not None and location.accuracy_m > limits.poor_accuracy_m
    allowed = limits.distance_poor_m if poor else limits.distance_m
    # Going along a meridian and then along a parallel is never shorter: most visits end here.
    detour = abs(location.lat - facts.lat) + abs(location.lon - facts.lon)
    if detour * _DEGREE_M <= allowed:
        return False
    return metres(location.lat, location.lon, facts.lat, facts.lon) > allowed


def metres(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance of two points given in degrees (haversine, mean radius)."""
    north = radians(lat2 - lat1)
    east = radians(lon2 - lon1)
    half = sin(north / 2) ** 2 + cos(radians(lat1)) * cos(radians(lat2)) * sin(east / 2) ** 2
    return 2 * _EARTH_M * asin(min(1.0, sqrt(half)))
