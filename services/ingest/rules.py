"""What makes a visit impossible: the rules that refuse it, from the form and the clock alone.

Owns the R rules of the visit's design; what is merely unlikely is left to `flags`, the range of a
single field to `schemas`. Every rule compares only numbers that were given: an absent one is not
measured, never 0.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.ingest.schemas import Facility, Posts, Pupils, Students, ToiletKinds, VisitForm
from shared.errors import FieldError

SEXES = ("boys", "girls", "unspecified")
STAFF_SEXES = ("male", "female", "unspecified")
KINDS = ("boys", "girls", "shared", "staff")
FACILITIES = ("water", "electricity", "boundary_wall")
AHEAD = timedelta(hours=24)


def reject(visit: VisitForm, received: datetime, zone: ZoneInfo) -> list[FieldError]:
    """Why a visit received at `received` (aware) cannot be true; empty when it can."""
    errors: list[FieldError] = []
    if visit.students is not None:
        errors += _students(visit.students)
    if visit.teachers is not None:
        errors += _staff(visit.teachers, "/teachers")
    if visit.non_teaching is not None:
        errors += _staff(visit.non_teaching, "/non_teaching")
    rooms = visit.rooms
    if rooms is not None and _exceeds(rooms.usable, rooms.available):
        errors.append(_usable("/rooms"))
    if visit.toilets is not None:
        errors += _toilets(visit.toilets)
    if visit.facilities is not None:
        for name in FACILITIES:
            facility = getattr(visit.facilities, name)
            if facility is not None and _works_unseen(facility):
                detail = "A facility that is not available cannot be functional."
                pointer = f"/facilities/{name}/functional"
                errors.append(FieldError(pointer, "functional_without_available", detail))
    if visit.status != "open":
        errors += _not_open(visit)
    errors += _times(visit, received, zone)
    return errors


def _exceeds(part: int | None, whole: int | None) -> bool:
    return part is not None and whole is not None and part > whole


def _usable(pointer: str) -> FieldError:
    detail = "More are usable than available."
    return FieldError(f"{pointer}/usable", "usable_exceeds_available", detail)


def _cells(group: object, pointer: str) -> Iterator[tuple[str, Pupils]]:
    for sex in SEXES:
        cell = getattr(group, sex)
        if cell is not None:
            yield f"{pointer}/{sex}", cell


def _students(students: Students) -> Iterator[FieldError]:
    cells = list(_cells(students, "/students"))
    for index, grade in enumerate(students.grades or ()):
        cells += _cells(grade, f"/students/grades/{index}")
    for pointer, cell in cells:
        if _exceeds(cell.present, cell.enrolled):
            detail = "More pupils are present than enrolled."
            yield FieldError(f"{pointer}/present", "present_exceeds_enrolled", detail)
    if students.grades:
        for sex in SEXES:
            yield from _grade_sums(students, sex)


def _grade_sums(students: Students, sex: str) -> Iterator[FieldError]:
    total: Pupils | None = getattr(students, sex)
    if total is None:
        return
    parts = [cell for grade in students.grades or () if (cell := getattr(grade, sex)) is not None]
    for count in ("enrolled", "present"):
        given = sum(getattr(cell, count) or 0 for cell in parts)
        if _exceeds(given, getattr(total, count)):
            detail = "The grades add up to more than the school's total."
            yield FieldError(f"/students/{sex}/{count}", "grades_exceed_total", detail)


def _staff(staff: object, pointer: str) -> Iterator[FieldError]:
    for sex in STAFF_SEXES:
        cell: Posts | None = getattr(staff, sex)
        if cell is None:
            continue
        at = f"{pointer}/{sex}"
        if _exceeds(cell.present, cell.posted):
            yield FieldError(
                f"{at}/present", "present_exceeds_posted", "More staff are present than posted."
            )
        elif not _adds_up(cell):
            detail = "present, on_leave, on_duty and absent do not add up to posted."
            yield FieldError(f"{at}/posted", "staff_do_not_add_up", detail)


def _adds_up(cell: Posts) -> bool:
    """Whether the five numbers agree; fewer than five cannot disagree."""
    present, on_leave, on_duty, absent = cell.present, cell.on_leave, cell.on_duty, cell.absent
    if cell.posted is None or present is None or absent is None:
        return True
    if on_leave is None or on_duty is None:
        return True
    return present + on_leave + on_duty + absent == cell.posted


def _toilets(toilets: ToiletKinds) -> Iterator[FieldError]:
    for kind in KINDS:
        count = getattr(toilets, kind)
        if count is not None and _exceeds(count.usable, count.available):
            yield _usable(f"/toilets/{kind}")


def _works_unseen(facility: Facility) -> bool:
    if facility.functional is None:
        return False
    return facility.available is None or (facility.functional and not facility.available)


def _not_open(visit: VisitForm) -> Iterator[FieldError]:
    """A school that is not open shows no pupils, no teachers present and no lessons."""
    detail = "This cannot be measured in a school that is not open."
    if visit.students is not None and _says_anything(visit.students):
        yield FieldError("/students", "not_open", detail)
    for sex in STAFF_SEXES if visit.teachers is not None else ():
        cell: Posts | None = getattr(visit.teachers, sex)
        if cell is not None and cell.present is not None:
            yield FieldError(f"/teachers/{sex}/present", "not_open", detail)
    if visit.environment is not None and _says_anything(visit.environment):
        yield FieldError("/environment", "not_open", detail)


def _says_anything(group: object) -> bool:
    """Whether any field of a group, however deep, is given."""
    if isinstance(group, list):
        return any(_says_anything(item) for item in group)
    names = getattr(group, "__struct_fields__", None)
    if names is None:
        return group is not None
    return any(_says_anything(getattr(group, name)) for name in names)


def _times(visit: VisitForm, received: datetime, zone: ZoneInfo) -> Iterator[FieldError]:
    if visit.visited_at - received > AHEAD:
        detail = "The visit is dated more than 24 hours ahead of its receipt."
        yield FieldError("/visited_at", "visit_date_in_future", detail)
    if visit.ended_at is not None and visit.ended_at < visit.visited_at:
        yield FieldError("/ended_at", "ended_before_visited", "The visit ends before it begins.")
    oversight = visit.oversight
    if oversight is None or oversight.last_official_visit is None:
        return
    if oversight.last_official_visit > visit.visited_at.astimezone(zone).date():
        detail = "The officials' last visit is dated after this one."
        pointer = "/oversight/last_official_visit"
        yield FieldError(pointer, "official_visit_after_visit", detail)


def instants_fault(visit: VisitForm) -> FieldError | None:
    """Turn the visit's instants to UTC in place; the field that no calendar holds, if any."""
    for name in ("visited_at", "ended_at"):
        instant: datetime | None = getattr(visit, name)
        if instant is None:
            continue
        # A day of leeway on both sides keeps every later conversion to a local day in range.
        if not 1 < instant.year < 9999:
            return FieldError(f"/{name}", "invalid_instant", "The time is out of range.")
        setattr(visit, name, instant.astimezone(UTC))
    return None
