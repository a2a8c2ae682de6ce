"""From the wire form to its measures (02 §1, §4, §5).

Owns the meaning of every field of the form for the figures: what answers an indicator, what
answers a stock group. Limits and contradictions are ingest's to refuse; an absent field is not
measured, never 0. Knows nothing of registers, days or supersession. Pure, and lean: this runs
once per visit of every fold and rebuild.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from services.indicators.measures import (
    BIT,
    CLUBS,
    ENVIRONMENT,
    FLOW,
    KINDS,
    KNOWN,
    PEOPLE,
    POSTS,
    PROCURE,
    PROCUREMENT,
    ROOMS,
    STATUS,
    STOCK,
    TOILET,
    TOILETS,
    F,
    S,
)


class Pupils(msgspec.Struct, gc=False):
    """One cell of students; None is not measured."""

    enrolled: int | None = None
    present: int | None = None


class Students(msgspec.Struct, gc=False):
    """Students by sex; grades are checked by ingest and not measured here."""

    boys: Pupils | None = None
    girls: Pupils | None = None
    unspecified: Pupils | None = None


class Staff(msgspec.Struct, gc=False):
    """One cell of staff."""

    posted: int | None = None
    present: int | None = None
    on_leave: int | None = None
    on_duty: int | None = None
    absent: int | None = None


class StaffGroup(msgspec.Struct, gc=False):
    """Staff by sex."""

    male: Staff | None = None
    female: Staff | None = None
    unspecified: Staff | None = None


class Rooms(msgspec.Struct, gc=False):
    """Rooms; any field answers the group, the pair answers the indicator."""

    available: int | None = None
    usable: int | None = None
    classrooms_used: int | None = None
    open_air_classes: int | None = None


class Toilet(msgspec.Struct, gc=False):
    """One kind of toilet."""

    available: int | None = None
    usable: int | None = None


class Toilets(msgspec.Struct, gc=False):
    """Toilets by kind; any field answers the group."""

    boys: Toilet | None = None
    girls: Toilet | None = None
    shared: Toilet | None = None
    staff: Toilet | None = None
    handwash: bool | None = None
    soap: bool | None = None


class Oversight(msgspec.Struct, gc=False):
    """Visits of education officials as the school's log shows them."""

    official_visit_last_30_days: bool | None = None
    visitor_post: str | None = None


class Participation(msgspec.Struct, gc=False):
    """Clubs and procurement meetings."""

    child_club_formed: bool | None = None
    feeder_attended_procurement: str | None = None
    procurement_meeting_held: Any = None


class Form(msgspec.Struct, gc=False):
    """The measured part of the wire form (02 §1); unknown fields are ignored."""

    status: str
    visit_type: str | None = None
    closure_reason: str | None = None
    monitor_id: str | None = None
    students: Students | None = None
    teachers: StaffGroup | None = None
    non_teaching: StaffGroup | None = None
    rooms: Rooms | None = None
    toilets: Toilets | None = None
    oversight: Oversight | None = None
    participation: Participation | None = None
    environment: dict[str, Any] | None = None


class Measured(NamedTuple):
    """A visit's measures: flow and stock rows, stock groups answered, mask of pairs answered."""

    flow: list[int]
    stock: list[int]
    groups: int
    mask: int


def read_form(form: Mapping[str, Any]) -> Form:
    """Convert a form of plain dicts; raises msgspec.ValidationError when a type is wrong."""
    return msgspec.convert(form, Form)


