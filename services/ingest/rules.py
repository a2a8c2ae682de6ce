"""What makes a visit impossible: the rules that refuse it, from the form and the clock alone.

Owns the R rules of the visit's design; what is merely unlikely is left to `flags`, the range of a
single field to `schemas`. Every rule compares only numbers that were given: an absent one is not
measured, never 0.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.ingest.schemas import (
    Facilities,
    Facility,
    Grade,
    NonTeaching,
    Posts,
    Pupils,
    Students,
    Teachers,
    ToiletCount,
    ToiletKinds,
    VisitForm,
)
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
        _students(visit.students, errors)
    if visit.teachers is not None:
        _staff(visit.teachers, "/teachers", errors)
    if visit.non_teaching is not None:
        _staff(visit.non_teaching, "/non_teaching", errors)
    rooms = visit.rooms
    if rooms is not None and _exceeds(rooms.usable, rooms.available):
        errors.append(_usable("/rooms"))
    if visit.toilets is not None:
        _toilets(visit.toilets, errors)
    if visit.facilities is not None:
        _facilities(visit.facilities, errors)
    if visit.status != "open":
        errors += _not_open(visit)
    _times(visit, received, zone, errors)
    return errors


def _exceeds(part: int | None, whole: int | None) -> bool:
    return part is not None and whole is not None and part > whole


def _usable(pointer: str) -> FieldError:
    detail = "More are usable than available."
    return FieldError(f"{pointer}/usable", "usable_exceeds_available", detail)


def _pupils(group: Students | Grade, pointer: str, errors: list[FieldError]) -> None:
    for sex in SEXES:
        cell: Pupils | None = getattr(group, sex)
        if cell is None or cell.present is None or cell.enrolled is None:
            continue
        if cell.present > cell.enrolled:
            detail = "More pupils are present than enrolled."
            at = f"{pointer}/{sex}/present"
            errors.append(FieldError(at, "present_exceeds_enrolled", detail))


def _students(students: Students, errors: list[FieldError]) -> None:
    _pupils(students, "/students", errors)
    if not students.grades:
        return
    for index, grade in enumerate(students.grades):
        _pupils(grade, f"/students/grades/{index}", errors)
    for sex in SEXES:
        total: Pupils | None = getattr(students, sex)
        if total is not None:
            _grade_sums(students.grades, sex, total, errors)


def _grade_sums(grades: list[Grade], sex: str, total: Pupils, errors: list[FieldError]) -> None:
    enrolled = present = 0
    for grade in grades:
        cell: Pupils | None = getattr(grade, sex)
        if cell is not None:
            enrolled += cell.enrolled or 0
            present += cell.present or 0
    if total.enrolled is not None and enrolled > total.enrolled:
        errors.append(_beyond_total(f"/students/{sex}/enrolled"))
    if total.present is not None and present > total.present:
        errors.append(_beyond_total(f"/students/{sex}/present"))


def _beyond_total(pointer: str) -> FieldError:
    detail = "The grades add up to more than the school's total."
    return FieldError(pointer, "grades_exceed_total", detail)


def _staff(staff: Teachers | NonTeaching, pointer: str, errors: list[FieldError]) -> None:
    for sex in STAFF_SEXES:
        cell: Posts | None = getattr(staff, sex)
        if cell is None:
            continue
        if _exceeds(cell.present, cell.posted):
            detail = "More staff are present than posted."
            at = f"{pointer}/{sex}/present"
            errors.append(FieldError(at, "present_exceeds_posted", detail))
        elif not _adds_up(cell):
            detail = "present, on_leave, on_duty and absent do not add up to posted."
            at = f"{pointer}/{sex}/posted"
            errors.append(FieldError(at, "staff_do_not_add_up", detail))


def _adds_up(cell: Posts) -> bool:
    """Whether the five numbers agree; fewer than five cannot disagree."""
    present, on_leave, on_duty, absent = cell.present, cell.on_leave, cell.on_duty, cell.absent
    if cell.posted is None or present is None or absent is None:
        return True
    if on_leave is None or on_duty is None:
        return True
    return present + on_leave + on_duty + absent == cell.posted


def _toilets(toilets: ToiletKinds, errors: list[FieldError]) -> None:
    for kind in KINDS:
        count: ToiletCount | None = getattr(toilets, kind)
        if count is not None and _exceeds(count.usable, count.available):
            errors.append(_usable(f"/toilets/{kind}"))


def _facilities(facilities: Facilities, errors: list[FieldError]) -> None:
    for name in FACILITIES:
        facility: Facility | None = getattr(facilities, name)
        if facility is not None and _works_unseen(facility):
            detail = "A facility that is not available cannot be functional."
            at = f"/facilities/{name}/functional"
            errors.append(FieldError(at, "functional_without_available", detail))


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


def _times(visit: VisitForm, received: datetime, zone: ZoneInfo, errors: list[FieldError]) -> None:
    if visit.visited_at - received > AHEAD:
        detail = "The visit is dated more than 24 hours ahead of its receipt."
        errors.append(FieldError("/visited_at", "visit_date_in_future", detail))
    if visit.ended_at is not None and visit.ended_at < visit.visited_at:
        detail = "The visit ends before it begins."
        errors.append(FieldError("/ended_at", "ended_before_visited", detail))
    oversight = visit.oversight
    if oversight is None or oversight.last_official_visit is None:
        return
    if oversight.last_official_visit > visit.visited_at.astimezone(zone).date():
        detail = "The officials' last visit is dated after this one."
        pointer = "/oversight/last_official_visit"
        errors.append(FieldError(pointer, "official_visit_after_visit", detail))


def instants_fault(visit: VisitForm) -> FieldError | None:
    """Turn the visit's instants to UTC in place; the field that no calendar holds, if any."""
    # A day of leeway on both sides keeps every later conversion to a local day in range.
    if not 1 < visit.visited_at.year < 9999:
        return FieldError("/visited_at", "invalid_instant", "The time is out of range.")
    visit.visited_at = visit.visited_at.astimezone(UTC)
    if visit.ended_at is not None:
        if not 1 < visit.ended_at.year < 9999:
            return FieldError("/ended_at", "invalid_instant", "The time is out of range.")
        visit.ended_at = visit.ended_at.astimezone(UTC)
    return None
