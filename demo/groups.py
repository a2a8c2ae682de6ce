"""The groups of a form, written out from numbers: students, staff, rooms and the rest.

Owns the wire form of single groups, obeying every rule of the form; pure.
"""

from typing import Any

from demo.premises import KINDS, PROCUREMENT
from demo.register import BOYS, GIRLS, MIXED, PRIMARY

Form = dict[str, Any]


def students(found: list[int], gender: int, totals: bool, half: bool) -> Form:
    """Return enrolment and presence by sex, or as totals."""
    boys, girls, boys_present, girls_present = found
    if totals:
        present = boys_present + girls_present
        return {"unspecified": {"enrolled": boys + girls, "present": present}}
    group: Form = {}
    if gender in (BOYS, MIXED) or boys:
        group["boys"] = {"enrolled": boys, "present": boys_present}
    if gender in (GIRLS, MIXED) or girls:
        group["girls"] = {"enrolled": girls}
        if not half:
            group["girls"]["present"] = girls_present
    return group


def add_grade(students: Form, grade: int) -> None:
    """Add the one grade that was counted head by head."""
    cell: Form = {"grade": str(grade)}
    for sex in ("boys", "girls"):
        if sex in students and students[sex]["enrolled"] > 5:
            enrolled, present = students[sex]["enrolled"], students[sex]["present"]
            part = enrolled // 6 + 1
            cell[sex] = {"enrolled": part, "present": present * part // enrolled}
    if len(cell) > 1:
        students["grades"] = [cell]


def staff(found: list[int], bits: int, totals: bool, *, full: bool) -> Form:
    """Return staff by sex, or as totals; `full` also says where the others are."""
    men, women, men_present, women_present = found
    if totals:
        return {"unspecified": {"posted": men + women, "present": men_present + women_present}}
    group: Form = {}
    for sex, posted, present in (
        ("male", men, men_present),
        ("female", women, women_present),
    ):
        if not posted and (sex == "female" or women):
            continue
        cell = group[sex] = {"posted": posted, "present": present}
        if full:
            away = posted - present
            on_leave = bits % (away + 1)
            on_duty = (bits >> 5) % (away - on_leave + 1)
            cell["on_leave"], cell["on_duty"] = on_leave, on_duty
            cell["absent"] = away - on_leave - on_duty
    return group


def posted(men: int, women: int) -> Form:
    """Return the posts of a school that was found closed."""
    cells = {"male": {"posted": men}, "female": {"posted": women}}
    return {sex: cell for sex, cell in cells.items() if cell["posted"]} or {"male": {"posted": 0}}


def rooms(available: int, usable: int, is_open: bool, bits: int) -> Form:
    """Return the rooms; an open school without a usable one teaches in the open air."""
    group: Form = {"available": available, "usable": usable}
    if is_open:
        group["classrooms_used"] = max(0, usable - bits % 2)
        group["open_air_classes"] = 1 + bits % 2 if usable == 0 else int(bits % 25 == 0)
    return group


def toilets(found: list[int], gender: int, level: int, bits: int) -> Form:
    """Return the toilets of the kinds the school should have or does have."""
    expected = (gender != GIRLS, gender != BOYS, True, level != PRIMARY)
    group: Form = {
        kind: {"available": found[place], "usable": found[place + 4]}
        for place, kind in enumerate(KINDS)
        if expected[place] or found[place]
    }
    group["handwash"] = bits % 3 == 0
    group["soap"] = bits % 15 == 0
    return group


def facilities(code: int, bits: int) -> Form:
    """Return water, electricity and wall: there or not by school, working or not by visit."""
    group: Form = {}
    for place, (name, share) in enumerate(
        (("water", 52), ("electricity", 34), ("boundary_wall", 58))
    ):
        available = (code * 2654435761 >> (place * 7)) % 100 < share
        group[name] = {"available": available}
        if available:
            group[name]["functional"] = (bits >> place) % 8 > 0
    return group


def participation(head: bool, club: bool, meeting: int, committee: int) -> Form:
    """Return clubs and committees; the cluster's head says whether procurement met."""
    group: Form = {"child_club_formed": club, "ptsmc_formed": committee < 84}
    if head:
        group["procurement_meeting_held"] = meeting != 3
    else:
        group["feeder_attended_procurement"] = PROCUREMENT[meeting]
    return group