_FLOW_ZERO = [0] * len(FLOW)
_STOCK_ZERO = [0] * len(STOCK)
_KIND = {kind: (F[f"visits_{kind}"], BIT[f"visits_{kind}"]) for kind in KINDS}
_POST = {post: (F[f"official_{post}_yes"], BIT[f"official_{post}_answered"]) for post in POSTS}
_PEOPLE = {
    people: (
        BIT[f"{people}_answered"],
        tuple(
            (F[f"{people}_{split}_present"], BIT[f"{people}_{split}_answered"]) for split in splits
        ),
        F[f"{people}_answered"],
    )
    for people, splits, _ in PEOPLE
}
_STUDENTS, _TEACHERS, _OTHERS = (_PEOPLE[people] for people, _, _ in PEOPLE)
_OFFICIAL, _OFFICIAL_BIT = F["official_yes"], BIT["official_answered"]
_ENV = F["environment_yes"]
_ENV80 = F["environment_visits_80"]
_LEAVE = F["teachers_on_leave"]
_CLOSED_STAFF = F["closed_staff_posted"]
_NOT_OPEN = frozenset(("closed_temporarily", "closed_permanently", "not_found", "merged"))
_CLOSURES = frozenset(("closed_temporarily", "closed_permanently"))
_ROOMS = S["rooms_usable"]
_TOILET_PLACES = tuple(S[f"toilets_{kind}_usable"] for kind in TOILETS)
_TOILETS_ANSWERED = S["toilets_answered"]
_NO_TOILET = S["no_toilet"]
_KNOWN = S["known"]
_STATUS = S["status_open"]
_CLUB = S["club_yes"]
_PROCURE = {word: S[f"procurement_{word}"] for word in PROCUREMENT}
_PROCURE_ANSWERED = S["procurement_answered"]
_PROCURE_WORDS = frozenset((*PROCUREMENT, "no_meeting_held", "dont_know"))


def measure(form: Form) -> Measured:
    """Measure one visit; an indicator is answered when both halves of its pair are given."""
    flow = _FLOW_ZERO.copy()
    flow[0] = 1
    mask = 1
    kind = _KIND.get(form.visit_type or "routine")
    if kind is not None:
        flow[kind[0]] = 1
        mask |= kind[1]
    if form.status == "open":
        mask |= _attendance(form, flow)
        if form.environment:
            mask |= _environment(form.environment, flow)
    elif form.closure_reason == "staff_absent" and form.teachers is not None:
        staff = form.teachers
        for cell in (staff.male, staff.female, staff.unspecified):
            if cell is not None and cell.posted is not None:
                flow[_CLOSED_STAFF] += cell.posted
    oversight = form.oversight
    if oversight is not None and oversight.official_visit_last_30_days is not None:
        mask |= _official(oversight.official_visit_last_30_days, oversight.visitor_post, flow)
    stock = _STOCK_ZERO.copy()
    return tuple.__new__(Measured, (flow, stock, _stock(form, stock), mask))


def _attendance(form: Form, flow: list[int]) -> int:
    """Fill the attendance of an open visit; returns its mask bits."""
    mask = 0
    students = form.students
    if students is not None:
        total, places, answered = _STUDENTS
        # One after the other, not in a loop: this is done for every visit of every fold.
        if (pupils := students.boys) is not None:
            mask = _pupils(pupils, places[0], flow)
        if (pupils := students.girls) is not None:
            mask |= _pupils(pupils, places[1], flow)
        if (pupils := students.unspecified) is not None:
            mask |= _pupils(pupils, places[2], flow)
        if mask:
            flow[answered] = 1
            mask |= total
    if (teachers := form.teachers) is not None:
        mask |= _staff(teachers, _TEACHERS, flow, _LEAVE)
    if (others := form.non_teaching) is not None:
        mask |= _staff(others, _OTHERS, flow, None)
    return mask


def _pupils(pupils: Pupils, layout: tuple[int, int], flow: list[int]) -> int:
    """Fill one cell of students; returns its mask bit."""
    present, enrolled = pupils.present, pupils.enrolled
    if present is None or enrolled is None:
        return 0
    place, bit = layout
    flow[place] = present
    flow[place + 1] = enrolled
    flow[place + 2] = 1
    return bit


def _staff(
    staff: StaffGroup,
    layout: tuple[int, tuple[tuple[int, int], ...], int],
    flow: list[int],
    leave: int | None,
) -> int:
    """Fill one group of staff; leave, duty and absence are summed over complete pairs only."""
    total, places, answered = layout
    mask = 0
    if (cell := staff.male) is not None:
        mask = _employed(cell, places[0], flow, leave)
    if (cell := staff.female) is not None:
        mask |= _employed(cell, places[1], flow, leave)
    if (cell := staff.unspecified) is not None:
        mask |= _employed(cell, places[2], flow, leave)
    if not mask:
        return 0
    flow[answered] = 1
    return mask | total


