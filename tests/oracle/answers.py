"""What one form answers: the pairs (numerator, denominator) of every indicator and split.

Owns 02 §4's table and the atom of §5 for a single visit; windows, units and what stands on a
day belong to `figures`. An answer is (indicator, split or None for the total, num, den).
"""

from __future__ import annotations

from typing import Any

Form = dict[str, Any]
Answer = tuple[str, str | None, int, int]

FIXED = {
    "student_attendance": ("boys", "girls", "unspecified"),
    "teacher_attendance": ("male", "female", "unspecified"),
    "non_teaching_attendance": ("male", "female", "unspecified"),
    "official_visits": (),
    "usable_rooms": (),
    "usable_toilets": ("boys", "girls", "shared", "staff"),
    "learning_environment": (),
    "child_clubs": (),
    "procurement_participation": (),
    "visits_made": (),
    "schools_open": (),
    "schools_known": (),
    "coverage": (),
    "schools_without_toilet": (),
}
PEOPLE = (  # indicator, group of the form, the half below, the half above
    ("student_attendance", "students", "enrolled", "present"),
    ("teacher_attendance", "teachers", "posted", "present"),
    ("non_teaching_attendance", "non_teaching", "posted", "present"),
)
KINDS = FIXED["usable_toilets"]
CLOSED = ("closed_temporarily", "closed_permanently", "not_found", "merged")
GROUPS = ("status", "rooms", "toilets", "clubs", "procurement")


def _part(form: Form, name: str) -> Form:
    return form.get(name) or {}


def _says_something(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_says_something(inner) for inner in value.values())
    return value is not None


def _pairs(indicator: str, pairs: dict[str, tuple[Any, Any]]) -> list[Answer]:
    """The complete pairs, and their sum as the total when there is any."""
    whole = {s: (n, d) for s, (n, d) in pairs.items() if n is not None and d is not None}
    answers: list[Answer] = [(indicator, split, n, d) for split, (n, d) in whole.items()]
    if whole:
        total = [sum(column) for column in zip(*whole.values(), strict=True)]
        answers.append((indicator, None, total[0], total[1]))
    return answers


def _by_gender(indicator: str, gender: str | None, num: int, den: int) -> list[Answer]:
    total: list[Answer] = [(indicator, None, num, den)]
    return [*total, (indicator, f"school_gender:{gender or 'unspecified'}", num, den)]


def flow_answers(form: Form, gender: str | None) -> list[Answer]:
    """What the visit adds on its day; `gender` is its school's on that day."""
    kind = form.get("visit_type") or "routine"
    answers: list[Answer] = [
        ("visits_made", None, 1, 0),
        ("visits_made", f"visit_type:{kind}", 1, 0),
    ]
    oversight = _part(form, "oversight")
    seen = oversight.get("official_visit_last_30_days")
    if seen is not None:
        answers.append(("official_visits", None, int(seen), 1))
        post = oversight.get("visitor_post") or "unspecified"  # the posts add to the whole
        answers.append(("official_visits", f"visitor_post:{post}", int(seen), 1))
    if form["status"] != "open":
        return answers
    for indicator, group, below, above in PEOPLE:
        cells = {split: _part(_part(form, group), split) for split in FIXED[indicator]}
        pairs = {split: (cell.get(above), cell.get(below)) for split, cell in cells.items()}
        answers += _pairs(indicator, pairs)
    items = [word for word in _part(form, "environment").values() if word in ("yes", "no")]
    if items:
        yes = items.count("yes")
        answers += _by_gender("learning_environment", gender, yes, len(items))
    return answers


def replaces(group: str, form: Form) -> bool:
    """Whether the visit answers the stock group, so that what stood before ends."""
    taking_part = _part(form, "participation")
    if group == "status":
        shut = form["status"] in CLOSED[:2]  # not found or merged is no closure for a holiday
        holiday = shut and form.get("closure_reason") == "holiday"
        return form["status"] == "open" or (form["status"] in CLOSED and not holiday)
    if group in ("rooms", "toilets"):
        return _says_something(form.get(group))
    if group == "clubs":
        return taking_part.get("child_club_formed") is not None
    words = ("feeder_attended_procurement", "procurement_meeting_held")
    return any(taking_part.get(word) is not None for word in words)


def stock_answers(group: str, form: Form, gender: str | None) -> list[Answer]:
    """What the visit says while it stands for the group; `gender` is its school's on D."""
    if group == "status":
        return [("schools_open", None, int(form["status"] == "open"), 1)]
    if group == "rooms":
        usable, available = (_part(form, "rooms").get(half) for half in ("usable", "available"))
        if usable is None or available is None:
            return []
        return _by_gender("usable_rooms", gender, usable, available)
    if group == "toilets":
        cells = {kind: _part(_part(form, "toilets"), kind) for kind in KINDS}
        pairs = {kind: (cell.get("usable"), cell.get("available")) for kind, cell in cells.items()}
        answers = _pairs("usable_toilets", pairs)
        there = [cell["available"] for cell in cells.values() if cell.get("available") is not None]
        if there:
            answers.append(("schools_without_toilet", None, int(sum(there) == 0), 1))
        return answers
    taking_part = _part(form, "participation")
    if group == "clubs":
        return [("child_clubs", None, int(taking_part["child_club_formed"]), 1)]
    word = taking_part.get("feeder_attended_procurement")
    if word is None:
        return []
    invited = word in ("attended", "invited_absent", "not_invited")
    return [("procurement_participation", None, int(word == "attended"), int(invited))]