def _employed(cell: Staff, layout: tuple[int, int], flow: list[int], leave: int | None) -> int:
    """Fill one cell of staff and add to those on leave, on duty and absent; returns its bit."""
    present, posted = cell.present, cell.posted
    if present is None or posted is None:
        return 0
    place, bit = layout
    flow[place] = present
    flow[place + 1] = posted
    flow[place + 2] = 1
    if leave is not None:
        if away := cell.on_leave:
            flow[leave] += away
        if away := cell.on_duty:
            flow[leave + 1] += away
        if away := cell.absent:
            flow[leave + 2] += away
    return bit


def _environment(items: dict[str, Any], flow: list[int]) -> int:
    """Fill the learning environment: answered when one item is yes or no."""
    words = list(items.values())
    yes = words.count("yes")
    asked = yes + words.count("no")
    if not asked:
        return 0
    flow[_ENV] = yes
    flow[_ENV + 1] = asked
    flow[_ENV + 2] = 1
    if yes * 5 >= asked * 4:
        flow[_ENV80] = 1
    return ENVIRONMENT


def _official(visited: bool, visitor: str | None, flow: list[int]) -> int:
    """Fill the officials' visits, total and by post; returns the mask bits."""
    yes = 1 if visited else 0
    flow[_OFFICIAL] = yes
    flow[_OFFICIAL + 1] = 1
    post = _POST.get(visitor or "")
    if post is None:
        return _OFFICIAL_BIT
    flow[post[0]] = yes
    flow[post[0] + 1] = 1
    return _OFFICIAL_BIT | post[1]


def _stock(form: Form, stock: list[int]) -> int:
    """Fill the stock row; returns the groups answered (any field of a group answers it)."""
    groups = KNOWN
    stock[_KNOWN] = 1
    status = form.status
    if status == "open":
        stock[_STATUS] = stock[_STATUS + 1] = 1
        groups |= STATUS
    elif status in _NOT_OPEN and not (status in _CLOSURES and form.closure_reason == "holiday"):
        # A holiday closure, a refusal and an unreachable school leave the earlier answer standing.
        stock[_STATUS + 1] = 1
        groups |= STATUS
    rooms = form.rooms
    if rooms is not None:
        groups |= _rooms(rooms, stock)
    if form.toilets is not None:
        groups |= _toilets(form.toilets, stock)
    participation = form.participation
    if participation is not None:
        if participation.child_club_formed is not None:
            stock[_CLUB] = 1 if participation.child_club_formed else 0
            stock[_CLUB + 1] = 1
            groups |= CLUBS
        word = participation.feeder_attended_procurement
        if word in _PROCURE_WORDS:
            stock[_PROCURE_ANSWERED] = 1
            if word in _PROCURE:
                stock[_PROCURE[word]] = 1
            groups |= PROCURE
        elif participation.procurement_meeting_held is not None:
            # A cluster head's field: it ends what stood, with no pair of its own.
            groups |= PROCURE
    return groups


def _rooms(rooms: Rooms, stock: list[int]) -> int:
    """Fill the pair of rooms; returns ROOMS when any field is given."""
    usable, available = rooms.usable, rooms.available
    if usable is not None and available is not None:
        stock[_ROOMS] = usable
        stock[_ROOMS + 1] = available
        stock[_ROOMS + 2] = 1
        return ROOMS
    given = (usable, available, rooms.classrooms_used, rooms.open_air_classes)
    return ROOMS if any(field is not None for field in given) else 0


def _toilets(toilets: Toilets, stock: list[int]) -> int:
    """Fill the pairs by kind and the absence of any toilet; returns TOILET if any is given."""
    given = toilets.handwash is not None or toilets.soap is not None
    places = _TOILET_PLACES
    available: int | None = None
    for kind, place in (
        (toilets.boys, places[0]),
        (toilets.girls, places[1]),
        (toilets.shared, places[2]),
        (toilets.staff, places[3]),
    ):
        if kind is None:
            continue
        there, usable = kind.available, kind.usable
        if there is not None:
            given = True
            available = there if available is None else available + there
            if usable is not None:
                stock[place] = usable
                stock[place + 1] = there
                stock[place + 2] = stock[_TOILETS_ANSWERED] = 1
        elif usable is not None:
            given = True
    if available is not None:
        stock[_NO_TOILET + 1] = 1
        if available == 0:
            stock[_NO_TOILET] = 1
    return TOILET if given else 0
